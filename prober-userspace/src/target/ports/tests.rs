//! Port expressions: what they mean, and what is refused with which words.

use super::*;

fn shown(text: &str) -> String {
    let list: PortList = text.parse().expect(text);
    let ports: Vec<_> = list.ports().iter().map(ToString::to_string).collect();
    ports.join(",")
}

#[test]
fn prefixes_stick_and_repeats_vanish() {
    assert_eq!(shown("22, 80,22"), "T:22,T:80");
    assert_eq!(shown("U:53,161,T:80,icmp,53"), "U:53,U:161,T:80,icmp,T:53");
    assert_eq!(shown("8000-8003,8001"), "T:8000,T:8001,T:8002,T:8003");
    assert_eq!(shown("80,t:80,T:80"), "T:80");
    assert_eq!(shown("icmp,ICMP"), "icmp");
}

#[test]
fn sets_bring_their_own_transports() {
    assert!(shown("@iot").contains("U:5683"));
    assert!(!shown("T:@iot").contains("U:"));
    assert!(!shown("U:@iot").contains("T:"));
    assert!(shown("T:22,@iot").contains("U:"));
    for set in PORT_SETS {
        let members: HashSet<_> = set.members.iter().map(|member| member.port).collect();
        assert_eq!(members.len(), set.members.len(), "@{} repeats a port", set.name);
        assert!(set.members.iter().all(|m| !m.port.is_printer() && !m.why.is_empty()), "@{}", set.name);
    }
}

#[test]
fn printer_ports_are_refused_alone_and_left_out_of_ranges() {
    for text in ["515", "U:9100", "80,9107"] {
        let error = text.parse::<PortList>().expect_err(text).to_string();
        assert!(error.contains("printers"), "{error}");
    }
    let list: PortList = "9099-9108".parse().expect("a range");
    assert_eq!(list.ports().len(), 2);
    assert!(list.note().is_some_and(|note| note.contains("T:9100,T:9101")));
    let all: PortList = "1-65535".parse().expect("all ports");
    assert_eq!(all.ports().len(), 65_535 - 9);
    assert_eq!("9100-9107".parse::<PortList>(), Err(PortError::NothingLeft));
    assert_eq!("80".parse::<PortList>().expect("a port").note(), None);
}

#[test]
fn malformed_expressions_say_what_to_do() {
    for (text, part) in [
        ("", "empty port"),
        ("80,,443", "empty port"),
        ("80,", "empty port"),
        ("U:", "empty port"),
        ("0", "1 to 65535"),
        ("U:0", "1 to 65535"),
        ("65536", "1 to 65535"),
        ("http", "1 to 65535"),
        ("-5", "1 to 65535"),
        ("5-", "1 to 65535"),
        ("100-10", "write 10-100"),
        ("S:80", "T: is for TCP"),
        ("@nothing", "choose from @iot"),
    ] {
        let error = text.parse::<PortList>().expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn sets_leave_out_what_no_probe_can_ask() {
    let list: PortList = "@iot".parse().expect("a set");
    assert!(list.ports().iter().all(|port| port.kind != ProbeKind::Udp || Protocol::for_port(port.port).is_some()));
    assert!(list.note().is_some_and(|note| note.contains("U:1900")), "{:?}", list.note());
    assert!("U:@ics".parse::<PortList>().is_err(), "BACnet repeats nothing");
    // By itself a port is the user's word; that nothing can be sent there is said when the scan opens.
    assert_eq!(shown("U:1900"), "U:1900");
}
