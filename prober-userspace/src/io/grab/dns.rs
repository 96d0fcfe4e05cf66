//! DNS: the server's version (`version.bind`, CHAOS TXT), and for multicast DNS asked by unicast the kinds of services
//! (RFC 6763, 9). Answers are read with every loop of compressed names bounded.

use std::fmt::Write;

use super::talk::{Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

/// Identifier, recursion not desired, one question.
const HEADER: &[u8] = b"\x70\x72\0\0\0\x01\0\0\0\0\0\0";
const VERSION: &[u8] = b"\x07version\x04bind\0\0\x10\0\x03";
/// The last two bytes ask for a unicast answer (RFC 6762, 5.4).
const SERVICES: &[u8] = b"\x09_services\x07_dns-sd\x04_udp\x05local\0\0\x0c\x80\x01";

const TYPE_PTR: u16 = 12;
const TYPE_TXT: u16 = 16;
/// Most records of an answer that are read.
const RECORDS: u16 = 32;

/// Asks, and takes the first datagram.
pub fn step(talk: &Talk, protocol: BannerProtocol) -> Step {
    let question = if protocol == BannerProtocol::Mdns { SERVICES } else { VERSION };
    match (talk.turn, talk.received.is_empty()) {
        (0, _) => Step::Say([HEADER, question].concat()),
        (_, true) => Step::More,
        (_, false) => Step::Done,
    }
}

/// The answer in lines.
pub fn read(received: &[u8], protocol: BannerProtocol) -> Option<Reading> {
    let number = |at: usize| Some(u16::from_be_bytes(*received.get(at..)?.first_chunk()?));
    let flags = number(2)?;
    // An answer, to this identifier or (multicast) to none.
    if flags >> 15 == 0 || received.len() < 12 || !matches!(number(0)?, 0x7072 | 0) {
        return None;
    }
    let mut text = if protocol == BannerProtocol::Dns { format!("rcode: {}\n", flags & 15) } else { String::new() };
    let whole = records(received, number(4)?, number(6)?.saturating_add(number(10)?), &mut text).is_some();
    Some(Reading { broken: !whole, ..Reading::of(protocol, text) })
}

/// Texts and pointers of the answer; `None` if it breaks off.
fn records(message: &[u8], questions: u16, answers: u16, text: &mut String) -> Option<()> {
    let mut at = 12;
    for _ in 0..questions.min(RECORDS) {
        at = name(message, at)?.1 + 4;
    }
    for _ in 0..answers.min(RECORDS) {
        let (owner, next) = name(message, at)?;
        let fixed: &[u8; 10] = message.get(next..)?.first_chunk()?;
        let (kind, length) =
            (u16::from_be_bytes([fixed[0], fixed[1]]), usize::from(u16::from_be_bytes([fixed[8], fixed[9]])));
        let start = next + 10;
        let data = message.get(start..start + length)?;
        match kind {
            TYPE_TXT => {
                for part in texts(data) {
                    let _ = writeln!(text, "{owner}: {}", readable(part).replace(['\r', '\n'], " "));
                }
            }
            TYPE_PTR => {
                let _ = writeln!(text, "{owner} -> {}", name(message, start)?.0);
            }
            _ => {}
        }
        at = start + length;
    }
    Some(())
}

/// The character strings of a TXT record.
fn texts(mut data: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let Some((part, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        all.push(part);
        data = rest;
    }
    all
}

/// The name at `at` with dots, and where what follows it begins. At most 16 jumps and 255 bytes (RFC 1035, 3.1, 4.1.4).
fn name(message: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut name, mut at, mut end, mut jumps) = (String::new(), at, None, 0);
    loop {
        match *message.get(at)? {
            0 => return Some((name, end.unwrap_or(at + 1))),
            length @ 1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&readable(label).replace(['\r', '\n'], " "));
                at += 1 + usize::from(length);
            }
            high @ 0xc0.. => {
                let low = *message.get(at + 1)?;
                end.get_or_insert(at + 2);
                at = usize::from(high & 0x3f) << 8 | usize::from(low);
                jumps += 1;
            }
            _ => return None,
        }
        if jumps > 16 || name.len() > 1024 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &[u8], record: &[u8]) -> Vec<u8> {
        [b"\x70\x72\x84\0\0\x01\0\x01\0\0\0\0", question, record].concat()
    }

    #[test]
    fn a_version_is_read() {
        let Step::Say(said) = step(&Talk::default(), BannerProtocol::Dns) else { panic!() };
        assert_eq!(said.len(), 12 + 18);
        let heard = answer(VERSION, b"\xc0\x0c\0\x10\0\x03\0\0\0\0\0\x0c\x0bdnsmasq-2.8");
        let reading = read(&heard, BannerProtocol::Dns).unwrap();
        assert_eq!((reading.text.as_slice(), reading.broken), (&b"rcode: 0\nversion.bind: dnsmasq-2.8\n"[..], false));
        assert_eq!(read(&said, BannerProtocol::Dns), None, "our own question");
    }

    #[test]
    fn services_are_listed() {
        let heard = answer(SERVICES, b"\xc0\x0c\0\x0c\0\x01\0\0\0\x0a\0\x0d\x05_http\x04_tcp\xc0\x23");
        let reading = read(&heard, BannerProtocol::Mdns).unwrap();
        assert_eq!(reading.text, b"_services._dns-sd._udp.local -> _http._tcp.local\n");
    }

    #[test]
    fn loops_and_cuts_are_broken_and_bounded() {
        let looping = answer(b"\xc0\x0c\0\x10\0\x03", b"");
        assert!(read(&looping, BannerProtocol::Dns).unwrap().broken);
        let whole = answer(VERSION, b"\xc0\x0c\0\x10\0\x03\0\0\0\0\0\x0c\x0bdnsmasq-2.8");
        for cut in 12..whole.len() {
            assert!(read(&whole[..cut], BannerProtocol::Dns).unwrap().broken, "{cut}");
        }
    }
}
