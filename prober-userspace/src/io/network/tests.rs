//! Discovery against the real kernel: each test has two network namespaces of its own, joined by a veth pair, and a
//! thread inside one of them. Needs root.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::sys::{PacketSocket, enter_namespace};
use prober_common::address::V4;

use super::*;
use crate::model::mac::Mac;

const TARGET: V4 = V4(0xc633_6407); // 198.51.100.7
const GATEWAY: V4 = V4(0x0a4d_0001); // 10.77.0.1
const OURS: V4 = V4(0x0a4d_0002);

/// The namespace at the other end of the pair; removed with this value.
struct Peer {
    name: String,
    mac: Mac,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("ip is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `body` on a thread in a fresh namespace that has `near0`, whose other end `far0` is in the peer's.
fn with_peer(body: impl FnOnce(&Peer) + Send + 'static) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("prober-net-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let inside = move || {
        enter_namespace(None).expect("these tests need root");
        ip(&format!("netns add {name}"));
        let peer = Peer { mac: Mac([2, 0, 0, 0, 0, 1]), name };
        ip(&format!("link add near0 type veth peer name far0 address {} netns {}", peer.mac, peer.name));
        ip(&format!("-n {} address add {GATEWAY}/24 dev far0", peer.name));
        ip(&format!("-n {} link set far0 up", peer.name));
        ip("link set near0 up");
        ip(&format!("address add {OURS}/24 dev near0"));
        body(&peer);
    };
    thread::spawn(inside).join().expect("the test's thread");
}

fn request() -> LinkRequest {
    LinkRequest { any_target: TARGET, ..LinkRequest::default() }
}

fn failure(request: &LinkRequest) -> String {
    Link::discover(request).expect_err("this must fail").to_string()
}

#[test]
fn a_cold_gateway_is_found_by_asking() {
    with_peer(|peer| {
        ip(&format!("route add default via {GATEWAY}"));
        let link = Link::discover(&request()).unwrap();
        assert_eq!((link.name.as_str(), link.driver.as_str()), ("near0", "veth"));
        assert_eq!((link.source, link.gateway, link.vlan), (OURS, Some(GATEWAY), None));
        assert_eq!((link.gateway_mac, link.mtu), (peer.mac, 1500));
        assert!(link.xdp.expect("this kernel tells").basic);
        assert!(link.tx_queues >= 1 && link.rx_queues >= 1);
    });
}

#[test]
fn a_gateway_set_by_hand_is_believed_without_asking() {
    with_peer(|_| {
        ip("neighbour add 10.77.0.9 lladdr 02:00:00:00:00:99 dev near0 nud permanent");
        ip("route add default via 10.77.0.9");
        assert_eq!(Link::discover(&request()).unwrap().gateway_mac, Mac([2, 0, 0, 0, 0, 0x99]));
    });
}

#[test]
fn a_silent_gateway_is_named() {
    with_peer(|_| {
        ip("route add default via 10.77.0.9");
        assert_eq!(
            failure(&request()),
            "10.77.0.9 does not answer ARP on near0 (3 tries, 3 s); check that it is up and on this segment, or give \
             --gateway-mac"
        );
    });
}

#[test]
fn a_tagged_question_gets_its_tagged_answer() {
    with_peer(|peer| {
        ip(&format!("route add default via {GATEWAY}"));
        let namespace = File::open(format!("/run/netns/{}", peer.name)).unwrap();
        let mac = peer.mac;
        let (ready, when_ready) = std::sync::mpsc::channel();
        let router = thread::spawn(move || {
            enter_namespace(Some(&namespace)).unwrap();
            let index = std::fs::read_to_string("/proc/thread-self/net/igmp").unwrap();
            let far0 = index.lines().find(|line| line.contains("far0")).unwrap();
            let index = far0.split_whitespace().next().unwrap().parse().unwrap();
            let socket = PacketSocket::open(index).unwrap();
            ready.send(()).unwrap();
            let question = socket
                .receive_within(Duration::from_secs(20), |frame, tag| {
                    (tag == Some(7) && frame[12..14] == [8, 6] && frame[20..22] == [0, 1]).then(|| frame[..42].to_vec())
                })
                .unwrap()
                .expect("a tagged ARP request");
            let mut answer = [&question[6..12], &mac.0, &[0x81, 0, 0, 7], &question[12..20], &[0, 2]].concat();
            answer.extend([&mac.0[..], &question[38..42], &question[22..32]].concat());
            socket.send(&answer).unwrap();
        });
        when_ready.recv().unwrap();
        let link = Link::discover(&LinkRequest { vlan: Some(7), ..request() }).unwrap();
        router.join().unwrap();
        assert_eq!((link.vlan, link.gateway_mac), (Some(7), mac));
    });
}

#[test]
fn on_link_targets_need_to_be_single_or_have_a_station() {
    with_peer(|peer| {
        let on_link = LinkRequest { any_target: GATEWAY, ..LinkRequest::default() };
        assert_eq!(
            failure(&on_link),
            "10.77.0.1 is on-link at near0 (no gateway in the route), and a scan sends all probes to one station; \
             give its Ethernet address with --gateway-mac, or route the targets through a gateway"
        );
        let link = Link::discover(&LinkRequest { single_target: true, ..on_link.clone() }).unwrap();
        assert_eq!((link.gateway, link.gateway_mac), (None, peer.mac));
        let given = Mac([2, 0, 0, 0, 0, 5]);
        assert_eq!(Link::discover(&LinkRequest { gateway_mac: Some(given), ..on_link }).unwrap().gateway_mac, given);
    });
}

#[test]
fn interface_and_station_given_need_no_route() {
    with_peer(|_| {
        let given = LinkRequest {
            interface: Some("near0".into()),
            gateway_mac: Some(Mac([2, 0, 0, 0, 0, 5])),
            source_ip: Some(V4(0xc000_0201)),
            source_mac: Some(Mac([2, 0, 0, 0, 0, 6])),
            ..request()
        };
        let link = Link::discover(&given).unwrap();
        assert_eq!((link.source, link.source_mac, link.gateway), (V4(0xc000_0201), Mac([2, 0, 0, 0, 0, 6]), None));
    });
}

#[test]
fn each_fault_says_what_to_do() {
    with_peer(|_| {
        assert_eq!(
            failure(&request()),
            "no route to 198.51.100.7: Network is unreachable (os error 101); add one with `ip route add`, or give \
             --interface and --gateway-mac"
        );
        let by = |name: &str| LinkRequest { interface: Some(name.into()), ..request() };
        assert_eq!(failure(&by("eth9")), "no interface \"eth9\" in this network namespace; there are: lo, near0");
        assert_eq!(
            failure(&by("lo")),
            "interface lo is not Ethernet (loopback, tunnel or VPN?); choose another with --interface"
        );
        let own = LinkRequest { any_target: OURS, ..LinkRequest::default() };
        ip("link set lo up");
        assert!(failure(&own).starts_with("10.77.0.2 is an address of this host itself"));
        ip(&format!("address del {OURS}/24 dev near0"));
        let single = LinkRequest { single_target: true, ..by("near0") };
        assert!(failure(&single).starts_with("interface near0 has no IPv4 address; add one with"));
        ip("link set near0 down");
        assert_eq!(failure(&by("near0")), "interface near0 is down; bring it up with `ip link set near0 up`");
    });
}

#[test]
fn a_peer_that_is_down_is_a_missing_carrier() {
    with_peer(|peer| {
        ip(&format!("route add default via {GATEWAY}"));
        ip(&format!("-n {} link set far0 down", peer.name));
        assert!(failure(&request()).starts_with("interface near0 is up but has no carrier"));
    });
}
