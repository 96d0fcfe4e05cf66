//! Shows that the fast part of the lab works, without a prober: frames written here, answers and counts checked here.

use std::net::Ipv4Addr;

use prober_common::{
    address::V4,
    lab::{one_in, population_hash},
};
use prober_tests::{
    far_end::{CellRange, FarEndConfig, Role},
    frame::{self, ACK, Envelope, RST, Received, SYN, Segment},
    lab::Lab,
    wire::WireConfig,
};

const FIRST: Ipv4Addr = Ipv4Addr::new(20, 7, 0, 0);
const ADDRESSES: u32 = 512;
const LINUX_OPTIONS: [u8; 20] = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

fn cells() -> CellRange {
    CellRange { first: FIRST, addresses: ADDRESSES, ports: vec![80, 0] }
}

fn envelope(lab: &Lab, to: Ipv4Addr) -> Envelope {
    let (from_mac, to_mac) = lab.macs().unwrap();
    Envelope { from_mac, to_mac, vlan: None, from: lab.source(), to, ttl: 64 }
}

fn address(i: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(FIRST) + i)
}

/// Receives until nothing comes for 300 ms; only frames that others sent.
fn drain(socket: &prober_tests::sys::FrameSocket) -> Vec<Vec<u8>> {
    const OUTGOING: u8 = 4;
    let mut buffer = [0; 2048];
    let mut frames = Vec::new();
    while let Some((frame, kind)) = socket.receive(&mut buffer, 300).unwrap() {
        if kind != OUTGOING {
            frames.push(frame.to_vec());
        }
    }
    frames
}

#[test]
fn reflector_answers_the_seeded_choice_and_nobody_else() {
    let config = FarEndConfig {
        seed: 9,
        answer_one_in: 8,
        refuse_one_in: 8,
        cells: Some(cells()),
        arrivals: true,
        verify: true,
        ..FarEndConfig::default()
    };
    let mut lab = Lab::reflector(&config).unwrap();
    lab.receive_by_kernel().unwrap();
    let socket = lab.near_socket().unwrap();
    let base = envelope(&lab, FIRST);
    let mut probe = Vec::new();
    for i in 0..ADDRESSES {
        let to = Envelope { to: address(i), ..base };
        let options = [&[][..], &LINUX_OPTIONS[..4], &LINUX_OPTIONS[..]][i as usize % 3];
        let syn = Segment {
            from: 40_000,
            to: 80,
            sequence: u32::MAX - 5 + i,
            flags: SYN,
            window: 1024,
            options,
            ..Segment::default()
        };
        frame::write_tcp(&mut probe, &to, &syn);
        socket.send(&probe).unwrap();
        frame::write_icmp(&mut probe, &to, 8, 0, i.to_be_bytes(), b"token");
        socket.send(&probe).unwrap();
    }
    let answers = drain(&socket);

    let (mut syn_acks, mut rsts, mut echoes) = (0, 0, 0);
    for answer in &answers {
        let Some(answer) = Received::parse(answer) else { continue };
        assert!(answer.verifies(), "{answer:?}");
        let i = u32::from(answer.envelope.from).wrapping_sub(u32::from(FIRST));
        let hash = population_hash(config.seed, V4::from(answer.envelope.from));
        if let Some(tcp) = answer.tcp() {
            assert_eq!((tcp.from, tcp.to), (80, 40_000));
            assert_eq!(tcp.acknowledged, (u32::MAX - 5 + i).wrapping_add(1));
            if tcp.flags == SYN | ACK {
                assert!(hash < one_in(8));
                assert_eq!(tcp.options.is_empty(), i % 3 == 0);
                syn_acks += 1;
            } else {
                assert_eq!(tcp.flags, RST | ACK);
                assert!((one_in(8)..2 * one_in(8)).contains(&hash));
                rsts += 1;
            }
        } else {
            assert_eq!(answer.icmp().unwrap(), (0, 0, i.to_be_bytes(), &b"token"[..]));
            assert!(hash < one_in(8));
            echoes += 1;
        }
    }
    let hashes = || (0..ADDRESSES).map(|i| population_hash(config.seed, V4::from(address(i))));
    let answering = hashes().filter(|&hash| hash < one_in(8)).count();
    let refusing = hashes().filter(|&hash| (one_in(8)..2 * one_in(8)).contains(&hash)).count();
    assert!(answering > 30 && refusing > 30);
    assert_eq!((syn_acks, rsts, echoes), (answering, refusing, answering));

    let counts = lab.counts().unwrap();
    assert_eq!((counts.syn, counts.echo, counts.bad_checksum), (ADDRESSES.into(), ADDRESSES.into(), 0));
    assert_eq!(counts.answers(), (2 * answering + refusing) as u64);
    assert_eq!(counts.outside_cells, 0);
    assert_eq!(lab.cells().unwrap().histogram(), [0, 2 * u64::from(ADDRESSES), 0, 0, 0, 0, 0, 0]);
    assert_eq!(lab.arrivals().unwrap().total(), 2 * u64::from(ADDRESSES));
}

