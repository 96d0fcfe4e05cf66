//! What can be wrong, or unusual but right, with a reply: each change has a name and, where it does not depend on the
//! reply, a known verdict.

use prober_common::counter::Counter;

use super::{
    Expected,
    Expected::{Accepted, NotAccepted, Refused, Whatever},
    reply::{Answer, Probe, Reply},
};

type Twisted = (String, Vec<u8>, Expected);

/// Every change of `whole`, the frame of `reply`.
pub fn all(reply: Reply, whole: &[u8]) -> Vec<Twisted> {
    let mut all = Vec::new();
    let at = Layout::of(reply);
    link(&mut all, reply, whole);
    ip_header(&mut all, at, whole);
    ip_lengths(&mut all, at, whole);
    ip_fields(&mut all, at, whole);
    match (reply.answer, reply.probe) {
        (Answer::Error(_) | Answer::LongError(_), _) => icmp_error(&mut all, at, whole),
        (_, Probe::Tcp(_)) => tcp(&mut all, at, whole),
        (_, Probe::Udp(_)) => udp(&mut all, at, whole),
        (_, Probe::Icmp) => echo(&mut all, at, whole),
    }
    all
}

/// Where the headers start.
#[derive(Clone, Copy)]
struct Layout {
    ip: usize,
    l4: usize,
}

impl Layout {
    fn of(reply: Reply) -> Self {
        let ip = if reply.vlan.is_some() { 18 } else { 14 };
        Self { ip, l4: ip + 20 }
    }
}

