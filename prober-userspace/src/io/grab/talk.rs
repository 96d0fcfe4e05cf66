//! One conversation without the network: what each protocol's pure half works on. A protocol says what to do next from
//! what was heard so far, and in the end puts it into words.

use prober_common::address::V4;

use crate::model::banner::BannerProtocol;

/// Most times that we say something in one conversation.
pub const TURNS: u8 = 16;

/// Whom we talk to and who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: V4,
    /// Its port.
    pub port: u16,
    /// Our address on this connection.
    pub local: V4,
    /// How it can reach whoever asks; visible ASCII.
    pub contact: String,
    /// Whether the conversation is under TLS.
    pub under_tls: bool,
}

impl Peer {
    /// How we name ourselves wherever a protocol has a place for it.
    pub fn agent(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        if self.contact.is_empty() {
            format!("prober/{version} (device survey)")
        } else {
            format!("prober/{version} (device survey; {})", self.contact)
        }
    }
}

/// What was heard and said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// All that was received.
    pub received: Vec<u8>,
    /// How often we have said something.
    pub turn: u8,
    /// Up to where the protocol has dealt with `received`; its own business.
    pub mark: usize,
    /// The other side says no more.
    pub ended: bool,
}

impl Talk {
    /// As it stands after these bytes.
    #[cfg(test)]
    pub fn heard(received: &[u8], turn: u8) -> Self {
        Self { received: received.to_vec(), turn, mark: 0, ended: false }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Listen.
    More,
    /// Say this, then look again.
    Say(Vec<u8>),
    /// Say this and take leave.
    Last(Vec<u8>),
    /// Enough was heard.
    Done,
    /// This is another protocol.
    Foreign,
}

/// What was heard, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The protocol; it may be a closer one than the one expected.
    pub protocol: BannerProtocol,
    /// What the service said.
    pub text: Vec<u8>,
    /// There was more than is kept.
    pub cut: bool,
    /// It broke the protocol's rules.
    pub broken: bool,
}

impl Reading {
    /// A whole and proper one.
    pub fn of(protocol: BannerProtocol, text: impl Into<Vec<u8>>) -> Self {
        Self { protocol, text: text.into(), cut: false, broken: false }
    }
}

/// Where `needle` begins.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The bytes before the first line end, and what comes after it; `None` without a line end.
pub fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]), &bytes[end + 1..]))
}

/// Where a head of lines ends (after its blank line), as HTTP, RTSP and SIP have it; `None` if it goes on.
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let next = from + at + 1;
        match bytes.get(next..) {
            Some([b'\n', ..]) => return Some(next + 1),
            Some([b'\r', b'\n', ..]) => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// The value of a header, blanks trimmed; the first one of that name.
pub fn header<'h>(head: &'h [u8], name: &str) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        line[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
    })
}

#[cfg(test)]
pub fn peer() -> Peer {
    let (address, local) = (V4(0xC000_0207), V4(0xC633_6401));
    Peer { address, port: 80, local, contact: "https://scan.example.org".into(), under_tls: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_lines_end_where_they_end() {
        assert_eq!(head_end(b"a\r\nb\r\n\r\nrest"), Some(8));
        assert_eq!(head_end(b"a\nb\n\nrest"), Some(5));
        assert_eq!(head_end(b"a\r\nb\r\n\r"), None);
        assert_eq!(line(b"a\r\nb"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(line(b"a"), None);
        let head = b"HTTP/1.0 200 OK\r\nserver : x \r\nServer: y\r\n\r\n";
        assert_eq!(header(head, "Server"), Some(&b"x"[..]));
        assert_eq!(header(head, "HTTP/1.0 200 OK"), None);
    }
}
