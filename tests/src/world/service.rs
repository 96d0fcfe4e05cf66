//! UDP services, as far as a first probe sees them: DNS, NTP, SNMPv3, CoAP, STUN and the port mapper.

use std::net::Ipv4Addr;

/// The answer to `request` on `port`; `None` if the service would not answer that.
pub fn answer(port: u16, request: &[u8], client: (Ipv4Addr, u16), received_ns: u64) -> Option<Vec<u8>> {
    match port {
        53 => dns(request),
        111 => port_mapper(request),
        123 => ntp(request, received_ns),
        161 => snmp(request),
        3478 => stun(request, client),
        5683 => coap(request),
        _ => None,
    }
}

/// Repeats the question and refuses it, as most resolvers do with CHAOS (RFC 1035, 4.1).
fn dns(request: &[u8]) -> Option<Vec<u8>> {
    let is_query = request.len() > 16 && request[2] & 0x80 == 0 && request[4..6] == [0, 1];
    if !is_query {
        return None;
    }
    let mut at = 12;
    while *request.get(at)? != 0 {
        at += 1 + usize::from(request[at]);
    }
    let mut reply = request.get(..at + 5)?.to_vec();
    reply[2] |= 0x80;
    reply[3] = 0x05;
    reply[6..12].fill(0);
    Some(reply)
}

/// A null procedure's success (RFC 5531, 9).
fn port_mapper(request: &[u8]) -> Option<Vec<u8>> {
    let is_call = request.len() >= 24 && request[4..8] == [0; 4];
    let mut reply = request.get(..4)?.to_vec();
    reply.extend([0, 0, 0, 1]);
    reply.resize(24, 0);
    is_call.then_some(reply)
}

/// Server mode, stratum 2; the transmit time comes back as originate time (RFC 5905, 7.3).
fn ntp(request: &[u8], received_ns: u64) -> Option<Vec<u8>> {
    if request.len() < 48 || request[0] & 7 != 3 {
        return None;
    }
    let now = (((received_ns / 1_000_000_000 + 4_000_000_000) & 0xffff_ffff) << 32).to_be_bytes();
    let mut reply = vec![0; 48];
    reply[0] = (request[0] & 0x38) | 4;
    reply[1..4].copy_from_slice(&[2, 6, 0xe9]);
    reply[12..16].copy_from_slice(&[10, 0, 0, 1]);
    reply[16..24].copy_from_slice(&now);
    reply[24..32].copy_from_slice(&request[40..48]);
    reply[32..40].copy_from_slice(&now);
    reply[40..48].copy_from_slice(&now);
    Some(reply)
}

/// The report `usmStatsUnknownEngineIDs` that tells the engine (RFC 3414, 4). The message identifier is written as
/// agents do, in as few bytes as it needs.
fn snmp(request: &[u8]) -> Option<Vec<u8>> {
    const ENGINE: &[u8] = &[0x80, 0, 0x1f, 0x88, 0x80, 0x6c, 0x61, 0x62, 0x31];
    const UNKNOWN_ENGINES: &[u8] = &[0x2b, 6, 1, 6, 3, 15, 1, 1, 4, 0];
    let (message, _) = element(request, 0x30)?;
    let (version, rest) = element(message, 0x02)?;
    let (global, _) = element(rest, 0x30)?;
    let (identifier, _) = element(global, 0x02)?;
    if version != [3] {
        return None;
    }
    let leading = identifier.windows(2).take_while(|pair| pair[0] == 0 && pair[1] < 0x80).count();
    let global = [wrap(0x02, &identifier[leading..]), wrap(0x02, &[0, 0xff, 0xe3]), wrap(0x04, &[0]), wrap(0x02, &[3])];
    let zero = wrap(0x02, &[0]);
    let security =
        [wrap(0x04, ENGINE), wrap(0x02, &[1]), wrap(0x02, &[42]), wrap(0x04, &[]), wrap(0x04, &[]), wrap(0x04, &[])];
    let variable = wrap(0x30, &[wrap(0x06, UNKNOWN_ENGINES), wrap(0x41, &[7])].concat());
    let report = wrap(0xa8, &[zero.clone(), zero.clone(), zero, wrap(0x30, &variable)].concat());
    let scoped = wrap(0x30, &[wrap(0x04, ENGINE), wrap(0x04, &[]), report].concat());
    let parts = [wrap(0x02, &[3]), wrap(0x30, &global.concat()), wrap(0x04, &wrap(0x30, &security.concat())), scoped];
    Some(wrap(0x30, &parts.concat()))
}

