//! Asking a station for its Ethernet address (RFC 826), with an 802.1Q tag if need be. Used when the kernel does not
//! know it for certain; the kernel's own table is left alone.

use std::time::Duration;

use prober_common::address::V4;

use super::NetworkError;
use super::resolve::WayOut;
use super::sys::PacketSocket;
use crate::model::mac::Mac;

const TRIES: u32 = 3;
const WAIT_PER_TRY: Duration = Duration::from_secs(1);

const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_ARP: u16 = 0x0806;
/// Ethernet, IPv4, their lengths: the first six bytes of every ARP packet of interest (RFC 826).
const HARDWARE_AND_PROTOCOL: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// Asks up to three times, one second each; falls back to what was once learnt, with a warning.
pub fn resolve(way: &WayOut, station: V4, fallback: Option<Mac>) -> Result<Mac, NetworkError> {
    let failed = |operation: &'static str| {
        let name = way.port.name.clone();
        move |cause: std::io::Error| {
            let denied = cause.kind() == std::io::ErrorKind::PermissionDenied;
            let hint = if denied { "; run as root or with CAP_NET_RAW, or give --gateway-mac" } else { "" };
            NetworkError::Arp { station, name, operation, cause, hint }
        }
    };
    let socket = PacketSocket::open(way.port.index).map_err(failed("opening a packet socket"))?;
    let question = request(way, station);
    for _ in 0..TRIES {
        socket.send(&question).map_err(failed("sending the request"))?;
        let answer = socket
            .receive_within(WAIT_PER_TRY, |frame, tag| answer(frame, tag, way, station))
            .map_err(failed("receiving the answer"))?;
        if let Some(mac) = answer {
            return Ok(mac);
        }
    }
    let name = match way.vlan {
        Some(id) => format!("{} VLAN {id}", way.port.name),
        None => way.port.name.clone(),
    };
    if let Some(mac) = fallback {
        log::warn!("{station} does not answer ARP on {name}; using {mac}, which the kernel learnt earlier");
        return Ok(mac);
    }
    Err(NetworkError::Silent { station, name, tries: TRIES, seconds: u64::from(TRIES) * WAIT_PER_TRY.as_secs() })
}

fn request(way: &WayOut, station: V4) -> Vec<u8> {
    let mut frame = Vec::with_capacity(60);
    frame.extend(Mac::BROADCAST.0);
    frame.extend(way.source_mac.0);
    if let Some(id) = way.vlan {
        frame.extend(ETHERTYPE_VLAN.to_be_bytes());
        frame.extend(id.to_be_bytes());
    }
    frame.extend(ETHERTYPE_ARP.to_be_bytes());
    frame.extend(HARDWARE_AND_PROTOCOL);
    frame.extend(REQUEST.to_be_bytes());
    frame.extend(way.source_mac.0);
    frame.extend(way.asker.0.to_be_bytes());
    frame.extend([0; 6]);
    frame.extend(station.0.to_be_bytes());
    frame.resize(frame.len().max(60), 0); // shortest Ethernet frame (IEEE 802.3) without its check sequence
    frame
}

/// The station's Ethernet address, if `frame` is its answer to us. `tag` is the VLAN id that the kernel took out of
/// the frame, if it did.
fn answer(frame: &[u8], tag: Option<u16>, way: &WayOut, station: V4) -> Option<Mac> {
    let word = |at: usize| Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
    let (tag, packet) = match word(12)? {
        ETHERTYPE_VLAN if word(16)? == ETHERTYPE_ARP => (Some(word(14)?), frame.get(18..46)?),
        ETHERTYPE_ARP => (tag, frame.get(14..42)?),
        _ => return None,
    };
    // The low 12 bits are the VLAN id; id 0 only carries a priority (IEEE 802.1Q).
    let id = tag.map(|tag| tag & 0x0fff).filter(|id| *id != 0);
    let from_station = id == way.vlan
        && packet[..6] == HARDWARE_AND_PROTOCOL
        && packet[6..8] == REPLY.to_be_bytes()
        && packet[14..18] == station.0.to_be_bytes()
        && packet[24..28] == way.asker.0.to_be_bytes();
    Mac::from_bytes(&packet[8..14]).filter(|mac| from_station && mac.is_station())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::network::resolve::Station;
    use crate::io::network::tables::Interface;

    const STATION: V4 = V4(0x0a00_0001);

    fn way(vlan: Option<u16>) -> WayOut {
        WayOut {
            port: Interface { index: 2, name: "eth0".into(), ..Interface::default() },
            source: V4(0x0a00_0002),
            source_mac: Mac([2, 0, 0, 0, 0, 2]),
            gateway: Some(STATION),
            vlan,
            mtu: 1500,
            asker: V4(0x0a00_0002),
            station: Station::Ask { address: STATION, fallback: None },
        }
    }

    /// The answer that a station would give to `question`.
    fn reply(question: &[u8], header: usize) -> Vec<u8> {
        let mut frame = question.to_vec();
        frame[header + 7] = 2;
        let (sender, target) = (frame[header + 8..header + 18].to_vec(), frame[header + 24..header + 28].to_vec());
        frame[header + 8..header + 14].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        frame[header + 14..header + 18].copy_from_slice(&target);
        frame[header + 18..header + 28].copy_from_slice(&sender);
        frame
    }

    #[test]
    fn own_question_is_well_formed_and_not_an_answer() {
        let question = request(&way(None), STATION);
        let parsed = etherparse::SlicedPacket::from_ethernet(&question).unwrap();
        let Some(etherparse::NetSlice::Arp(arp)) = parsed.net else { panic!("not ARP") };
        assert_eq!(arp.target_protocol_addr(), [10, 0, 0, 1]);
        assert_eq!(answer(&question, None, &way(None), STATION), None);
    }

    #[test]
    fn answers_are_recognised_with_the_tag_inside_or_taken_out() {
        let mac = Some(Mac([2, 0, 0, 0, 0, 1]));
        let plain = reply(&request(&way(None), STATION), 14);
        assert_eq!(answer(&plain, None, &way(None), STATION), mac);
        assert_eq!(answer(&plain, Some(0x2007), &way(Some(7)), STATION), mac);
        let tagged = reply(&request(&way(Some(7)), STATION), 18);
        assert_eq!(answer(&tagged, None, &way(Some(7)), STATION), mac);
    }

    #[test]
    fn others_answers_are_ignored() {
        let plain = reply(&request(&way(None), STATION), 14);
        assert_eq!(answer(&plain, Some(7), &way(None), STATION), None, "another VLAN");
        assert_eq!(answer(&plain, None, &way(Some(7)), STATION), None, "no VLAN");
        assert_eq!(answer(&plain, None, &way(None), V4(0x0a00_0009)), None, "another station");
        for length in 0..42 {
            assert_eq!(answer(&plain[..length], None, &way(None), STATION), None, "cut to {length}");
        }
    }
}
