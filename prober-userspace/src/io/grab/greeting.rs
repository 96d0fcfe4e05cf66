//! FTP, SMTP, POP3 and IMAP: the server speaks first, and its greeting is all that is wanted. Nothing is said.

use super::talk::{Peer, Reading, Step, Talk, line};
use crate::model::banner::BannerProtocol;

/// Most bytes of a greeting.
const GREETING_BYTES: usize = 16 << 10;

/// Listens until the greeting is complete.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    if is_complete(&talk.received) || talk.received.len() > GREETING_BYTES { Step::Done } else { Step::More }
}

/// The greeting as sent.
pub fn read(received: &[u8], port: u16) -> Option<Reading> {
    let protocol = protocol(received, port)?;
    let kept = &received[..received.len().min(GREETING_BYTES)];
    Some(Reading { cut: kept.len() < received.len(), ..Reading::of(protocol, kept) })
}

/// Which of the four a greeting is. FTP and SMTP share their form (RFC 959, 4.2; RFC 5321, 4.2), so words and port
/// decide.
pub fn protocol(received: &[u8], port: u16) -> Option<BannerProtocol> {
    let start = received[..received.len().min(4096)].to_ascii_uppercase();
    let has = |word: &str| super::talk::find(&start, word.as_bytes()).is_some();
    if start.starts_with(b"+OK") || start.starts_with(b"-ERR") {
        return Some(BannerProtocol::Pop3);
    }
    if ["* OK", "* PREAUTH", "* BYE"].iter().any(|word| start.starts_with(word.as_bytes())) {
        return Some(BannerProtocol::Imap);
    }
    // A greeting, or a refusal to serve.
    let is_reply = matches!(start.as_slice(), [b'1' | b'2' | b'4' | b'5', b'0'..=b'5', b'0'..=b'9', b' ' | b'-', ..]);
    if !is_reply {
        return None;
    }
    let mail = has("SMTP") || (!has("FTP") && (has("MAIL") || matches!(port, 25 | 465 | 587 | 2525)));
    Some(if mail { BannerProtocol::Smtp } else { BannerProtocol::Ftp })
}

/// A line of POP3 or IMAP, or a reply whose last line has a blank after its code.
fn is_complete(received: &[u8]) -> bool {
    let mut rest = received;
    while let Some((one, next)) = line(rest) {
        let continues = one.len() >= 4 && one[3] == b'-' && one[..3].iter().all(u8::is_ascii_digit);
        let numbered = one.len() >= 3 && one[..3].iter().all(u8::is_ascii_digit);
        if one.starts_with(b"+OK") || one.starts_with(b"-ERR") || one.starts_with(b"* ") || numbered && !continues {
            return true;
        }
        rest = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn greetings_end_with_their_last_line() {
        for (heard, done) in [
            (&b"220 ProFTPD 1.3.4d Server (DD-WRT)\r\n"[..], true),
            (b"220 ProFTPD", false),
            (b"220-Welcome\r\n220-to us\r\n", false),
            (b"220-Welcome\r\n to us\r\n220 now\r\n", true),
            (b"+OK ready\r\n", true),
            (b"* OK IMAP4rev1\r\n", true),
        ] {
            assert_eq!(step(&Talk::heard(heard, 0), &peer()) == Step::Done, done, "{heard:?}");
        }
        assert_eq!(step(&Talk::heard(&vec![b'a'; 20_000], 0), &peer()), Step::Done);
    }

    #[test]
    fn words_and_ports_tell_ftp_from_mail() {
        use BannerProtocol::{Ftp, Imap, Pop3, Smtp};
        for (heard, port, expected) in [
            (&b"220 LAB FTP ready.\r\n"[..], 21, Some(Ftp)),
            (b"220 mx ESMTP Postfix\r\n", 21, Some(Smtp)),
            (b"220 Simple Mail Tranfer Service Ready\r\n", 25, Some(Smtp)),
            (b"220 ready\r\n", 25, Some(Smtp)),
            (b"220 ready\r\n", 2121, Some(Ftp)),
            (b"421 Too many connections\r\n", 21, Some(Ftp)),
            (b"+OK x\r\n", 1, Some(Pop3)),
            (b"* OK x\r\n", 1, Some(Imap)),
            (b"hello\r\n", 21, None),
        ] {
            assert_eq!(protocol(heard, port), expected, "{heard:?}");
        }
    }
}
