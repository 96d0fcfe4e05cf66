//! Grabbing over loopback: thirty hostile servers at once beside healthy ones. Each has an address of its own, so all are
//! asked at the same time. What is asserted is what is kept and how it is marked, never how long it took.

mod limits;
mod under_tls;

use std::collections::HashSet;
use std::io::Write;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use prober_common::address::V4;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{GrabConfig, GrabEvent, HostWork, Work, run};
use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, TEXT_BYTES, Transport};
use crate::target::exclusions::Exclusions;
use crate::target::shared_exclusions::SharedExclusions;

/// What a server does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A page, as it should be.
    Healthy,
    /// An FTP greeting.
    Greeting,
    /// Accepts and says nothing.
    Mute,
    /// Closes at once.
    Closes,
    /// Resets at once.
    Resets,
    /// A header, then RST.
    ResetsMidway,
    /// A body without end.
    Endless,
    /// Announces 4 GiB and goes on sending.
    FourGibibytes,
    /// Headers without end.
    EndlessHead,
    /// One byte now and then.
    SlowLoris,
    /// 64 MiB of zeros in few bytes.
    ZipBomb,
    /// Chunks that announce more than there is in the world.
    HugeChunk,
    /// Not text at all.
    Noise,
    /// NUL bytes and invalid UTF-8 in a page.
    BadText,
    /// Another protocol than the port says.
    OtherProtocol,
    /// A TLS record with a handshake message of 16 MiB.
    HugeHandshake,
    /// Telnet options without end.
    OptionFlood,
    /// A line without end.
    EndlessLine,
}

const HOSTILE: [Manner; 16] = [
    Manner::Mute,
    Manner::Closes,
    Manner::Resets,
    Manner::ResetsMidway,
    Manner::Endless,
    Manner::FourGibibytes,
    Manner::EndlessHead,
    Manner::SlowLoris,
    Manner::ZipBomb,
    Manner::HugeChunk,
    Manner::Noise,
    Manner::BadText,
    Manner::OtherProtocol,
    Manner::HugeHandshake,
    Manner::OptionFlood,
    Manner::EndlessLine,
];

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut request = [0; 512];
    let listens = matches!(
        manner,
        Manner::Healthy
            | Manner::ResetsMidway
            | Manner::Endless
            | Manner::FourGibibytes
            | Manner::EndlessHead
            | Manner::SlowLoris
            | Manner::ZipBomb
            | Manner::HugeChunk
            | Manner::Noise
            | Manner::BadText
            | Manner::HugeHandshake
    );
    if listens && stream.read(&mut request).await.unwrap_or(0) == 0 {
        return;
    }
    let page = |headers: &str, body: &[u8]| [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body].concat();
    let (first, again): (Vec<u8>, Vec<u8>) = match manner {
        Manner::Healthy => (page("Server: lab\r\nContent-Length: 20\r\n", b"<title>Camera</title>"), vec![]),
        Manner::Greeting => (b"220 LAB FTP ready.\r\n".to_vec(), vec![]),
        Manner::Mute => return tokio::time::sleep(Duration::from_mins(10)).await,
        Manner::Closes => return,
        Manner::Resets | Manner::ResetsMidway => {
            if manner == Manner::ResetsMidway {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nServer: half\r\n").await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let _ = stream.set_zero_linger();
            return;
        }
        Manner::Endless => (page("Server: endless\r\n", b""), vec![b'a'; 64 << 10]),
        Manner::FourGibibytes => (page("Content-Length: 4294967296\r\n", b""), vec![b'4'; 64 << 10]),
        Manner::EndlessHead => (b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-Header: y\r\n".repeat(1000)),
        Manner::SlowLoris => {
            for byte in b"HTTP/1.1 200 OK\r\nServer: slow\r\n".iter().cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return;
        }
        Manner::ZipBomb => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&vec![0; 64 << 20]).unwrap();
            (page("Content-Encoding: gzip\r\n", &encoder.finish().unwrap()), vec![])
        }
        Manner::HugeChunk => (page("Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\nabc"), vec![b'c'; 64 << 10]),
        Manner::Noise => ((0..=255).cycle().take(2000).map(|n: u8| n.wrapping_mul(37)).collect(), vec![]),
        Manner::BadText => (page("Content-Length: 6\r\n", b"\0\0\xff\xfe\xc3("), vec![]),
        Manner::OtherProtocol => (b"SSH-2.0-dropbear_2022.83\r\n".to_vec(), vec![]),
        Manner::HugeHandshake => (b"\x16\x03\x03\x40\0\x0b\xff\xff\xff".to_vec(), vec![0; 16 << 10]),
        Manner::OptionFlood => (vec![], [255, 253, 1, 255, 251, 3].repeat(4000)),
        Manner::EndlessLine => (b"220-".to_vec(), vec![b'z'; 64 << 10]),
    };
    if stream.write_all(&first).await.is_err() {
        return;
    }
    while !again.is_empty() && stream.write_all(&again).await.is_ok() {}
    // Lets the other side close first, as servers do that wait for more.
    let _ = stream.shutdown().await;
    while stream.read(&mut request).await.unwrap_or(0) > 0 {}
}

