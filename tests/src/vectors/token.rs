//! Makes the token of a changed frame right again, wherever the frame's headers now say that it stands: mutations that
//! no token guards any more reach the code behind the check. Reads headers by itself, not with the product's code.

use prober_common::{
    address::V4,
    cookie::Identity,
    probe::udp::Protocol,
    rules::Rules,
    stamp::{Tick, Token},
};

/// Writes a genuine token for a probe sent at `sent` into `frame`. `None` if there is no place for it.
pub fn renew(frame: &mut [u8], rules: &Rules, sent: Tick) -> Option<()> {
    let ip = if u16_at(frame, 12)? == 0x8100 { 18 } else { 14 };
    let l4 = ip + header_len(frame, ip)?;
    let identity = Identity {
        target: V4(u32_at(frame, ip + 12)?),
        source: rules.source,
        port: u16_at(frame, l4)?,
        protocol: *frame.get(ip + 9)?,
        tick: sent,
    };
    match identity.protocol {
        6 => {
            let token = Token::new(rules.key, identity);
            put(frame, l4 + 2, &token.source_port().to_be_bytes())?;
            put(frame, l4 + 8, &token.nonce.wrapping_add(1).to_be_bytes())
        }
        17 => {
            let token = Token::new(rules.key, Identity { tick: sent.even(), ..identity });
            put(frame, l4 + 2, &token.source_port().to_be_bytes())?;
            put_in_payload(frame, l4 + 8, Protocol::for_port(identity.port)?, token.nonce)
        }
        1 if *frame.get(l4)? == 0 => {
            let token = Token::new(rules.key, Identity { port: 0, ..identity });
            put(frame, l4 + 4, &token.nonce.to_be_bytes())?;
            put(frame, l4 + 8, &token.port_bits.to_be_bytes())
        }
        1 => renew_quoted(frame, l4 + 8, rules, sent),
        _ => None,
    }
}

fn renew_quoted(frame: &mut [u8], ip: usize, rules: &Rules, sent: Tick) -> Option<()> {
    let l4 = ip + header_len(frame, ip)?;
    let identity = Identity {
        target: V4(u32_at(frame, ip + 16)?),
        source: rules.source,
        port: u16_at(frame, l4 + 2)?,
        protocol: *frame.get(ip + 9)?,
        tick: sent,
    };
    match identity.protocol {
        6 => {
            let token = Token::new(rules.key, identity);
            put(frame, l4, &token.source_port().to_be_bytes())?;
            put(frame, l4 + 4, &token.nonce.to_be_bytes())
        }
        17 => {
            let token = Token::new(rules.key, Identity { tick: sent.even(), ..identity });
            let nonce = token.nonce.to_be_bytes();
            put(frame, l4, &token.source_port().to_be_bytes())?;
            put(frame, l4 + 6, &nonce[..2])?;
            put(frame, ip + 4, &nonce[2..])
        }
        1 => {
            let token = Token::new(rules.key, Identity { port: 0, ..identity });
            put(frame, l4 + 2, &token.port_bits.to_be_bytes())?;
            put(frame, l4 + 4, &token.nonce.to_be_bytes())
        }
        _ => None,
    }
}

fn put_in_payload(frame: &mut [u8], payload: usize, protocol: Protocol, nonce: u32) -> Option<()> {
    match protocol {
        Protocol::Dns => {
            let letters: [u8; 8] = std::array::from_fn(|i| b'a' + (nonce >> (28 - 4 * i) & 0xf) as u8);
            put(frame, payload + 13, &letters)
        }
        Protocol::Ntp => put(frame, payload + 24, &nonce.to_be_bytes()),
        Protocol::Coap => put(frame, payload + 4, &nonce.to_be_bytes()),
        Protocol::Stun => put(frame, payload + 8, &nonce.to_be_bytes()),
        Protocol::Snmp => put(frame, payload + 9, &(nonce >> 1).to_be_bytes()),
    }
}

fn header_len(frame: &[u8], ip: usize) -> Option<usize> {
    Some(usize::from(frame.get(ip)? & 0xf) * 4)
}

fn u16_at(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(frame: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(frame.get(at..at + 4)?.try_into().ok()?))
}

fn put(frame: &mut [u8], at: usize, bytes: &[u8]) -> Option<()> {
    frame.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
    Some(())
}
