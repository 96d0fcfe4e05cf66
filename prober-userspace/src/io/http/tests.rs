//! The server over real sockets: what is served, what is refused, and who cannot hold it up.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::metrics::{MetricKind, Metrics};
use super::*;
use crate::model::attribution::{Attribution, ProbesShown};
use crate::model::utc::UtcMicros;

fn attribution() -> Attribution {
    Attribution {
        operator: "<Example> & \"CSIRT\"".into(),
        contacts: vec!["mailto:scan@example.org".parse().unwrap()],
        opt_out: "mailto:optout@example.org".parse().unwrap(),
        base_url: Some("https://scan.example.org".into()),
        description: "Survey".into(),
        languages: vec!["ja".into()],
        probes: ProbesShown {
            sources: vec!["192.0.2.1".parse().unwrap()],
            ports: (8_000..8_100).collect(),
            interval_s: 43_200,
            most_pps: 100,
        },
        expires: UtcMicros(1_800_000_000_000_000),
    }
}

fn server() -> (HttpServer, SocketAddr) {
    let answer: Answer = Arc::new(|path| pages::page(&attribution(), path));
    let server = HttpServer::start(vec![("127.0.0.1:0".parse().unwrap(), answer)]).unwrap();
    let address = server.addresses()[0];
    (server, address)
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    // A refusal may come before all is written.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn pages_are_served_and_nothing_else() {
    let (_server, address) = server();
    let known = ask(address, b"GET /.well-known/probing.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(known.starts_with("HTTP/1.1 200 OK\r\n"), "{known}");
    assert!(known.to_lowercase().contains("content-type: text/plain; charset=utf-8\r\n"), "{known}");
    let (_, body) = known.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, attribution().probing_txt());
    let contact = ask(address, b"GET / HTTP/1.0\r\n\r\n");
    assert!(contact.contains("<h1>Probes by &lt;Example&gt; &amp; &quot;CSIRT&quot;</h1>"), "{contact}");
    assert!(contact.contains("<a href=\"mailto:optout@example.org\">optout@example.org</a>"), "{contact}");
    for part in ["From 192.0.2.1.", "100 TCP ports", "8000, 8001", "about every 12 hours", "100 packets per second"] {
        assert!(contact.contains(part), "{part} in {contact}");
    }
    let head = ask(address, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
    for path in ["/../etc/passwd", "/metrics", "/.well-known/", "/%2e%2e"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(ask(address, request.as_bytes()).starts_with("HTTP/1.1 404 "), "{path}");
    }
    let posted = ask(address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert!(posted.starts_with("HTTP/1.1 405 ") && posted.to_lowercase().contains("allow: get, head"), "{posted}");
}

#[test]
fn nonsense_and_endless_headers_are_refused() {
    let (_server, address) = server();
    assert!(ask(address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let endless = [b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec(), vec![b'a'; 1 << 20]].concat();
    let refused = ask(address, &endless);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431 "), "{refused}");
    assert!(
        ask(address, b"GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 ")
            || ask(address, b"GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 ")
    );
}

#[test]
fn silent_clients_neither_crowd_out_others_for_long_nor_hold_up_the_end() {
    let (server, address) = server();
    let silent: Vec<_> = (0..CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect();
    // All places taken: whoever comes now is closed at once, or is served as soon as the silent ones are dropped.
    let mut served = false;
    for _ in 0..200 {
        served = ask(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 ");
        if served {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(served, "silent clients are dropped in the end");
    drop(server);
    drop(silent);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (_server, address) = server();
    let nothing: Answer = Arc::new(|_: &str| None);
    let error = HttpServer::start(vec![(address, nothing)]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot serve HTTP on {address}: ")), "{error}");
}

#[test]
fn figures_are_in_the_format_of_prometheus() {
    let mut metrics = Metrics::default();
    metrics.add("prober_sent_total", MetricKind::Counter, "Probes", 5e9);
    let kinds = [("syn_ack".to_owned(), 3.0), ("a\"b\\c\nd".to_owned(), f64::INFINITY)];
    metrics.add_family("prober_replies_total", MetricKind::Counter, "Replies\nby kind", "kind", kinds);
    metrics.add_family("prober_none", MetricKind::Gauge, "Nothing", "kind", []);
    insta::assert_snapshot!(metrics.into_page().body, @r#"
    # HELP prober_sent_total Probes
    # TYPE prober_sent_total counter
    prober_sent_total 5000000000
    # HELP prober_replies_total Replies\nby kind
    # TYPE prober_replies_total counter
    prober_replies_total{kind="syn_ack"} 3
    prober_replies_total{kind="a\"b\\c\nd"} +Inf
    "#);
}
