//! EtherNet/IP: ListIdentity (CIP volume 2, 2-4.2), over TCP or UDP. No session is registered.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

/// The command, and otherwise zeros but for the sender's context, which comes back.
const REQUEST: [u8; 24] = *b"\x63\0\0\0\0\0\0\0\0\0\0\0prober\0\0\0\0\0\0";
const HEADER: usize = 24;

/// Asks, and takes the answer's frame.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    if talk.turn == 0 {
        return Step::Say(REQUEST.to_vec());
    }
    match talk.received.as_slice() {
        [0x63, 0, low, high, ..] => {
            let length = HEADER + usize::from(u16::from_le_bytes([*low, *high]));
            if talk.received.len() >= length { Step::Done } else { Step::More }
        }
        [] | [0x63] | [0x63, 0, ..] => Step::More,
        _ => Step::Foreign,
    }
}

/// The identity in lines.
pub fn read(received: &[u8]) -> Option<Reading> {
    if !received.starts_with(&[0x63, 0]) || received.len() < HEADER {
        return None;
    }
    let mut text = String::from("EtherNet/IP\n");
    let whole = identity(&received[HEADER..], &mut text).is_some();
    Some(Reading { broken: !whole, ..Reading::of(BannerProtocol::EthernetIp, text) })
}

/// Count of items, then the first: type 0x0C, length, version, socket address (network order), identity (Intel order).
fn identity(body: &[u8], text: &mut String) -> Option<()> {
    let item = body.get(2..)?;
    let number = |at: usize| Some(u16::from_le_bytes(*item.get(at..)?.first_chunk()?));
    if number(0)? != 0x0c {
        return None;
    }
    let name_length = usize::from(*item.get(36)?);
    let name = item.get(37..37 + name_length)?;
    let serial = u32::from_le_bytes(*item.get(32..)?.first_chunk()?);
    let address: &[u8; 4] = item.get(10..)?.first_chunk()?;
    let _ = writeln!(text, "Product Name: {}", readable(name).replace(['\r', '\n'], " "));
    let _ = writeln!(text, "Vendor ID: {}", number(22)?);
    let _ = writeln!(text, "Serial Number: {serial:#010x}");
    let _ = writeln!(text, "Device Type: {}", number(24)?);
    let _ = writeln!(text, "Product Code: {}", number(26)?);
    let _ = writeln!(text, "Revision: {}.{}", item.get(28)?, item.get(29)?);
    let _ = writeln!(text, "Device IP: {}", Ipv4Addr::from(*address));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    fn answer() -> Vec<u8> {
        let name = b"1756-EN2T/B";
        let mut item = vec![1, 0, 0, 2, 0xaf, 0x12, 192, 0, 2, 9];
        item.extend([0; 8]);
        item.extend([1, 0, 12, 0, 166, 0, 5, 28, 0x30, 0, 0x78, 0x56, 0x34, 0x12, name.len() as u8]);
        item.extend(name);
        item.push(3);
        let mut body = vec![1, 0, 0x0c, 0, item.len() as u8, 0];
        body.extend(item);
        let mut frame = REQUEST.to_vec();
        frame[2] = body.len() as u8;
        frame.extend(body);
        frame
    }

    #[test]
    fn the_identity_is_told() {
        assert_eq!(step(&Talk::default(), &peer()), Step::Say(REQUEST.to_vec()));
        let answer = answer();
        assert_eq!(step(&Talk::heard(&answer[..30], 1), &peer()), Step::More);
        assert_eq!(step(&Talk::heard(&answer, 1), &peer()), Step::Done);
        let text = String::from_utf8(read(&answer).unwrap().text).unwrap();
        let expected = "EtherNet/IP\nProduct Name: 1756-EN2T/B\nVendor ID: 1\nSerial Number: 0x12345678\nDevice Type: 12\n\
                        Product Code: 166\nRevision: 5.28\nDevice IP: 192.0.2.9\n";
        assert_eq!(text, expected);
        for cut in HEADER..answer.len() - 1 {
            assert!(read(&answer[..cut]).unwrap().broken, "{cut}");
        }
        assert_eq!(step(&Talk::heard(b"HTTP", 1), &peer()), Step::Foreign);
    }
}
