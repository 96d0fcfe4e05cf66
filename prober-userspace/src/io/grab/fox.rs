//! Niagara Fox: a hello under our own name, and the station's. No session is opened.

use super::talk::{Peer, Reading, Step, Talk, find};
use crate::model::banner::BannerProtocol;

/// Most bytes of an answer.
const BYTES: usize = 16 << 10;

/// Greets, and listens for the station's greeting.
pub fn step(talk: &Talk, peer: &Peer) -> Step {
    let received = &talk.received;
    if talk.turn == 0 {
        return Step::Say(hello(peer));
    }
    if !b"fox ".starts_with(&received[..received.len().min(4)]) {
        return Step::Foreign;
    }
    if find(received, b"};;").is_some() || received.len() > BYTES { Step::Done } else { Step::More }
}

fn hello(peer: &Peer) -> Vec<u8> {
    let (us, version) = (peer.local, env!("CARGO_PKG_VERSION"));
    format!(
        "fox a 1 -1 fox hello\n{{\nfox.version=s:1.0\nid=i:1\nhostName=s:prober\nhostAddress=s:{us}\n\
         app.name=s:prober\napp.version=s:{version}\n}};;\n"
    )
    .into_bytes()
}

/// The greeting as sent.
pub fn read(received: &[u8]) -> Option<Reading> {
    if !received.starts_with(b"fox ") {
        return None;
    }
    let end = find(received, b"};;").map(|at| at + 3);
    let kept = &received[..end.unwrap_or(received.len()).min(BYTES)];
    Some(Reading { cut: end.is_none() && received.len() > BYTES, ..Reading::of(BannerProtocol::Fox, kept) })
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn greets_under_our_own_name() {
        let Step::Say(said) = step(&Talk::default(), &peer()) else { panic!() };
        let said = String::from_utf8(said).unwrap();
        assert!(
            said.contains("hostName=s:prober\nhostAddress=s:198.51.100.1\n") && said.ends_with("\n};;\n"),
            "{said}"
        );
        let answer = b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nbrandId=s:vykon\n};;\nfox a 1";
        assert_eq!(step(&Talk::heard(&answer[..20], 1), &peer()), Step::More);
        assert_eq!(step(&Talk::heard(answer, 1), &peer()), Step::Done);
        assert!(read(answer).unwrap().text.ends_with(b"brandId=s:vykon\n};;"));
        assert_eq!(step(&Talk::heard(b"HTTP/1.1", 1), &peer()), Step::Foreign);
    }
}
