//! Just enough generic netlink to ask one question of one family: request, answer, attributes. Dumps and
//! notifications are left out.

use std::io;

use rtnetlink::sys::{Socket, SocketAddr};

const PROTOCOL: isize = 16; // NETLINK_GENERIC
const MESSAGE_HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
const ATTRIBUTE_HEADER: usize = 4;
const FLAG_REQUEST: u16 = 1;
const TYPE_ERROR: u16 = 2;
/// High bits of an attribute's type are flags (nested, byte order).
const TYPE_MASK: u16 = 0x3fff;

const CONTROL_FAMILY: u16 = 16;
const CONTROL_GET_FAMILY: u8 = 3;
const CONTROL_ATTRIBUTE_ID: u16 = 1;
const CONTROL_ATTRIBUTE_NAME: u16 = 2;

/// Asks `family` (by name) the question `command` with one attribute; gives the answer's attributes.
pub fn ask(family: &str, command: u8, attribute: (u16, &[u8])) -> io::Result<Vec<(u16, Vec<u8>)>> {
    let mut socket = Socket::new(PROTOCOL)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let name: Vec<u8> = family.bytes().chain([0]).collect();
    let about = exchange(&socket, CONTROL_FAMILY, CONTROL_GET_FAMILY, (CONTROL_ATTRIBUTE_NAME, &name))?;
    let id = about
        .iter()
        .find(|(kind, _)| *kind == CONTROL_ATTRIBUTE_ID)
        .and_then(|(_, value)| Some(u16::from_ne_bytes(value.as_slice().try_into().ok()?)))
        .ok_or(io::ErrorKind::NotFound)?;
    exchange(&socket, id, command, attribute)
}

fn exchange(socket: &Socket, family: u16, command: u8, attribute: (u16, &[u8])) -> io::Result<Vec<(u16, Vec<u8>)>> {
    socket.send(&message(family, command, attribute), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    parse(&answer)
}

fn message(family: u16, command: u8, (kind, value): (u16, &[u8])) -> Vec<u8> {
    let attribute_length = ATTRIBUTE_HEADER + value.len();
    let length = MESSAGE_HEADER + GENERIC_HEADER + attribute_length.next_multiple_of(4);
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(family.to_ne_bytes());
    bytes.extend(FLAG_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // sequence and port: one question at a time needs neither
    bytes.extend([command, 1, 0, 0]); // version 1
    bytes.extend((attribute_length as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length, 0);
    bytes
}

fn parse(answer: &[u8]) -> io::Result<Vec<(u16, Vec<u8>)>> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let kind = u16::from_ne_bytes(answer.get(4..6).ok_or_else(malformed)?.try_into().map_err(|_| malformed())?);
    if kind == TYPE_ERROR {
        let code = answer.get(16..20).ok_or_else(malformed)?.try_into().map_err(|_| malformed())?;
        return Err(io::Error::from_raw_os_error(-i32::from_ne_bytes(code)));
    }
    let mut rest = answer.get(MESSAGE_HEADER + GENERIC_HEADER..).ok_or_else(malformed)?;
    let mut attributes = Vec::new();
    while rest.len() >= ATTRIBUTE_HEADER {
        let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]]));
        let kind = u16::from_ne_bytes([rest[2], rest[3]]) & TYPE_MASK;
        attributes.push((kind, rest.get(ATTRIBUTE_HEADER..length).ok_or_else(malformed)?.to_vec()));
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back() {
        let bytes = message(0x15, 1, (1, &7_u32.to_ne_bytes()));
        assert_eq!(bytes.len(), 28);
        assert_eq!(parse(&bytes).unwrap(), vec![(1, 7_u32.to_ne_bytes().to_vec())]);
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let bytes = message(0x15, 1, (1, b"netdev\0"));
        for length in 0..bytes.len() {
            let _ = parse(&bytes[..length]);
        }
        let mut wrong = bytes;
        wrong[20] = 3; // an attribute shorter than its own header
        assert_eq!(parse(&wrong).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_error_message_is_the_kernels_error() {
        let mut bytes = vec![0; 36];
        bytes[4..6].copy_from_slice(&TYPE_ERROR.to_ne_bytes());
        bytes[16..20].copy_from_slice(&(-libc::ENOENT).to_ne_bytes());
        assert_eq!(parse(&bytes).unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }
}
