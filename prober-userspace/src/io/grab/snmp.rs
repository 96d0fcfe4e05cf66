//! SNMPv3 engine discovery (RFC 3414, 4): who asks without user and secret is told the engine's identifier, boots and
//! time. No community string is ever sent.

use std::fmt::Write;

use super::certificate::hex;
use super::der::{Elements, OCTET_STRING, SEQUENCE};
use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

const REQUEST: &[u8] = &[
    0x30, 0x3a, 2, 1, 3, // version 3
    0x30, 0x0f, 2, 2, 0x4a, 0x69, 2, 3, 0, 0xff, 0xe3, 4, 1, 4, 2, 1,
    3, // identifier, size, reportable, user-based
    4, 0x10, 0x30, 0x0e, 4, 0, 2, 1, 0, 2, 1, 0, 4, 0, 4, 0, 4, 0, // empty engine and user
    0x30, 0x12, 4, 0, 4, 0, 0xa0, 0x0c, 2, 2, 0x37, 0xf0, 2, 1, 0, 2, 1, 0, 0x30, 0, // get nothing
];

/// Asks, and takes the first datagram.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    match (talk.turn, talk.received.is_empty()) {
        (0, _) => Step::Say(REQUEST.to_vec()),
        (_, true) => Step::More,
        (_, false) => Step::Done,
    }
}

/// Engine identifier, its maker and form, boots and time.
pub fn read(received: &[u8]) -> Option<Reading> {
    let mut message = Elements(Elements(received).body(SEQUENCE)?);
    if message.unsigned()? != 3 {
        return None;
    }
    message.body(SEQUENCE)?;
    let security = Elements(message.body(OCTET_STRING)?).body(SEQUENCE)?;
    let mut security = Elements(security);
    let engine = security.body(OCTET_STRING)?;
    let engine = &engine[..engine.len().min(32)];
    let mut text = format!("SNMPv3\nengine_id: {}\n", hex(engine));
    describe(engine, &mut text);
    let (boots, time) = (security.unsigned(), security.unsigned());
    if let (Some(boots), Some(time)) = (boots, time) {
        let _ = write!(text, "engine_boots: {boots}\nengine_time: {time}\n");
    }
    Some(Reading { broken: boots.is_none() || time.is_none(), ..Reading::of(BannerProtocol::Snmp, text) })
}

/// The form of RFC 3411, 5 (`SnmpEngineID`): maker's number, then what the fifth byte says.
fn describe(engine: &[u8], text: &mut String) {
    let Some((enterprise, rest)) = engine.split_first_chunk() else { return };
    let enterprise = u32::from_be_bytes(*enterprise);
    let _ = writeln!(text, "enterprise: {}", enterprise & 0x7fff_ffff);
    if enterprise >> 31 == 0 {
        return;
    }
    let _ = match rest {
        [1, a, b, c, d] => writeln!(text, "engine_address: {a}.{b}.{c}.{d}"),
        [3, mac @ ..] if mac.len() == 6 => {
            let mac: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(text, "engine_mac: {}", mac.join(":"))
        }
        [4, name @ ..] => writeln!(text, "engine_text: {}", readable(name).replace(['\r', '\n'], " ")),
        _ => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    fn report(engine: &[u8]) -> Vec<u8> {
        let part = |tag: u8, body: &[u8]| [vec![tag, body.len() as u8], body.to_vec()].concat();
        let security =
            [part(4, engine), part(2, &[7]), part(2, &[1, 0]), part(4, b""), part(4, b""), part(4, b"")].concat();
        let body = [part(2, &[3]), part(0x30, &[2, 1, 1]), part(4, &part(0x30, &security)), part(0x30, &[])].concat();
        part(0x30, &body)
    }

    #[test]
    fn the_engine_is_told() {
        assert_eq!(step(&Talk::default(), &peer()), Step::Say(REQUEST.to_vec()));
        assert_eq!(REQUEST.len(), usize::from(REQUEST[1]) + 2);
        let answer = report(&[0x80, 0, 0x1f, 0x88, 3, 0, 1, 2, 3, 4, 5]);
        assert_eq!(step(&Talk::heard(&answer, 1), &peer()), Step::Done);
        let text = String::from_utf8(read(&answer).unwrap().text).unwrap();
        let expected = "SNMPv3\nengine_id: 80001f8803000102030405\nenterprise: 8072\nengine_mac: 00:01:02:03:04:05\n\
                        engine_boots: 7\nengine_time: 256\n";
        assert_eq!(text, expected);
        for cut in 0..answer.len() {
            assert_eq!(read(&answer[..cut]), None);
        }
        assert_eq!(read(&REQUEST[..5]), None);
    }
}
