//! Modbus/TCP: one frame, Read Device Identification, basic (function 0x2B, MEI 0x0E, code 1). Reads only; registers and
//! coils are never touched.

use std::fmt::Write;

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

/// Transaction 0x7072, protocol 0, five bytes follow, unit 255 (the device itself: Modbus Messaging on TCP/IP 1.0b, 4.4.2).
const REQUEST: [u8; 11] = [0x70, 0x72, 0, 0, 0, 5, 0xff, 0x2b, 0x0e, 1, 0];

/// Asks once and takes the answer's frame.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    if talk.turn == 0 {
        return Step::Say(REQUEST.to_vec());
    }
    match frame(&talk.received) {
        Frame::Short => Step::More,
        Frame::Whole(_) => Step::Done,
        Frame::Foreign => Step::Foreign,
    }
}

enum Frame<'f> {
    Short,
    /// From the unit identifier on.
    Whole(&'f [u8]),
    Foreign,
}

fn frame(received: &[u8]) -> Frame<'_> {
    let Some((header, rest)) = received.split_first_chunk::<6>() else { return Frame::Short };
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    if header[..4] != REQUEST[..4] || !(3..=254).contains(&length) {
        return Frame::Foreign;
    }
    rest.get(..length).map_or(Frame::Short, Frame::Whole)
}

/// The objects by name, or the exception.
pub fn read(received: &[u8]) -> Option<Reading> {
    let Frame::Whole(body) = frame(received) else { return None };
    let mut text = format!("Unit ID: {}\n", body[0]);
    let whole = match body[1..] {
        [0xab, code, ..] => {
            let meaning = match code {
                1 => "illegal function",
                2 => "illegal data address",
                3 => "illegal data value",
                4 => "server device failure",
                10 => "gateway path unavailable",
                11 => "gateway target failed to respond",
                _ => "other",
            };
            let _ = writeln!(text, "exception: {code} ({meaning})");
            true
        }
        [0x2b, 0x0e, _, conformity, _, _, count, ref objects @ ..] => {
            let _ = writeln!(text, "conformity: {conformity:#04x}");
            describe(objects, count, &mut text)
        }
        _ => false,
    };
    Some(Reading { broken: !whole, ..Reading::of(BannerProtocol::Modbus, text) })
}

/// Objects of the basic category and those that come with them; whether all were there.
fn describe(mut objects: &[u8], count: u8, text: &mut String) -> bool {
    for _ in 0..count {
        let Some((&[object, length], rest)) = objects.split_first_chunk() else { return false };
        let Some((value, rest)) = rest.split_at_checked(usize::from(length)) else { return false };
        let name = match object {
            0 => "Vendor".to_owned(),
            1 => "Product Code".to_owned(),
            2 => "Revision".to_owned(),
            3 => "Vendor URL".to_owned(),
            4 => "Product Name".to_owned(),
            5 => "Model Name".to_owned(),
            6 => "Application Name".to_owned(),
            other => format!("Object {other}"),
        };
        let _ = writeln!(text, "{name}: {}", readable(value).replace(['\r', '\n'], " "));
        objects = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn one_frame_asks_and_objects_are_named() {
        assert_eq!(step(&Talk::default(), &peer()), Step::Say(REQUEST.to_vec()));
        let objects = b"\x00\x08Schneide\x01\x04M340\x02\x04v2.1";
        let mut answer = vec![0x70, 0x72, 0, 0, 0, 8 + objects.len() as u8, 0xff, 0x2b, 0x0e, 1, 1, 0, 0, 3];
        answer.extend(objects);
        assert_eq!(step(&Talk::heard(&answer[..12], 1), &peer()), Step::More);
        assert_eq!(step(&Talk::heard(&answer, 1), &peer()), Step::Done);
        let text = String::from_utf8(read(&answer).unwrap().text).unwrap();
        assert_eq!(text, "Unit ID: 255\nconformity: 0x01\nVendor: Schneide\nProduct Code: M340\nRevision: v2.1\n");
        answer[13] = 9;
        assert!(read(&answer).unwrap().broken);
    }

    #[test]
    fn exceptions_are_answers_and_strangers_are_not() {
        let answer = [0x70, 0x72, 0, 0, 0, 3, 0xff, 0xab, 1];
        assert_eq!(read(&answer).unwrap().text, b"Unit ID: 255\nexception: 1 (illegal function)\n");
        assert_eq!(step(&Talk::heard(b"HTTP/1.1 400", 1), &peer()), Step::Foreign);
        assert_eq!(read(b"HTTP/1.1 400"), None);
    }
}