fn with(whole: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = whole.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

fn link(all: &mut Vec<Twisted>, reply: Reply, whole: &[u8]) {
    let mut add = |name: &str, frame, expected| all.push((name.to_owned(), frame, expected));
    for (name, ethertype) in
        [("arp", [8, 6]), ("ipv6", [0x86, 0xdd]), ("802.1ad", [0x88, 0xa8]), ("802.3 length", [0, 46])]
    {
        add(name, with(whole, 12, &ethertype), Refused(Counter::NotIpv4));
    }
    let tagged = [&whole[..12], &[0x81, 0, 0x60, 9], &whole[12..]].concat();
    let twice = [&whole[..12], &[0x81, 0, 0, 1, 0x81, 0, 0, 2], &whole[12..]].concat();
    let known = reply.vlan.is_none();
    add("one more tag", tagged, if known { Accepted } else { Refused(Counter::NotIpv4) });
    add("two more tags", twice, Refused(Counter::NotIpv4));
    for len in [1, 6, 46, 400, 1400] {
        add(&format!("padded by {len}"), [whole, &vec![0; len]].concat(), Accepted);
    }
    add("padded with noise", [whole, &[0xa5; 60]].concat(), Accepted);
    add("broadcast", with(whole, 0, &[0xff; 6]), Accepted);
}

fn ip_header(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let mut add = |name: String, frame, expected| all.push((name, frame, expected));
    for version in (0..16).filter(|&version| version != 4) {
        add(format!("ip version {version}"), with(whole, at.ip, &[version << 4 | 5]), Refused(Counter::NotIpv4));
    }
    for words in 0..5 {
        add(format!("ip header of {words} words"), with(whole, at.ip, &[0x40 | words]), Refused(Counter::NotIpv4));
    }
    // Longer than it is: the transport is read from further on.
    for words in 6..16 {
        add(format!("ip header of {words} words, a lie"), with(whole, at.ip, &[0x40 | words]), Whatever);
    }
    for words in 1..=10u8 {
        let options = vec![1; usize::from(words) * 4];
        let mut frame = [&whole[..at.l4], &options, &whole[at.l4..]].concat();
        frame[at.ip] = 0x45 + words;
        let total = (frame.len() - at.ip) as u16;
        frame[at.ip + 2..at.ip + 4].copy_from_slice(&total.to_be_bytes());
        let cut = frame[..frame.len() - 1].to_vec();
        add(format!("ip options of {words} words"), frame, Accepted);
        add(format!("ip options of {words} words, cut"), cut, Refused(Counter::Truncated));
    }
}

fn ip_lengths(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let total = (whole.len() - at.ip) as u16;
    let mut add = |name: &str, length: u16, expected| {
        all.push((format!("total length {name}"), with(whole, at.ip + 2, &length.to_be_bytes()), expected));
    };
    add("0", 0, Refused(Counter::Truncated));
    add("19", 19, Refused(Counter::Truncated));
    for length in 20..28 {
        add(&length.to_string(), length, Refused(Counter::Truncated));
    }
    for length in 28..total {
        add(&length.to_string(), length, Whatever);
    }
    add("one too many", total + 1, Refused(Counter::Truncated));
    add("65535", u16::MAX, Refused(Counter::Truncated));
}

fn ip_fields(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let mut add = |name: &str, offset: usize, bytes: &[u8], expected| {
        all.push((name.to_owned(), with(whole, offset, bytes), expected));
    };
    add("more fragments", at.ip + 6, &[0x20, 0], Refused(Counter::Fragment));
    add("second fragment", at.ip + 6, &[0, 1], Refused(Counter::Fragment));
    add("last fragment", at.ip + 6, &[0x1f, 0xff], Refused(Counter::Fragment));
    add("middle fragment that must not be one", at.ip + 6, &[0x60, 3], Refused(Counter::Fragment));
    add("fragments allowed", at.ip + 6, &[0, 0], Accepted);
    add("evil bit", at.ip + 6, &[0x80, 0], Accepted);
    add("for our neighbour", at.ip + 19, &[whole[at.ip + 19] ^ 1], Refused(Counter::NotOurAddress));
    add("for everybody", at.ip + 16, &[0xff; 4], Refused(Counter::NotOurAddress));
    add("for nobody", at.ip + 16, &[0; 4], Refused(Counter::NotOurAddress));
    add("from a neighbour", at.ip + 15, &[whole[at.ip + 15] ^ 1], Whatever);
    add("from ourselves", at.ip + 12, &whole[at.ip + 16..at.ip + 20], Whatever);
    for protocol in [0, 2, 4, 41, 47, 50, 89, 132, 255] {
        add(&format!("protocol {protocol}"), at.ip + 9, &[protocol], Refused(Counter::Foreign));
    }
    for protocol in [1, 6, 17] {
        add(&format!("as if protocol {protocol}"), at.ip + 9, &[protocol], Whatever);
    }
    for ttl in [0, 1, 64, 255] {
        add(&format!("ttl {ttl}"), at.ip + 8, &[ttl], Accepted);
    }
    add("type of service", at.ip + 1, &[0xff], Accepted);
    add("identification", at.ip + 4, &[0xab, 0xcd], Accepted);
    // Checksums are the card's and the kernel's business.
    add("ip checksum", at.ip + 10, &[0xde, 0xad], Accepted);
}

fn tcp(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let mut add = |name: &str, offset: usize, bytes: &[u8], expected| {
        all.push((name.to_owned(), with(whole, at.l4 + offset, bytes), expected));
    };
    for flags in 0..=255u8 {
        // FIN, SYN, RST and ACK decide.
        let expected = if matches!(flags & 0x17, 0x12 | 0x14) { Accepted } else { Refused(Counter::Foreign) };
        add(&format!("tcp flags {flags:08b}"), 13, &[flags], expected);
    }
    for words in 0..16u8 {
        let expected = if words < 5 { Refused(Counter::Foreign) } else { Accepted };
        add(&format!("tcp header of {words} words"), 12, &[words << 4], expected);
    }
    add("to a port below ours", 2, &[0x7f, 0xff], Refused(Counter::Foreign));
    add("to another port of ours", 3, &[whole[at.l4 + 3] ^ 1], Refused(Counter::BadToken));
    add("from another port", 1, &[whole[at.l4 + 1] ^ 1], Refused(Counter::BadToken));
    add("acknowledges one more", 11, &[whole[at.l4 + 11].wrapping_add(1)], NotAccepted);
    add("acknowledges nothing", 8, &[0; 4], NotAccepted);
    add("window 0", 14, &[0; 2], Accepted);
    add("tcp checksum", 16, &[0xde, 0xad], Accepted);
    add("urgent", 18, &[0xff; 2], Accepted);
}

fn udp(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let mut add = |name: &str, offset: usize, bytes: &[u8], expected| {
        all.push((name.to_owned(), with(whole, at.l4 + offset, bytes), expected));
    };
    for port in [0, 1, 54, 80, 137, 500, 1900, 5684, 65_535u16] {
        add(&format!("from port {port}"), 0, &port.to_be_bytes(), Refused(Counter::Foreign));
    }
    for port in [53, 123, 161, 3478, 5683u16] {
        add(&format!("as if from port {port}"), 0, &port.to_be_bytes(), Whatever);
    }
    add("to a port below ours", 2, &[0x7f, 0xff], Refused(Counter::Foreign));
    add("to another port of ours", 3, &[whole[at.l4 + 3] ^ 1], Refused(Counter::BadToken));
    for length in [0, 7, 8, 9, 0xffff_u16] {
        add(&format!("udp length {length}"), 4, &length.to_be_bytes(), Accepted);
    }
    add("udp checksum", 6, &[0xde, 0xad], Accepted);
    for first in 0..=255u8 {
        add(&format!("payload starts with {first:#04x}"), 8, &[first], Whatever);
    }
}

fn echo(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let mut add = |name: &str, offset: usize, bytes: &[u8], expected| {
        all.push((name.to_owned(), with(whole, at.l4 + offset, bytes), expected));
    };
    for kind in [1, 2, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 255] {
        add(&format!("icmp type {kind}"), 0, &[kind], Refused(Counter::Foreign));
    }
    for kind in [3, 4, 5, 11, 12] {
        add(&format!("icmp type {kind}"), 0, &[kind], NotAccepted);
    }
    add("other identifier", 4, &[whole[at.l4 + 4] ^ 1], Refused(Counter::BadToken));
    add("other sequence number", 7, &[whole[at.l4 + 7] ^ 1], Refused(Counter::BadToken));
    add("other payload", 9, &[whole[at.l4 + 9] ^ 1], Refused(Counter::BadToken));
    add("payload of somebody else", 8, &[0xff, 0xff], Refused(Counter::Foreign));
    add("icmp checksum", 2, &[0xde, 0xad], Accepted);
}

fn icmp_error(all: &mut Vec<Twisted>, at: Layout, whole: &[u8]) {
    let quote = at.l4 + 8;
    let mut add = |name: &str, offset: usize, bytes: &[u8], expected| {
        all.push((name.to_owned(), with(whole, offset, bytes), expected));
    };
    for kind in 0..=255u8 {
        let expected = match kind {
            3 | 4 | 5 | 11 | 12 => Accepted,
            0 => NotAccepted,
            _ => Refused(Counter::Foreign),
        };
        add(&format!("icmp type {kind}"), at.l4, &[kind], expected);
    }
    for code in [0, 3, 4, 13, 255] {
        add(&format!("icmp code {code}"), at.l4 + 1, &[code], Accepted);
    }
    add("icmp checksum", at.l4 + 2, &[0xde, 0xad], Accepted);
    add("next hop's mtu", at.l4 + 4, &[0, 0, 5, 0xdc], Accepted);
    for version in (0..16).filter(|&version| version != 4) {
        add(&format!("quotes ip version {version}"), quote, &[version << 4 | 5], Refused(Counter::Foreign));
    }
    for words in 0..5 {
        add(&format!("quotes an ip header of {words} words"), quote, &[0x40 | words], Refused(Counter::Foreign));
    }
    for words in 6..16 {
        add(&format!("quotes an ip header of {words} words, a lie"), quote, &[0x40 | words], NotAccepted);
    }
    add("quotes somebody else", quote + 12, &[8; 4], Refused(Counter::Foreign));
    add("quotes another target", quote + 19, &[whole[quote + 19] ^ 1], Refused(Counter::BadToken));
    for protocol in [0, 2, 41, 47, 132, 255] {
        add(&format!("quotes protocol {protocol}"), quote + 9, &[protocol], Refused(Counter::Foreign));
    }
    for protocol in [1, 6, 17] {
        add(&format!("quotes as if protocol {protocol}"), quote + 9, &[protocol], Whatever);
    }
    for ttl in [0, 1, 255] {
        add(&format!("quotes ttl {ttl}"), quote + 8, &[ttl], Accepted);
    }
    let mut options = [&whole[..quote + 20], &[1; 8], &whole[quote + 20..]].concat();
    options[quote] = 0x47;
    let total = (options.len() - at.ip) as u16;
    options[at.ip + 2..at.ip + 4].copy_from_slice(&total.to_be_bytes());
    all.push(("quotes ip options".to_owned(), options, Accepted));
}
