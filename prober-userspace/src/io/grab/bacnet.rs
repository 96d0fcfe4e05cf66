//! BACnet/IP: ReadProperty of the device object (any instance), one property after another. Reads only.

use std::fmt::Write;

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

/// The properties that identify a device (ASHRAE 135, clause 21), in the order in which they are asked.
const PROPERTIES: [(u8, &str); 7] = [
    (120, "Vendor ID"),
    (121, "Vendor Name"),
    (44, "Firmware"),
    (12, "Application Software"),
    (77, "Object Name"),
    (70, "Model Name"),
    (58, "Location"),
];

/// Virtual link, unicast, 17 bytes; network layer with reply expected; confirmed request; object "device 4194303", which
/// stands for whichever there is.
fn request(index: usize) -> Vec<u8> {
    let mut frame = vec![0x81, 0x0a, 0, 17, 1, 4, 0, 5, index as u8 + 1, 0x0c, 0x0c, 2, 0x3f, 0xff, 0xff, 0x19];
    frame.push(PROPERTIES[index].0);
    frame
}

/// Asks for the next property when the one before was answered, even with an error.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    let Some(frames) = frames(&talk.received) else { return Step::Foreign };
    let turn = usize::from(talk.turn);
    if frames.len() < turn {
        Step::More
    } else if turn < PROPERTIES.len() {
        Step::Say(request(turn))
    } else {
        Step::Done
    }
}

/// The frames of the virtual link layer, headers of link and network taken off; `None` if it is something else.
fn frames(mut received: &[u8]) -> Option<Vec<&[u8]>> {
    let mut frames = Vec::new();
    while !received.is_empty() {
        let &[0x81, _, high, low] = received.first_chunk()? else { return None };
        let (frame, rest) = received.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        frames.push(frame.get(4..)?);
        received = rest;
    }
    Some(frames)
}

/// The properties in lines.
pub fn read(received: &[u8]) -> Option<Reading> {
    let frames = frames(received)?;
    if frames.is_empty() {
        return None;
    }
    let mut text = String::from("BACnet\n");
    for (property, value) in frames.iter().filter_map(|frame| value(frame)) {
        if let Some((_, name)) = PROPERTIES.iter().find(|(number, _)| *number == property) {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    Some(Reading::of(BannerProtocol::Bacnet, text))
}

/// Property and value of a complex acknowledgement.
fn value(frame: &[u8]) -> Option<(u8, String)> {
    let mut rest = frame.get(2..)?;
    // Destination and source networks may stand before the message (clause 6.2.2).
    let control = *frame.get(1)?;
    for (flag, hops) in [(0x20, true), (0x08, false)] {
        if control & flag != 0 {
            let length = usize::from(*rest.get(2)?);
            rest = rest.get(3 + length..)?;
            if hops && control & 0x08 == 0 {
                rest = rest.get(1..)?;
            }
        }
    }
    if control & 0x28 == 0x28 {
        rest = rest.get(1..)?;
    }
    // Complex acknowledgement, invoke identifier, ReadProperty, object identifier, property, value in brackets.
    let [0x30, _, 0x0c, 0x0c, _, _, _, _, 0x19, property, 0x3e, value @ ..] = rest else { return None };
    Some((*property, application_value(value)?))
}

/// An unsigned number or a character string (clause 20.2).
fn application_value(bytes: &[u8]) -> Option<String> {
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = match tag & 7 {
        5 => match rest.split_first()? {
            (&254, rest) => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            (&length, rest) => (usize::from(length), rest),
        },
        length => (usize::from(length), rest),
    };
    let body = rest.get(..length)?;
    match tag >> 4 {
        2 if length <= 4 => Some(body.iter().fold(0, |number: u32, digit| number << 8 | u32::from(*digit)).to_string()),
        // The first byte tells the encoding; UTF-8 is 0.
        7 => Some(readable(body.get(1..)?).replace(['\r', '\n'], " ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    fn answer(property: u8, value: &[u8]) -> Vec<u8> {
        let mut apdu = vec![0x30, 1, 0x0c, 0x0c, 2, 0, 0, 8, 0x19, property, 0x3e];
        apdu.extend(value);
        apdu.push(0x3f);
        let mut frame = vec![0x81, 0x0a, 0, 6 + apdu.len() as u8, 1, 0];
        frame.extend(apdu);
        frame
    }

    #[test]
    fn properties_are_asked_one_by_one_and_named() {
        let Step::Say(first) = step(&Talk::default(), &peer()) else { panic!() };
        assert_eq!((first.len(), first[3], first[16]), (17, 17, 120));
        let mut heard = answer(120, &[0x21, 77]);
        let Step::Say(second) = step(&Talk::heard(&heard, 1), &peer()) else { panic!() };
        assert_eq!(second[16], 121);
        assert_eq!(step(&Talk::heard(&heard, 2), &peer()), Step::More);
        heard.extend(answer(121, b"\x75\x0d\0Carel S.p.A."));
        // An error is an answer as well.
        heard.extend([0x81, 0x0a, 0, 13, 1, 0, 0x50, 3, 0x0c, 0x91, 2, 0x91, 32]);
        for _ in 3..PROPERTIES.len() {
            heard.extend(answer(70, b"\x75\x05\0PCO1"));
        }
        assert_eq!(step(&Talk::heard(&heard, 7), &peer()), Step::Done);
        let text = String::from_utf8(read(&heard).unwrap().text).unwrap();
        assert!(text.starts_with("BACnet\nVendor ID: 77\nVendor Name: Carel S.p.A.\nModel Name: PCO1\n"), "{text}");
    }

    #[test]
    fn cut_frames_are_nothing() {
        let whole = answer(121, b"\x75\x0d\0Carel S.p.A.");
        for cut in 1..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(step(&Talk::heard(b"HTTP", 1), &peer()), Step::Foreign);
    }

    #[test]
    fn a_routed_answer_is_read() {
        let mut routed = vec![0x81, 0x0a, 0, 0, 1, 8, 0, 5, 1, 9];
        routed.extend(&answer(120, &[0x21, 77])[6..]);
        routed[3] = routed.len() as u8;
        assert_eq!(read(&routed).unwrap().text, b"BACnet\nVendor ID: 77\n");
    }
}