#[test]
fn counter_counts_what_is_repeated_missing_outside_or_broken() {
    let config = FarEndConfig { cells: Some(cells()), verify: true, ..FarEndConfig::default() };
    let lab = Lab::counter(&config).unwrap();
    let socket = lab.near_socket().unwrap();
    let base = envelope(&lab, FIRST);
    let mut probe = Vec::new();
    let mut send = |i: u32, port: u16, vlan: Option<u16>| {
        let to = Envelope { to: address(i), vlan, ..base };
        frame::write_tcp(&mut probe, &to, &Segment { to: port, flags: SYN, ..Segment::default() });
        socket.send(&probe).unwrap();
    };
    send(0, 80, None);
    send(3, 80, None);
    send(3, 80, Some(7));
    send(3, 81, None);
    send(ADDRESSES, 80, None);
    let mut broken = Vec::new();
    frame::write_tcp(&mut broken, &base, &Segment { to: 80, flags: SYN, ..Segment::default() });
    broken[14 + 20 + 16] ^= 1;
    socket.send(&broken).unwrap();
    socket.send(&broken[..40]).unwrap();

    // The last probe is counted when this returns: the wire has no queue that outlives the system call. Still, ask
    // until it is there.
    let complete = (0..1000).any(|_| {
        let counts = lab.counts().unwrap();
        counts.truncated == 1 || {
            std::thread::sleep(std::time::Duration::from_millis(5));
            false
        }
    });
    assert!(complete);
    let counts = lab.counts().unwrap();
    assert_eq!((counts.syn, counts.outside_cells, counts.bad_checksum), (5, 2, 1));
    let cells = lab.cells().unwrap();
    assert_eq!(cells.probed(), vec![(address(0), 80, 1), (address(3), 80, 2)]);
    assert_eq!(cells.count(address(3), 80), Some(2));
    assert_eq!(cells.count(address(3), 81), None);
    assert_eq!(cells.histogram()[..3], [2 * u64::from(ADDRESSES) - 2, 1, 1]);
}

#[test]
fn gateway_answers_ping_and_namespaces_go_away() {
    let lab =
        Lab::new(WireConfig { queues: 2, ..WireConfig::default() }, Role::Reflector, &FarEndConfig::default()).unwrap();
    let ping =
        lab.command("ping").args(["-c", "2", "-i", "0.2", "-W", "5", &lab.gateway().to_string()]).output().unwrap();
    assert!(ping.status.success(), "{}", String::from_utf8_lossy(&ping.stdout));
    let paths = [lab.prober().path(), lab.world_side().path()];
    assert!(paths.iter().all(|path| path.exists()));
    drop(lab);
    assert!(paths.iter().all(|path| !path.exists()));
}
