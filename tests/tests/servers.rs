//! Shows that every real server answers, at more than one of its addresses, and that nothing stays behind.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

use prober_tests::{far_end::FarEndConfig, lab::Lab, servers::Servers};

/// What a client says, and what the server's first words then contain.
fn conversation(server: &str) -> (&'static [u8], &'static str) {
    match server {
        "nginx" => (b"GET / HTTP/1.0\r\n\r\n", "Server: nginx"),
        "lighttpd" => (b"GET / HTTP/1.0\r\n\r\n", "Server: lighttpd"),
        "openssh" => (b"", "SSH-2.0-OpenSSH"),
        "dropbear" => (b"", "SSH-2.0-dropbear"),
        "vsftpd" => (b"", "220 LAB FTP"),
        "camera" => (b"", "220 AXIS P1344 Network Camera"),
        "telnetd" => (b"", "LAB-100"),
        "mosquitto" => (b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a", "\u{20}\u{2}"),
        "gst-rtsp-server" => (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 200 OK"),
        other => panic!("no conversation with {other}"),
    }
}

fn talk(address: SocketAddr, server: &str) -> String {
    let (words, wanted) = conversation(server);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(words).unwrap();
    let mut heard = String::new();
    let mut buffer = [0; 1024];
    while !heard.contains(wanted) {
        match stream.read(&mut buffer) {
            Ok(len) if len > 0 => {
                if server == "telnetd" {
                    stream.write_all(&refuse_options(&buffer[..len])).unwrap();
                }
                heard.push_str(&String::from_utf8_lossy(&buffer[..len]));
            }
            end => panic!("{server} at {address}: {end:?} after {heard:?}"),
        }
    }
    heard
}

/// A client that wants none of it: WONT to each DO, DONT to each WILL (RFC 854).
fn refuse_options(heard: &[u8]) -> Vec<u8> {
    let refusal = |three: &[u8]| match three {
        [255, 253, option] => Some([255, 252, *option]),
        [255, 251, option] => Some([255, 254, *option]),
        _ => None,
    };
    heard.windows(3).filter_map(refusal).flatten().collect()
}

#[test]
fn every_server_answers_at_many_addresses() {
    let directory = tempfile::tempdir().unwrap();
    let mut lab = Lab::reflector(&FarEndConfig::default()).unwrap();
    lab.serve(directory.path()).unwrap();
    for service in Servers::services() {
        for last in [1, 77, 254] {
            let [a, b, c, _] = service.network.octets();
            let address = SocketAddr::from((Ipv4Addr::new(a, b, c, last), service.port));
            if service.udp {
                let discovered = lab.prober().run(|| discover(address)).unwrap();
                // A report (0xa8) of version 3.
                assert!(discovered.windows(3).any(|three| three == [2, 1, 3]) && discovered.contains(&0xa8));
            } else {
                lab.prober().run(|| talk(address, service.name)).unwrap();
            }
        }
    }
    let sites: Vec<_> = std::fs::read_dir("/run/netns")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(&format!("site-{}", std::process::id())))
        .collect();
    assert_eq!(sites.len(), 4);
    drop(lab);
    assert!(sites.iter().all(|path| !path.exists()));
}

/// `SNMPv3` engine discovery (RFC 3414, 4).
fn discover(address: SocketAddr) -> Vec<u8> {
    const REQUEST: &[u8] = &[
        0x30, 0x3a, 2, 1, 3, 0x30, 0x0f, 2, 2, 0x4a, 0x69, 2, 3, 0, 0xff, 0xe3, 4, 1, 4, 2, 1, 3, 4, 0x10, 0x30, 0x0e,
        4, 0, 2, 1, 0, 2, 1, 0, 4, 0, 4, 0, 4, 0, 0x30, 0x12, 4, 0, 4, 0, 0xa0, 0x0c, 2, 2, 0x37, 0xf0, 2, 1, 0, 2, 1,
        0, 0x30, 0,
    ];
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut reply = [0; 512];
    for _ in 0..5 {
        socket.send_to(REQUEST, address).unwrap();
        if let Ok((len, from)) = socket.recv_from(&mut reply) {
            assert_eq!(from, address);
            return reply[..len].to_vec();
        }
    }
    panic!("snmpd does not answer at {address}");
}
