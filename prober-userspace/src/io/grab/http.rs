//! HTTP: one GET of `/`, no redirect followed; the head as sent, then the body unpacked, both within limits.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::talk::{Peer, Reading, Step, Talk, head_end, header};
use crate::model::banner::BannerProtocol;

/// Most bytes of the body that are kept, unpacked.
pub const BODY_BYTES: usize = 64 << 10;
/// Most bytes of status line and headers.
const HEAD_BYTES: usize = 16 << 10;
/// Most headers.
const HEADERS: usize = 128;

/// Asks, then listens until the answer is complete or long enough.
pub fn step(talk: &Talk, peer: &Peer) -> Step {
    if talk.turn == 0 {
        return Step::Say(request(peer));
    }
    let received = &talk.received;
    if !b"HTTP/".starts_with(&received[..received.len().min(5)]) {
        return Step::Foreign;
    }
    let Some(end) = head_end(received) else {
        return if received.len() > HEAD_BYTES { Step::Done } else { Step::More };
    };
    let (head, body) = received.split_at(end);
    let complete = match frame(head) {
        Frame::None => true,
        Frame::Length(length) => body.len() >= length.min(BODY_BYTES),
        Frame::Chunks => {
            let (unchunked, ended) = unchunk(body);
            ended != Chunks::GoOn || unchunked.len() >= BODY_BYTES
        }
        Frame::UntilClose => talk.ended || body.len() > BODY_BYTES,
    };
    if complete { Step::Done } else { Step::More }
}

