//! S7comm over ISO on TCP: connect, set up, and read the lists "module identification" (0x11) and "component
//! identification" (0x1C) of the system status. Reads only; no block, no memory, no password.

use std::fmt::Write;

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::{BannerProtocol, readable};

/// COTP connection request: source TSAP 0x0100, destination 0x0102 (rack 0, slot 2), 1024 bytes.
const CONNECT: &[u8] = &[3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];
/// Setup communication: one job at a time, PDU of 480 bytes.
const SETUP: &[u8] = &[3, 0, 0, 25, 2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0];

/// Longest frame that is taken.
const FRAME_BYTES: usize = 4096;

/// A user-data request that reads index 1 of a list.
fn read_list(list: u8) -> Vec<u8> {
    let mut frame = vec![3, 0, 0, 33, 2, 0xf0, 0x80, 0x32, 7, 0, 0, 0, list, 0, 8, 0, 8];
    frame.extend([0, 1, 0x12, 4, 0x11, 0x44, 1, 0, 0xff, 9, 0, 4, 0, list, 0, 1]);
    frame
}

/// One request after another, each when the one before was answered.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    let Some(frames) = frames(&talk.received) else { return Step::Foreign };
    if frames.len() < usize::from(talk.turn) {
        return Step::More;
    }
    match talk.turn {
        0 => Step::Say(CONNECT.to_vec()),
        // Anything but a confirmation is a refusal.
        1 if frames[0].get(5) == Some(&0xd0) => Step::Say(SETUP.to_vec()),
        2 => Step::Say(read_list(0x11)),
        3 => Step::Say(read_list(0x1c)),
        _ => Step::Done,
    }
}

/// The complete TPKT frames (RFC 1006, 6); `None` if it is something else.
fn frames(mut received: &[u8]) -> Option<Vec<&[u8]>> {
    let mut frames = Vec::new();
    while let Some(&[version, _, high, low]) = received.first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if version != 3 || !(7..=FRAME_BYTES).contains(&length) {
            return None;
        }
        let Some((frame, rest)) = received.split_at_checked(length) else { break };
        frames.push(frame);
        received = rest;
    }
    (received.is_empty() || received[0] == 3).then_some(frames)
}

/// The names out of both lists.
pub fn read(received: &[u8]) -> Option<Reading> {
    let frames = frames(received)?;
    let confirmed = frames.first()?.get(5)?;
    if !matches!(confirmed, 0xd0 | 0x80) {
        return None;
    }
    let mut text = String::from(if *confirmed == 0xd0 { "S7comm\n" } else { "COTP refused\n" });
    for (list, record) in frames.iter().filter_map(|frame| list(frame)).flatten() {
        describe(list, record, &mut text);
    }
    Some(Reading::of(BannerProtocol::S7, text))
}

/// The records of a list, each with the list's number.
fn list(frame: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let message = frame.get(7..)?;
    let &[0x32, 7, ..] = message else { return None };
    let number = |at: usize| Some(usize::from(u16::from_be_bytes(*message.get(at..)?.first_chunk()?)));
    let data = message.get(10 + number(6)?..)?;
    // Return code, transport size, length; list, index, record length, count.
    let header: &[u8; 12] = data.first_chunk()?;
    let list = u16::from_be_bytes([header[4], header[5]]);
    let size = usize::from(u16::from_be_bytes([header[8], header[9]]));
    if header[0] != 0xff || size == 0 {
        return None;
    }
    Some(data[12..].chunks_exact(size).take(32).map(|record| (list, record)).collect())
}