/// The contents of the BER element of type `tag` that `bytes` begins with, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk()?;
    let (len, rest) = match first {
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        short if short < 0x80 => (usize::from(short), rest),
        _ => return None,
    };
    if found == tag { rest.split_at_checked(len) } else { None }
}

fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    if contents.len() >= 0x80 {
        bytes.push(0x81);
    }
    bytes.push(contents.len() as u8);
    bytes.extend(contents);
    bytes
}

/// Success with the mapped address (RFC 8489, 14.2).
fn stun(request: &[u8], (address, port): (Ipv4Addr, u16)) -> Option<Vec<u8>> {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    if request.len() < 20 || request[..2] != [0, 1] || request[4..8] != COOKIE {
        return None;
    }
    let mut reply = vec![1, 1, 0, 12];
    reply.extend(&request[4..20]);
    reply.extend([0, 0x20, 0, 8, 0, 1]);
    reply.extend((port ^ 0x2112).to_be_bytes());
    reply.extend((u32::from(address) ^ u32::from_be_bytes(COOKIE)).to_be_bytes());
    Some(reply)
}

/// A piggybacked 2.05 with a link list (RFC 7252, 5.2.1; RFC 6690).
fn coap(request: &[u8]) -> Option<Vec<u8>> {
    let token_len = usize::from(*request.first()? & 0x0f);
    let is_confirmable_get = request[0] & 0xf0 == 0x40 && *request.get(1)? == 1 && token_len <= 8;
    let mut reply = vec![0x60 | token_len as u8, 0x45];
    reply.extend(request.get(2..4 + token_len)?);
    reply.extend(b"\xc1\x28\xff</sensors>;ct=40");
    is_confirmable_get.then_some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(20, 255, 0, 2), 40_000);

    #[test]
    fn services_repeat_what_identifies_the_request() {
        let mut query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03abc\x04bind\0\0\x10\0\x03".to_vec();
        let reply = answer(53, &query, CLIENT, 0).unwrap();
        assert_eq!((&reply[..2], reply[2] & 0x80, &reply[12..]), (&query[..2], 0x80, &query[12..]));
        query[2] |= 0x80;
        assert_eq!(answer(53, &query, CLIENT, 0), None);

        let mut ask = [0; 48];
        ask[0] = 0x23;
        ask[40..].copy_from_slice(b"transmit");
        let reply = answer(123, &ask, CLIENT, 5).unwrap();
        assert_eq!((reply[0], &reply[24..32]), (0x24, &b"transmit"[..]));

        let coap_get = b"\x44\x01\x70\x72tokn\xbb.well-known\x04core";
        let reply = answer(5683, coap_get, CLIENT, 0).unwrap();
        assert_eq!(&reply[..8], b"\x64\x45\x70\x72tokn");

        let binding = b"\0\x01\0\0\x21\x12\xa4\x42twelve bytes";
        let reply = answer(3478, binding, CLIENT, 0).unwrap();
        assert_eq!(&reply[8..20], b"twelve bytes");
    }

    #[test]
    fn snmp_reports_its_engine() {
        let request = wrap(
            0x30,
            &[wrap(0x02, &[3]), wrap(0x30, &[wrap(0x02, &[0, 0, 0x12, 0x34]), wrap(0x02, &[0, 0xff, 0xe3])].concat())]
                .concat(),
        );
        let reply = answer(161, &request, CLIENT, 0).unwrap();
        let (message, rest) = element(&reply, 0x30).unwrap();
        assert!(rest.is_empty());
        let (_, rest) = element(message, 0x02).unwrap();
        let (global, _) = element(rest, 0x30).unwrap();
        assert_eq!(element(global, 0x02).unwrap().0, [0x12, 0x34]);
    }

    #[test]
    fn nonsense_is_not_answered() {
        for port in [53, 111, 123, 161, 3478, 5683, 9] {
            for len in 0..12 {
                assert_eq!(answer(port, &[0xff; 12][..len], CLIENT, 0), None);
            }
        }
    }
}
