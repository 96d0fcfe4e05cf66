//! MQTT: a CONNECT without user and password, the broker's answer, and a DISCONNECT. Nothing is subscribed or published.

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::BannerProtocol;

const CONNACK: u8 = 0x20;
const DISCONNECT: [u8; 2] = [0xe0, 0];

/// Connects, and leaves as soon as the broker has answered (MQTT 3.1.1, 3.1, 3.2 and 3.14).
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    if talk.turn == 0 {
        return Step::Say(connect());
    }
    match talk.received.as_slice() {
        [CONNACK, 2, _, 0, ..] => Step::Last(DISCONNECT.to_vec()),
        [CONNACK, 2, _, _, ..] => Step::Done,
        [] | [CONNACK] | [CONNACK, 2] | [CONNACK, 2, _] => Step::More,
        _ => Step::Foreign,
    }
}

/// Version 3.1.1, clean session, no will, no user, no password, 60 s.
fn connect() -> Vec<u8> {
    const CLIENT: &[u8] = b"prober";
    let mut packet = vec![0x10, 12 + CLIENT.len() as u8];
    packet.extend(b"\0\x04MQTT\x04\x02\0\x3c\0");
    packet.push(CLIENT.len() as u8);
    packet.extend(CLIENT);
    packet
}

/// What the broker answered, in words.
pub fn read(received: &[u8]) -> Option<Reading> {
    let [CONNACK, 2, flags, code, ..] = *received else { return None };
    let meaning = match code {
        0 => "accepted",
        1 => "refused, unacceptable protocol version",
        2 => "refused, identifier rejected",
        3 => "refused, server unavailable",
        4 => "refused, bad user name or password",
        5 => "refused, not authorized",
        _ => "unknown code",
    };
    let text = format!("MQTT 3.1.1\nconnack: {code} ({meaning})\nsession_present: {}\n", flags & 1);
    Some(Reading { broken: code > 5, ..Reading::of(BannerProtocol::Mqtt, text) })
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn connects_without_credentials_and_leaves() {
        let Step::Say(said) = step(&Talk::default(), &peer()) else { panic!() };
        // Flags: clean session only.
        assert_eq!((said[1] as usize, said[9]), (said.len() - 2, 2));
        assert_eq!(step(&Talk::heard(&[0x20, 2, 0], 1), &peer()), Step::More);
        assert_eq!(step(&Talk::heard(&[0x20, 2, 0, 0], 1), &peer()), Step::Last(vec![0xe0, 0]));
        assert_eq!(step(&Talk::heard(&[0x20, 2, 0, 5], 1), &peer()), Step::Done);
        assert_eq!(step(&Talk::heard(b"HTTP/1.1 400", 1), &peer()), Step::Foreign);
        assert_eq!(
            read(&[0x20, 2, 0, 5]).unwrap().text,
            b"MQTT 3.1.1\nconnack: 5 (refused, not authorized)\nsession_present: 0\n"
        );
        assert_eq!(read(b"HTTP"), None);
    }
}