fn describe(list: u16, record: &[u8], text: &mut String) {
    let Some((&[high, low], rest)) = record.split_first_chunk() else { return };
    let index = u16::from_be_bytes([high, low]);
    let words = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        readable(&bytes[..end]).replace(['\r', '\n'], " ").trim_end().to_owned()
    };
    let (name, value) = match (list, index) {
        (0x11, 1) => ("Module", words(&rest[..rest.len().min(20)])),
        (0x11, 6) => ("Basic Hardware", words(&rest[..rest.len().min(20)])),
        (0x11, 7) => ("Basic Firmware", version(rest)),
        (0x1c, 1) => ("Name of the PLC", words(rest)),
        (0x1c, 2) => ("Name of the module", words(rest)),
        (0x1c, 3) => ("Plant identification", words(rest)),
        (0x1c, 4) => ("Copyright", words(rest)),
        (0x1c, 5) => ("Serial number", words(rest)),
        (0x1c, 7) => ("Module type name", words(rest)),
        (0x1c, 8) => ("Memory card serial number", words(rest)),
        (0x1c, 10) => ("OEM ID of a module", words(rest)),
        (0x1c, 11) => ("Location designation of a module", words(rest)),
        _ => return,
    };
    if !value.is_empty() {
        let _ = writeln!(text, "{name}: {value}");
    }
}

/// `V`, then three numbers in the last two words of the record.
fn version(rest: &[u8]) -> String {
    match rest {
        [.., b'V', major, minor, patch] => format!("v.{major}.{minor}.{patch}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    const CONFIRM: &[u8] = &[3, 0, 0, 22, 17, 0xd0, 0, 1, 0, 2, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];

    fn answer(list: u8, size: u8, records: &[Vec<u8>]) -> Vec<u8> {
        let records = records.concat();
        let mut message = vec![0x32, 7, 0, 0, 0, 0, 0, 12, 0, (12 + records.len()) as u8];
        message.extend([0; 12]);
        message.extend([0xff, 9, 0, (8 + records.len()) as u8, 0, list, 0, 1, 0, size, 0, 1]);
        message.extend(records);
        let mut frame = vec![3, 0, 0, 7 + message.len() as u8, 2, 0xf0, 0x80];
        frame.extend(message);
        frame
    }

    fn named(index: u8, words: &[u8], size: usize) -> Vec<u8> {
        let mut record = vec![0, index];
        record.extend(words);
        record.resize(size, 0);
        record
    }

    #[test]
    fn requests_follow_each_other_and_have_their_lengths() {
        for frame in [CONNECT, SETUP, &read_list(0x11), &read_list(0x1c)] {
            assert_eq!(usize::from(frame[3]), frame.len());
        }
        assert_eq!(step(&Talk::default(), &peer()), Step::Say(CONNECT.to_vec()));
        assert_eq!(step(&Talk::heard(&CONFIRM[..10], 1), &peer()), Step::More);
        let mut heard = CONFIRM.to_vec();
        assert_eq!(step(&Talk::heard(&heard, 1), &peer()), Step::Say(SETUP.to_vec()));
        heard.extend([3, 0, 0, 7, 2, 0xf0, 0x80]);
        assert_eq!(step(&Talk::heard(&heard, 2), &peer()), Step::Say(read_list(0x11)));
        heard.extend(answer(0x11, 28, &[named(1, b"6ES7 315-2EH14-0AB0 ", 28)]));
        assert_eq!(step(&Talk::heard(&heard, 3), &peer()), Step::Say(read_list(0x1c)));
        heard.extend(answer(0x1c, 34, &[named(1, b"PLC_1", 34), named(5, b"S C-X1", 34)]));
        assert_eq!(step(&Talk::heard(&heard, 4), &peer()), Step::Done);
        let text = String::from_utf8(read(&heard).unwrap().text).unwrap();
        assert_eq!(text, "S7comm\nModule: 6ES7 315-2EH14-0AB0\nName of the PLC: PLC_1\nSerial number: S C-X1\n");
    }

    #[test]
    fn refusals_and_strangers_end_it() {
        let mut refused = CONFIRM.to_vec();
        refused[5] = 0x80;
        assert_eq!(step(&Talk::heard(&refused, 1), &peer()), Step::Done);
        assert_eq!(read(&refused).unwrap().text, b"COTP refused\n");
        assert_eq!(step(&Talk::heard(b"HTTP/1.1 400 Bad", 1), &peer()), Step::Foreign);
        assert_eq!(step(&Talk::heard(&[3, 0, 0xff, 0xff, 0], 1), &peer()), Step::Foreign);
    }
}
