//! RTSP: `OPTIONS`, and the head of the answer.

use super::talk::{Peer, Reading, Step, Talk, head_end};
use crate::model::banner::BannerProtocol;

/// Most bytes of an answer.
const BYTES: usize = 16 << 10;

/// Asks, then listens for a complete head (RFC 2326, 10.1).
pub fn step(talk: &Talk, peer: &Peer) -> Step {
    let received = &talk.received;
    if talk.turn == 0 {
        let (address, port) = (peer.address, peer.port);
        let agent = peer.agent();
        let words = format!("OPTIONS rtsp://{address}:{port}/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: {agent}\r\n\r\n");
        return Step::Say(words.into_bytes());
    }
    if !b"RTSP/".starts_with(&received[..received.len().min(5)]) {
        return Step::Foreign;
    }
    if head_end(received).is_some() || received.len() > BYTES { Step::Done } else { Step::More }
}

/// The head as sent.
pub fn read(received: &[u8]) -> Option<Reading> {
    if !received.starts_with(b"RTSP/") {
        return None;
    }
    let end = head_end(received).unwrap_or(received.len());
    let kept = &received[..end.min(BYTES)];
    Some(Reading { cut: kept.len() < end, ..Reading::of(BannerProtocol::Rtsp, kept) })
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn asks_for_options_and_reads_the_head() {
        let Step::Say(said) = step(&Talk::default(), &peer()) else { panic!() };
        assert!(said.starts_with(b"OPTIONS rtsp://192.0.2.7:80/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: prober/"));
        let answer = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\nServer: GStreamer\r\n\r\n";
        assert_eq!(step(&Talk::heard(&answer[..40], 1), &peer()), Step::More);
        assert_eq!(step(&Talk::heard(answer, 1), &peer()), Step::Done);
        assert_eq!(read(answer).unwrap().text, answer);
        assert_eq!(step(&Talk::heard(b"HTTP/1.0 400", 1), &peer()), Step::Foreign);
        assert!(read(&[b"RTSP/1.0 200 OK\r\n".to_vec(), vec![b'a'; BYTES]].concat()).unwrap().cut);
    }
}
