//! SIP: `OPTIONS` over TCP or UDP, and the head of the answer. No call is ever set up.

use super::talk::{Peer, Reading, Step, Talk, head_end};
use crate::model::banner::{BannerProtocol, Transport};

/// Most bytes of an answer.
const BYTES: usize = 16 << 10;

/// Asks, then listens for a complete head (RFC 3261, 11).
pub fn step(talk: &Talk, peer: &Peer, transport: Transport) -> Step {
    if talk.turn == 0 {
        return Step::Say(request(peer, transport));
    }
    let received = &talk.received;
    if !b"SIP/".starts_with(&received[..received.len().min(4)]) {
        return Step::Foreign;
    }
    if head_end(received).is_some() || received.len() > BYTES { Step::Done } else { Step::More }
}

fn request(peer: &Peer, transport: Transport) -> Vec<u8> {
    let (to, us, port) = (peer.address, peer.local, peer.port);
    let via = if transport == Transport::Udp { "UDP" } else { "TCP" };
    let agent = peer.agent();
    format!(
        "OPTIONS sip:{to}:{port} SIP/2.0\r\n\
         Via: SIP/2.0/{via} {us};branch=z9hG4bKprober{:08x};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:prober@{us}>;tag=prober\r\n\
         To: <sip:{to}:{port}>\r\n\
         Call-ID: {:08x}@{us}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:prober@{us}>\r\n\
         Accept: application/sdp\r\n\
         User-Agent: {agent}\r\n\
         Content-Length: 0\r\n\r\n",
        to.0, to.0
    )
    .into_bytes()
}

/// The head as sent.
pub fn read(received: &[u8]) -> Option<Reading> {
    if !received.starts_with(b"SIP/") {
        return None;
    }
    let end = head_end(received).unwrap_or(received.len());
    let kept = &received[..end.min(BYTES)];
    Some(Reading { cut: kept.len() < end, ..Reading::of(BannerProtocol::Sip, kept) })
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn asks_for_options_and_reads_the_head() {
        let Step::Say(said) = step(&Talk::default(), &peer(), Transport::Udp) else { panic!() };
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("OPTIONS sip:192.0.2.7:80 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK"));
        assert!(said.ends_with("Content-Length: 0\r\n\r\n") && !said.contains("\n "), "{said}");
        let answer = b"SIP/2.0 200 OK\r\nServer: Algo-8186/1.7\r\n\r\n";
        assert_eq!(step(&Talk::heard(answer, 1), &peer(), Transport::Tcp), Step::Done);
        assert_eq!(read(answer).unwrap().text, answer);
        assert_eq!(step(&Talk::heard(b"\x15\x03", 1), &peer(), Transport::Tcp), Step::Foreign);
    }
}
