//! SSH: identification, key exchange list and the hash of the host key. Ends at the server's first key-exchange reply;
//! never authenticates, and never even derives a key: our half of the exchange is a public constant.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

use super::talk::{Peer, Reading, Step, Talk, find, line};
use crate::model::banner::BannerProtocol;

/// Most bytes before the identification line (RFC 4253, 4.2 allows lines of text there).
const PREFACE_BYTES: usize = 8 << 10;
/// Longest packet (RFC 4253, 6.1).
const PACKET_BYTES: usize = 35_000;
/// Most names of a list that are kept, in bytes.
const LIST_BYTES: usize = 2048;

const KEXINIT: u8 = 20;
const KEX_INIT: u8 = 30;
const KEX_REPLY: u8 = 31;

/// What we offer, in this order; the first that the server knows is used.
const EXCHANGES: [&str; 6] = [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group1-sha1",
];
const HOST_KEYS: &str =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";
const CIPHERS: &str =
    "aes128-ctr,aes256-ctr,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-cbc,aes256-cbc,3des-cbc";
const MACS: &str = "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha1,hmac-md5";
const COMPRESSIONS: &str = "none,zlib@openssh.com,zlib";

/// The generator of P-256 (SEC 2, 2.4.2), a valid public key.
const P256_POINT: [u8; 65] = *b"\x04\
    \x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
    \x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

/// Waits for the identification, then exchanges lists, then asks for the host key.
pub fn step(talk: &Talk, _peer: &Peer) -> Step {
    let Some((identification, packets)) = identification(&talk.received) else {
        let foreign = talk.received.len() > PREFACE_BYTES || talk.received.starts_with(b"HTTP/");
        return if foreign { Step::Foreign } else { Step::More };
    };
    // 1.99 speaks both; 1.5 alone has another packet format.
    if identification.starts_with(b"SSH-1.") && !identification.starts_with(b"SSH-1.99") {
        return Step::Done;
    }
    let mut packets = Packets(packets);
    match talk.turn {
        0 => {
            let mut words = format!("SSH-2.0-prober_{}\r\n", env!("CARGO_PKG_VERSION")).into_bytes();
            words.extend(packet(&kexinit()));
            Step::Say(words)
        }
        1 => match packets.find(|payload| payload.first() == Some(&KEXINIT)) {
            Some(payload) => lists(payload)
                .and_then(|lists| chosen(lists[0]))
                .map_or(Step::Done, |exchange| Step::Say(packet(&exchange_init(exchange)))),
            None => unfinished(&packets),
        },
        _ => match packets.find(|payload| matches!(payload.first(), Some(&(KEX_REPLY | 1)))) {
            Some(_) => Step::Done,
            None => unfinished(&packets),
        },
    }
}

fn unfinished(rest: &Packets<'_>) -> Step {
    if rest.is_bad() { Step::Done } else { Step::More }
}

/// The identification line, then lists and host key as far as they came.
pub fn read(received: &[u8]) -> Option<Reading> {
    let (identification, rest) = identification(received)?;
    let mut text = String::from_utf8_lossy(&identification[..identification.len().min(512)]).into_owned() + "\n";
    let mut packets = Packets(rest);
    for payload in packets.by_ref() {
        match payload.first() {
            Some(&KEXINIT) => describe_lists(&mut text, payload),
            Some(&KEX_REPLY) => {
                if let Some((key, _)) = string(&payload[1..]) {
                    describe_key(&mut text, key);
                }
                break;
            }
            _ => {}
        }
    }
    Some(Reading { broken: packets.is_bad(), ..Reading::of(BannerProtocol::Ssh, text) })
}

fn describe_lists(text: &mut String, payload: &[u8]) {
    let Some(lists) = lists(payload) else { return };
    let names = ["kex", "host_keys", "ciphers", "", "macs", "", "compression"];
    for (name, list) in names.iter().zip(lists).filter(|(name, _)| !name.is_empty()) {
        let list = String::from_utf8_lossy(&list[..list.len().min(LIST_BYTES)]);
        let _ = writeln!(text, "{name}: {list}");
    }
}

fn describe_key(text: &mut String, key: &[u8]) {
    if let Some((kind, _)) = string(key) {
        let _ = writeln!(text, "hostkey_type: {}", String::from_utf8_lossy(&kind[..kind.len().min(64)]));
    }
    let _ = writeln!(text, "hostkey: SHA256:{}", base64(digest(&SHA256, key).as_ref()));
}

/// The line that begins with `SSH-`, and what follows it.
fn identification(received: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = if received.starts_with(b"SSH-") {
        0
    } else {
        find(&received[..received.len().min(PREFACE_BYTES)], b"\nSSH-")? + 1
    };
    line(&received[start..])
}

/// The payloads of the unencrypted packets (RFC 4253, 6), as far as they are complete.
struct Packets<'p>(&'p [u8]);

impl Packets<'_> {
    /// Whether what follows can be no packet.
    fn is_bad(&self) -> bool {
        self.0.first_chunk().is_some_and(|length| u32::from_be_bytes(*length) as usize > PACKET_BYTES)
    }
}

impl<'p> Iterator for Packets<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > PACKET_BYTES || rest.len() < length {
            return None;
        }
        let (whole, rest) = rest.split_at(length);
        let (padding, payload) = whole.split_first()?;
        self.0 = rest;
        Some(&payload[..payload.len().saturating_sub(usize::from(*padding))])
    }
}