fn request(peer: &Peer) -> Vec<u8> {
    let usual = if peer.under_tls { 443 } else { 80 };
    let host = if peer.port == usual { peer.address.to_string() } else { format!("{}:{}", peer.address, peer.port) };
    let agent = peer.agent();
    format!("GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

/// How the end of a body is told (RFC 9112, 6.3).
enum Frame {
    None,
    Length(usize),
    Chunks,
    UntilClose,
}

fn frame(head: &[u8]) -> Frame {
    let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if matches!(status, b"204" | b"304") {
        return Frame::None;
    }
    if header(head, "Transfer-Encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked")) {
        return Frame::Chunks;
    }
    let length = header(head, "Content-Length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    length.map_or(Frame::UntilClose, Frame::Length)
}

/// Puts the answer into words: status line and headers as sent, blank line, body without chunks and compression.
pub fn read(received: &[u8], protocol: BannerProtocol) -> Option<Reading> {
    if !received.starts_with(b"HTTP/") {
        return None;
    }
    let Some(end) = head_end(received) else {
        let (head, cut) = start_of_head(received);
        return Some(Reading { protocol, text: head.to_vec(), cut, broken: false });
    };
    let (head, body) = received.split_at(end);
    let (kept, head_cut) = start_of_head(head);
    let mut text = kept.to_vec();
    if head_cut {
        text.extend(b"\r\n");
    }
    let (body, packed_bad) = match frame(head) {
        Frame::Chunks => {
            let (body, ended) = unchunk(body);
            (body, ended == Chunks::Bad)
        }
        Frame::Length(length) => (body[..body.len().min(length)].to_vec(), false),
        Frame::None | Frame::UntilClose => (body.to_vec(), false),
    };
    let announced = match frame(head) {
        Frame::Length(length) => length > BODY_BYTES,
        _ => false,
    };
    let mut unpacked = unpack(&body, header(head, "Content-Encoding").unwrap_or_default());
    let body_cut = announced || unpacked.bytes.len() > BODY_BYTES;
    unpacked.bytes.truncate(BODY_BYTES);
    text.extend(unpacked.bytes);
    Some(Reading { protocol, text, cut: head_cut || body_cut, broken: packed_bad || unpacked.broken })
}

/// As many headers and bytes of a head as are kept, and whether that is not all.
fn start_of_head(head: &[u8]) -> (&[u8], bool) {
    let mut lines = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    // The status line comes before the headers.
    let by_count = lines.nth(HEADERS).unwrap_or(head.len());
    let most = by_count.min(HEAD_BYTES);
    if head.len() > most + 2 { (&head[..most], true) } else { (head, false) }
}

/// How the chunks of a body go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunks {
    GoOn,
    Over,
    Bad,
}

/// A chunked body (RFC 9112, 7.1) as far as it goes, at most a little over [`BODY_BYTES`].
fn unchunk(mut body: &[u8]) -> (Vec<u8>, Chunks) {
    let mut whole = Vec::new();
    while whole.len() <= BODY_BYTES {
        let Some((line, rest)) = super::talk::line(body) else {
            return (whole, if body.len() > 1024 { Chunks::Bad } else { Chunks::GoOn });
        };
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(size) = size else { return (whole, Chunks::Bad) };
        if size == 0 {
            return (whole, Chunks::Over);
        }
        if rest.len() <= size {
            whole.extend(&rest[..rest.len().min(BODY_BYTES + 1)]);
            return (whole, Chunks::GoOn);
        }
        whole.extend(&rest[..size.min(BODY_BYTES + 1)]);
        body = &rest[size..];
        body = body.strip_prefix(b"\r").unwrap_or(body);
        body = body.strip_prefix(b"\n").unwrap_or(body);
    }
    (whole, Chunks::GoOn)
}

struct Unpacked {
    bytes: Vec<u8>,
    broken: bool,
}

/// Decompresses at most one byte more than is kept; what is cut off in transit is not broken.
fn unpack(body: &[u8], encoding: &[u8]) -> Unpacked {
    let mut bytes = Vec::new();
    let most = BODY_BYTES as u64 + 1;
    let unpacked = match encoding.to_ascii_lowercase().as_slice() {
        b"gzip" | b"x-gzip" => MultiGzDecoder::new(body).take(most).read_to_end(&mut bytes),
        // Many servers send raw deflate under this name, which RFC 9110 gives to zlib.
        b"deflate" if body.first().is_some_and(|first| first & 0x0f == 8) => {
            ZlibDecoder::new(body).take(most).read_to_end(&mut bytes)
        }
        b"deflate" => DeflateDecoder::new(body).take(most).read_to_end(&mut bytes),
        _ => return Unpacked { bytes: body.to_vec(), broken: false },
    };
    let broken = unpacked.is_err_and(|cause| cause.kind() != std::io::ErrorKind::UnexpectedEof);
    Unpacked { bytes, broken }
}

/// Whether a web server complains that it was spoken to without TLS.
pub fn wants_tls(received: &[u8]) -> bool {
    received.starts_with(b"HTTP/1") && {
        let start = &received[..received.len().min(2048)];
        ["to HTTPS port", "SSL-enabled server port", "to an HTTPS server", "TLS-enabled"]
            .iter()
            .any(|words| super::talk::find(start, words.as_bytes()).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::super::talk::peer;
    use super::*;

    fn text(received: &[u8]) -> (String, bool, bool) {
        let reading = read(received, BannerProtocol::Http).expect("it is HTTP");
        (String::from_utf8_lossy(&reading.text).into_owned(), reading.cut, reading.broken)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_request_names_us_and_asks_for_one_page() {
        let Step::Say(request) = step(&Talk::default(), &peer()) else { panic!() };
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("GET / HTTP/1.1\r\nHost: 192.0.2.7\r\nUser-Agent: prober/"), "{request}");
        assert!(request.contains("https://scan.example.org") && request.ends_with("\r\n\r\n"), "{request}");
        assert!(!request.to_ascii_lowercase().contains("authorization"));
    }

    #[test]
    fn the_end_is_known_by_length_chunks_or_close() {
        let next = |bytes: &[u8]| step(&Talk::heard(bytes, 1), &peer());
        assert_eq!(next(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"), Step::More);
        assert_eq!(next(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), Step::Done);
        assert_eq!(next(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), Step::More);
        assert_eq!(next(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), Step::Done);
        assert_eq!(next(b"HTTP/1.0 200 OK\r\n\r\nabc"), Step::More);
        assert_eq!(next(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Step::Done);
        assert_eq!(next(b"HT"), Step::More);
        assert_eq!(next(b"SSH-2.0-x\r\n"), Step::Foreign);
        let closed = Talk { ended: true, ..Talk::heard(b"HTTP/1.0 200 OK\r\n\r\nabc", 1) };
        assert_eq!(step(&closed, &peer()), Step::Done);
    }

    #[test]
    fn bodies_are_unchunked_and_unpacked() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert!(text(chunked).0.ends_with("\r\n\r\nabcde"));
        let mut packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
        packed.extend(gzip(b"<title>NVR</title>"));
        assert!(text(&packed).0.ends_with("\r\n\r\n<title>NVR</title>"));
        packed.truncate(packed.len() - 9);
        assert!(!text(&packed).2, "cut in transit is not broken");
        let mut broken = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
        broken.extend(b"this is not gzip at all");
        assert!(text(&broken).2);
        assert!(text(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n").2);
    }

    #[test]
    fn a_bomb_unpacks_to_the_limit_and_no_further() {
        let mut bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
        bomb.extend(gzip(&vec![0; 64 << 20]));
        let reading = read(&bomb, BannerProtocol::Http).unwrap();
        assert!(reading.cut && !reading.broken && reading.text.len() < BODY_BYTES + 200);
    }

    #[test]
    fn heads_without_end_are_cut() {
        let mut many = b"HTTP/1.1 200 OK\r\n".to_vec();
        for n in 0..1000 {
            many.extend(format!("X-{n}: y\r\n").bytes());
        }
        many.extend(b"\r\nbody");
        let (text, cut, _) = text(&many);
        assert!(
            cut && text.matches("X-").count() == HEADERS && text.ends_with("body"),
            "{}",
            text.matches("X-").count()
        );
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'a'; HEAD_BYTES]].concat();
        assert_eq!(step(&Talk::heard(&endless, 1), &peer()), Step::Done);
        assert!(read(&endless, BannerProtocol::Http).unwrap().cut);
    }

    #[test]
    fn a_hint_at_tls_is_seen() {
        assert!(wants_tls(b"HTTP/1.1 400 Bad Request\r\n\r\n<p>The plain HTTP request was sent to HTTPS port</p>"));
        assert!(!wants_tls(b"HTTP/1.1 200 OK\r\n\r\n"));
    }
}