/// Starts a server on an address of its own; its port is chosen by the kernel.
async fn start(last: u8, manner: Manner) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 77, last), 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner));
        }
    });
    port
}

fn config(exclusions: Exclusions) -> GrabConfig {
    GrabConfig {
        contact: "https://scan.example.org".into(),
        rate: 0.0,
        rate_per_24: 0.0,
        concurrency: 64,
        timeout: Duration::from_secs(2),
        exclusions: SharedExclusions::new(exclusions),
        hold: Arc::default(),
    }
}

fn address(last: u8) -> V4 {
    V4::from(Ipv4Addr::new(127, 0, 77, last))
}

/// Runs to the end and gives every banner.
fn grab(config: &GrabConfig, work: Vec<HostWork>) -> (Vec<Banner>, super::GrabProgress) {
    let mut all = Vec::new();
    let progress = run(config, Work::List(work), std::future::pending(), &mut |event| {
        if let GrabEvent::Asked(asked) = event {
            all.extend(asked.banners);
        }
        ControlFlow::Continue(())
    });
    (all, progress.unwrap())
}

/// Servers on a runtime of their own; dropped with it.
fn servers(manners: &[(u8, Manner)]) -> (tokio::runtime::Runtime, Vec<HostWork>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let work = runtime.block_on(async {
        let mut work = Vec::new();
        for (last, manner) in manners {
            let port = start(*last, *manner).await;
            work.push(HostWork { address: address(*last), ports: vec![(Transport::Tcp, port)] });
        }
        work
    });
    (runtime, work)
}

#[test]
fn thirty_two_hostile_servers_are_bounded_and_healthy_ones_unaffected() {
    let mut manners: Vec<(u8, Manner)> = Vec::new();
    for (index, manner) in HOSTILE.iter().chain(&HOSTILE).enumerate() {
        manners.push((index as u8 + 1, *manner));
    }
    for last in 101..=120 {
        manners.push((last, if last % 2 == 0 { Manner::Healthy } else { Manner::Greeting }));
    }
    let (_servers, work) = servers(&manners);
    let (banners, progress) = grab(&config(Exclusions::new([], true)), work);
    assert_eq!((progress.targets, progress.failed, progress.turned_away), (manners.len() as u64, 0, 0));
    for (last, manner) in manners {
        let banner = banners.iter().rfind(|banner| banner.address == address(last)).unwrap();
        judge(manner, banner);
    }
}

fn judge(manner: Manner, banner: &Banner) {
    use BannerProtocol::{Ftp, Http, Ssh, Telnet};
    use GrabOutcome::{Answered, Closed, Malformed, Reset, Silent, Timeout, TooMuch};
    let said = String::from_utf8_lossy(&banner.text[..banner.text.len().min(120)]).into_owned();
    let shown = format!("{manner:?}: {:?} {:?} cut {} {said:?}", banner.protocol, banner.outcome, banner.truncated);
    assert!(banner.text.len() <= TEXT_BYTES && banner.received_bytes <= 600 << 10, "{shown}");
    assert!((1..=4).contains(&banner.connections), "{shown}");
    let outcome = |expected: &[GrabOutcome]| assert!(expected.contains(&banner.outcome), "{shown}");
    match manner {
        Manner::Healthy => {
            outcome(&[Answered]);
            assert!(banner.protocol == Http && said.contains("Server: lab") && !banner.truncated, "{shown}");
        }
        Manner::Greeting => {
            outcome(&[Answered]);
            assert!(banner.protocol == Ftp && said == "220 LAB FTP ready.\r\n" && !banner.truncated, "{shown}");
        }
        Manner::Mute => outcome(&[Silent]),
        Manner::Closes => outcome(&[Closed, Reset]),
        Manner::Resets => outcome(&[Reset, Closed]),
        Manner::ResetsMidway => {
            outcome(&[Reset]);
            assert!(banner.truncated && said.contains("Server: half"), "{shown}");
        }
        Manner::Endless | Manner::FourGibibytes | Manner::EndlessHead | Manner::ZipBomb | Manner::HugeChunk => {
            outcome(&[TooMuch]);
            assert!(banner.truncated && banner.protocol == Http, "{shown}");
        }
        Manner::SlowLoris => {
            outcome(&[Timeout]);
            assert!(banner.truncated && said.starts_with("HTTP/1.1"), "{shown}");
        }
        Manner::Noise => assert!(!banner.text.is_empty(), "{shown}"),
        Manner::BadText => {
            outcome(&[Answered]);
            assert!(banner.text.ends_with(b"\0\0\xff\xfe\xc3("), "{shown}");
        }
        Manner::OtherProtocol => {
            assert!(banner.protocol == Ssh && said.starts_with("SSH-2.0-dropbear"), "{shown}");
        }
        Manner::HugeHandshake => outcome(&[TooMuch, Malformed, Answered, Closed, Timeout]),
        Manner::OptionFlood => {
            assert!(banner.protocol == Telnet, "{shown}");
        }
        Manner::EndlessLine => {
            outcome(&[TooMuch]);
            assert!(banner.truncated && banner.protocol == Ftp, "{shown}");
        }
    }
}

