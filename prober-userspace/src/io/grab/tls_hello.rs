//! TLS up to 1.2 without finishing the handshake: a ClientHello that old devices understand (TLS 1.0, RSA key exchange,
//! 3DES), and the certificate, which these versions send in the clear. For servers that refuse a modern handshake.

use std::fmt::Write;

use super::certificate::{CERTIFICATE_BYTES, describe};
use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::BannerProtocol;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_DONE: u8 = 14;

/// From the strongest to what only the oldest know (IANA TLS Cipher Suites). None is ever used: we leave before keys.
const SUITES: [u16; 22] = [
    0xc02f, 0xc030, 0xc02b, 0xc02c, 0xc027, 0xc013, 0xc014, 0xc009, 0xc00a, 0x009c, 0x009d, 0x003c, 0x003d, 0x009e,
    0x0033, 0x0039, 0x002f, 0x0035, 0x000a, 0x0016, 0x0005, 0x0004,
];

/// Greets, and listens until the certificate is there.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    if talk.turn == 0 {
        return Step::Say(hello());
    }
    let Some(heard) = heard(&talk.received) else { return Step::Foreign };
    let complete = heard.alert.is_some()
        || messages(&heard.handshake).any(|(kind, _)| matches!(kind, CERTIFICATE | SERVER_DONE))
        || heard.handshake.len() > CERTIFICATE_BYTES;
    if complete { Step::Done } else { Step::More }
}

/// Version, cipher suite and certificate in lines.
pub fn read(received: &[u8]) -> Option<Reading> {
    let heard = heard(received).filter(|heard| !heard.handshake.is_empty() || heard.alert.is_some())?;
    let mut text = String::new();
    let mut broken = false;
    for (kind, body) in messages(&heard.handshake) {
        match kind {
            SERVER_HELLO => broken |= describe_hello(body, &mut text).is_none(),
            CERTIFICATE => match first_certificate(body) {
                Some(certificate) => {
                    let (lines, whole) = describe(certificate);
                    text.push_str(&lines);
                    broken |= !whole;
                }
                None => broken = true,
            },
            _ => {}
        }
    }
    if let Some(alert) = heard.alert {
        let _ = writeln!(text, "alert: {alert}");
    }
    let cut = heard.handshake.len() > CERTIFICATE_BYTES;
    Some(Reading { cut, broken, ..Reading::of(BannerProtocol::Tls, text) })
}

/// A version of the protocol as banners name it.
pub const fn version_name(version: u16) -> &'static str {
    match version {
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 => "TLSv1.3",
        _ => "unknown",
    }
}

fn describe_hello(body: &[u8], text: &mut String) -> Option<()> {
    let version = version_name(u16::from_be_bytes(*body.first_chunk()?));
    let session = usize::from(*body.get(34)?);
    let suite = u16::from_be_bytes(*body.get(35 + session..)?.first_chunk()?);
    let _ = write!(text, "version: {version}\ncipher: {suite:#06x}\n");
    Some(())
}

/// The first of a list, each with three bytes of length.
fn first_certificate(body: &[u8]) -> Option<&[u8]> {
    let rest = body.get(3..)?;
    rest.get(3..3 + length24(rest)?)
}

fn length24(bytes: &[u8]) -> Option<usize> {
    let [a, b, c] = *bytes.first_chunk()?;
    Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

#[derive(Default)]
struct Heard {
    handshake: Vec<u8>,
    alert: Option<u8>,
}

/// The handshake bytes of the complete records, and the description of an alert; `None` if these are no records.
fn heard(mut received: &[u8]) -> Option<Heard> {
    let mut heard = Heard::default();
    while let Some((&[kind, major, _, high, low], rest)) = received.split_first_chunk() {
        if major != 3 || !(20..=23).contains(&kind) {
            return None;
        }
        let Some((body, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low]))) else { break };
        match (kind, body) {
            (HANDSHAKE, body) => heard.handshake.extend(body),
            (ALERT, [_, description]) => heard.alert = Some(*description),
            _ => {}
        }
        received = rest;
    }
    let looks_alright = received.first().is_none_or(|kind| (20..=23).contains(kind));
    looks_alright.then_some(heard)
}

/// The complete handshake messages: kind and body.
fn messages(mut handshake: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (kind, rest) = handshake.split_first()?;
        let (body, rest) = rest.get(3..)?.split_at_checked(length24(rest)?)?;
        handshake = rest;
        Some((*kind, body))
    })
}

fn hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    // Chance matters only for keys, and there will be none.
    body.extend([0x70; 32]);
    body.push(0);
    body.extend((2 * SUITES.len() as u16).to_be_bytes());
    body.extend(SUITES.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    // Curves P-256, P-384, P-521, X25519; uncompressed points; every signature that was ever usual.
    let curves: &[u8] = &[0, 10, 0, 10, 0, 8, 0, 0x17, 0, 0x18, 0, 0x19, 0, 0x1d];
    let points: &[u8] = &[0, 11, 0, 2, 1, 0];
    let signatures: &[u8] = &[0, 13, 0, 18, 0, 16, 4, 1, 5, 1, 6, 1, 4, 3, 5, 3, 6, 3, 2, 1, 2, 3];
    let extensions = [curves, points, signatures].concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend((body.len() as u16 + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1, (body.len() >> 8) as u8, body.len() as u8][..], body].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0, (body.len() >> 8) as u8, body.len() as u8][..], body].concat()
    }

    fn server_hello() -> Vec<u8> {
        message(SERVER_HELLO, &[&[3, 1][..], &[7; 32], &[2, 9, 9], &[0, 0x2f, 0]].concat())
    }

    #[test]
    fn the_hello_has_its_lengths() {
        let Step::Say(said) = step(&Talk::default(), &peer()) else { panic!() };
        assert_eq!(usize::from(u16::from_be_bytes([said[3], said[4]])), said.len() - 5);
        assert_eq!(length24(&said[6..]), Some(said.len() - 9));
    }

    #[test]
    fn version_and_certificate_are_read_across_records() {
        let certificate = [0x30, 3, 2, 1, 5];
        let list = [&[0, 0, 8, 0, 0, 5][..], &certificate].concat();
        let handshake = [server_hello(), message(CERTIFICATE, &list)].concat();
        let (one, two) = handshake.split_at(50);
        let mut whole = record(HANDSHAKE, one);
        assert_eq!(step(&Talk::heard(&whole, 1), &peer()), Step::More);
        whole.extend(record(HANDSHAKE, two));
        assert_eq!(step(&Talk::heard(&whole, 1), &peer()), Step::Done);
        let reading = read(&whole).unwrap();
        let text = String::from_utf8(reading.text).unwrap();
        assert!(text.starts_with("version: TLSv1.0\ncipher: 0x002f\nfingerprint: sha256:"), "{text}");
        assert!(reading.broken, "an INTEGER is no certificate");
    }

    #[test]
    fn alerts_are_answers_and_strangers_are_not() {
        assert_eq!(read(&record(ALERT, &[2, 70])).unwrap().text, b"alert: 70\n");
        assert_eq!(step(&Talk::heard(&record(ALERT, &[2, 40]), 1), &peer()), Step::Done);
        assert_eq!(step(&Talk::heard(b"HTTP/1.1 400", 1), &peer()), Step::Foreign);
        assert_eq!(read(b"HTTP/1.1 400"), None);
    }
}
