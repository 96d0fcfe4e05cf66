//! UPnP: a unicast SSDP search for the root device (UPnP Device Architecture 1.1, 1.3.2). Descriptions are not fetched.

use super::talk::{Peer, Reading, Step, Talk, head_end};
use crate::model::banner::BannerProtocol;

/// Asks, and takes the first datagram.
pub fn step(talk: &Talk, peer: &Peer) -> Step {
    match (talk.turn, talk.received.is_empty()) {
        (0, _) => Step::Say(request(peer)),
        (_, true) => Step::More,
        (_, false) => Step::Done,
    }
}

fn request(peer: &Peer) -> Vec<u8> {
    let (address, port) = (peer.address, peer.port);
    let agent = peer.agent();
    format!(
        "M-SEARCH * HTTP/1.1\r\nHOST: {address}:{port}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\
         USER-AGENT: {agent}\r\n\r\n"
    )
    .into_bytes()
}

/// The head as sent.
pub fn read(received: &[u8]) -> Option<Reading> {
    if !received.starts_with(b"HTTP/1") {
        return None;
    }
    let end = head_end(received).unwrap_or(received.len());
    Some(Reading::of(BannerProtocol::Upnp, &received[..end]))
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn searches_and_reads_the_answer() {
        let Step::Say(said) = step(&Talk::default(), &peer()) else { panic!() };
        assert!(said.starts_with(b"M-SEARCH * HTTP/1.1\r\nHOST: 192.0.2.7:80\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"));
        let answer = b"HTTP/1.1 200 OK\r\nSERVER: Linux UPnP/1.0 MiniUPnPd/1.9\r\nST: upnp:rootdevice\r\n\r\n";
        assert_eq!(read(answer).unwrap().text, answer);
        assert_eq!(read(b"\0\0"), None);
    }
}