#[test]
fn the_excluded_and_printers_are_turned_away_before_the_connection() {
    let (_servers, mut work) = servers(&[(201, Manner::Healthy), (202, Manner::Healthy)]);
    work[1].ports.extend([(Transport::Tcp, 515), (Transport::Tcp, 9100), (Transport::Udp, 9107)]);
    let range = format!("{}", address(201)).parse().unwrap();
    let of = |host: &HostWork| host.ports.iter().map(|port| (host.address, *port)).collect::<Vec<_>>();
    let (targets, mut told) = (work.iter().flat_map(of).collect::<HashSet<_>>(), HashSet::new());
    let excluding = config(Exclusions::new([("list".into(), vec![range])], true));
    let mut banners = Vec::new();
    let progress = run(&excluding, Work::List(work), std::future::pending(), &mut |event| {
        if let GrabEvent::Asked(asked) = event {
            told.insert((asked.address, (asked.transport, asked.port)));
            banners.extend(asked.banners);
        }
        ControlFlow::Continue(())
    });
    assert!(banners.iter().all(|banner| banner.address == address(202)));
    assert_eq!((banners.len(), progress.unwrap().turned_away), (1, 3));
    assert_eq!(told, targets, "nobody waits for those that were not asked");
}

#[test]
fn a_closed_port_is_refused_and_a_stop_ends_everything() {
    let work = vec![HostWork { address: address(211), ports: vec![(Transport::Tcp, 1), (Transport::Udp, 161)] }];
    let (banners, _) = grab(&config(Exclusions::new([], true)), work);
    assert_eq!(banners.iter().map(|banner| banner.outcome).collect::<Vec<_>>(), [GrabOutcome::Refused; 2]);
    let (_servers, work) = servers(&[(212, Manner::Mute)]);
    let progress = run(&config(Exclusions::new([], true)), Work::List(work), std::future::ready(()), &mut |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(progress.unwrap().targets, 0);
}

/// The kernel knows that a client has closed before the same client's next connection is there to accept: so whoever
/// accepts looks whether all earlier connections of this client are closed.
#[test]
fn one_host_is_asked_over_one_connection_at_a_time() {
    use std::io::Read;
    use std::sync::Mutex;
    let earlier: Arc<Mutex<Vec<std::net::TcpStream>>> = Arc::default();
    let mut ports = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..8 {
        let listener = std::net::TcpListener::bind((Ipv4Addr::new(127, 0, 77, 221), 0)).unwrap();
        ports.push((Transport::Tcp, listener.local_addr().unwrap().port()));
        let earlier = Arc::clone(&earlier);
        servers.push(std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut earlier = earlier.lock().unwrap();
            let closed = |stream: &mut std::net::TcpStream| matches!(stream.read(&mut [0; 16]), Ok(0));
            let alone = earlier.iter_mut().all(closed);
            stream.write_all(b"220 FTP\r\n").unwrap();
            stream.set_nonblocking(true).unwrap();
            earlier.push(stream);
            alone
        }));
    }
    let work = vec![HostWork { address: address(221), ports }];
    let (banners, _) = grab(&config(Exclusions::new([], true)), work);
    assert_eq!(banners.len(), 8);
    assert!(banners.iter().all(|banner| banner.protocol == BannerProtocol::Ftp), "{banners:?}");
    for server in servers {
        assert!(server.join().unwrap(), "two connections to one host at the same time");
    }
}
