//! Which protocol someone speaks, told from the first bytes they say.

use super::{greeting, telnet};
use crate::model::banner::BannerProtocol;

/// The protocol, if the bytes heard so far decide; `port` only tells FTP from mail.
pub fn recognise(heard: &[u8], port: u16) -> Option<BannerProtocol> {
    let begins = |word: &str| heard.starts_with(word.as_bytes());
    if begins("SSH-") || super::talk::find(&heard[..heard.len().min(4096)], b"\nSSH-2.0-").is_some() {
        Some(BannerProtocol::Ssh)
    } else if begins("HTTP/1") || begins("HTTP/2") {
        Some(BannerProtocol::Http)
    } else if begins("RTSP/") {
        Some(BannerProtocol::Rtsp)
    } else if begins("SIP/2") {
        Some(BannerProtocol::Sip)
    } else if begins("fox a ") {
        Some(BannerProtocol::Fox)
    } else if matches!(heard, [0x15 | 0x16, 3, 0..=4, ..]) {
        Some(BannerProtocol::Tls)
    } else if matches!(heard, [0xff, 0xfa..=0xfe, ..]) {
        Some(BannerProtocol::Telnet)
    } else {
        greeting::protocol(heard, port).or_else(|| telnet::looks_like_login(heard).then_some(BannerProtocol::Telnet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_tell() {
        use BannerProtocol::{Ftp, Http, Imap, Pop3, Rtsp, Smtp, Ssh, Telnet, Tls};
        for (heard, expected) in [
            (&b"SSH-2.0-OpenSSH_9.2p1"[..], Some(Ssh)),
            (b"Hello\r\nSSH-2.0-x\r\n", Some(Ssh)),
            (b"HTTP/1.0 200 OK", Some(Http)),
            (b"RTSP/1.0 400 Bad Request", Some(Rtsp)),
            (b"\x15\x03\x01\0\x02\x02\x28", Some(Tls)),
            (b"\xff\xfd\x18", Some(Telnet)),
            (b"BCM963268 Broadband Router\r\nLogin: ", Some(Telnet)),
            (b"220 FTP server ready", Some(Ftp)),
            (b"220 x ESMTP", Some(Smtp)),
            (b"+OK", Some(Pop3)),
            (b"* OK", Some(Imap)),
            (b"\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(recognise(heard, 1), expected, "{heard:?}");
        }
    }
}