/// The first seven name lists of a KEXINIT: key exchange, host keys, ciphers twice, MACs twice, compression.
fn lists(payload: &[u8]) -> Option<[&[u8]; 7]> {
    let mut rest = payload.get(17..)?;
    let mut lists = [&b""[..]; 7];
    for list in &mut lists {
        (*list, rest) = string(rest)?;
    }
    Some(lists)
}

fn chosen(offered: &[u8]) -> Option<&'static str> {
    EXCHANGES.into_iter().find(|name| offered.split(|byte| *byte == b',').any(|theirs| theirs == name.as_bytes()))
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

fn kexinit() -> Vec<u8> {
    // The cookie only has to be unpredictable for those who go on to derive keys.
    let mut payload = vec![KEXINIT];
    payload.extend([0x70; 16]);
    let exchanges = EXCHANGES.join(",");
    for list in [&exchanges, HOST_KEYS, CIPHERS, CIPHERS, MACS, MACS, COMPRESSIONS, COMPRESSIONS, "", ""] {
        put_string(&mut payload, list.as_bytes());
    }
    payload.extend([0; 5]);
    payload
}

fn exchange_init(exchange: &str) -> Vec<u8> {
    let mut payload = vec![KEX_INIT];
    match exchange {
        // The base point (RFC 7748, 4.1).
        "curve25519-sha256" | "curve25519-sha256@libssh.org" => {
            let mut point = [0; 32];
            point[0] = 9;
            put_string(&mut payload, &point);
        }
        "ecdh-sha2-nistp256" => put_string(&mut payload, &P256_POINT),
        // Some number below the prime, with as many bits set as servers ask for.
        "diffie-hellman-group1-sha1" => put_string(&mut payload, &[0x55; 128]),
        _ => put_string(&mut payload, &[0x55; 256]),
    }
    payload
}

/// An unencrypted packet: length, padding length, payload, padding to a multiple of 8 (at least 4).
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8;
    let padding = if padding < 4 { padding + 8 } else { padding };
    let mut packet = ((payload.len() + padding + 1) as u32).to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

/// Base64 without padding, as OpenSSH prints fingerprints.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for letter in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * letter)) as usize & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    fn their_lists() -> Vec<u8> {
        let mut payload = vec![KEXINIT];
        payload.extend([7; 16]);
        let lists =
            ["kex-x,ecdh-sha2-nistp256", "ssh-rsa", "aes128-ctr", "aes128-ctr", "hmac-sha1", "hmac-sha1", "none"];
        for list in lists.iter().chain(&["none", "", ""]) {
            put_string(&mut payload, list.as_bytes());
        }
        payload.extend([0; 5]);
        packet(&payload)
    }

    fn reply() -> Vec<u8> {
        let mut key = Vec::new();
        put_string(&mut key, b"ssh-rsa");
        put_string(&mut key, b"\x01\0\x01");
        let mut payload = vec![KEX_REPLY];
        put_string(&mut payload, &key);
        packet(&payload)
    }

    #[test]
    fn the_conversation_ends_at_the_reply() {
        let mut heard = b"Welcome\r\nSSH-2.0-dropbear_2022.83\r\n".to_vec();
        assert_eq!(step(&Talk::heard(b"SSH-2.0-x", 0), &peer()), Step::More);
        let Step::Say(said) = step(&Talk::heard(&heard, 0), &peer()) else { panic!() };
        assert!(said.starts_with(b"SSH-2.0-prober_") && find(&said, b"curve25519-sha256").is_some());
        assert_eq!(step(&Talk::heard(&heard, 1), &peer()), Step::More);
        heard.extend(their_lists());
        let Step::Say(said) = step(&Talk::heard(&heard, 1), &peer()) else { panic!() };
        assert!(said[5] == KEX_INIT && find(&said, &P256_POINT).is_some() && said.len().is_multiple_of(8));
        assert_eq!(step(&Talk::heard(&heard, 2), &peer()), Step::More);
        heard.extend(reply());
        assert_eq!(step(&Talk::heard(&heard, 2), &peer()), Step::Done);
        let text = String::from_utf8(read(&heard).unwrap().text).unwrap();
        let expected = "SSH-2.0-dropbear_2022.83\nkex: kex-x,ecdh-sha2-nistp256\nhost_keys: ssh-rsa\nciphers: aes128-ctr\n\
                        macs: hmac-sha1\ncompression: none\nhostkey_type: ssh-rsa\nhostkey: SHA256:";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn what_is_not_ssh_or_broken_ends_early() {
        assert_eq!(step(&Talk::heard(b"HTTP/1.1 400 Bad Request\r\n", 0), &peer()), Step::Foreign);
        assert_eq!(step(&Talk::heard(b"SSH-1.5-Cisco-1.25\n", 0), &peer()), Step::Done);
        let bad = b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff";
        assert_eq!(step(&Talk::heard(bad, 1), &peer()), Step::Done);
        assert!(read(bad).unwrap().broken);
        assert_eq!(read(b"hello"), None);
    }

    #[test]
    fn fingerprints_print_as_openssh_prints_them() {
        assert_eq!([b"".as_slice(), b"f", b"fo", b"foo", b"foob"].map(base64), ["", "Zg", "Zm8", "Zm9v", "Zm9vYg"]);
    }

    #[test]
    fn packets_have_their_sizes() {
        for length in 0..40 {
            let whole = packet(&vec![1; length]);
            assert!(whole.len().is_multiple_of(8) && whole[4] >= 4);
            assert_eq!(Packets(&whole).next().map(<[u8]>::len), Some(length));
        }
    }
}
