//! Telnet: every option is refused politely until the server shows its prompt. Nothing is typed.

use std::fmt::Write;

use super::talk::{Peer, Reading, Step, Talk};
use crate::model::banner::BannerProtocol;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

/// Most bytes that are listened to.
const BYTES: usize = 16 << 10;
/// Most options that are refused and named.
const OPTIONS: usize = 48;

/// What arrives: text, or an option that is proposed (`WILL`, `DO`) or withdrawn.
enum Item<'i> {
    Text(&'i [u8]),
    Option { verb: u8, option: u8 },
    Other,
}

/// Refuses what is new, and listens until a prompt stands there.
pub fn step(talk: &mut Talk, _peer: &Peer) -> Step {
    let mut refusals = Vec::new();
    let mut asked: Vec<(u8, u8)> = Vec::new();
    let (mut at, mut text) = (0, Vec::new());
    while let Some((item, next)) = item(&talk.received, at) {
        match item {
            Item::Text(bytes) => text.extend(bytes),
            // Each proposal is answered once, so that two stubborn sides cannot talk for ever (RFC 1143).
            Item::Option { verb: verb @ (DO | WILL), option } if !asked.contains(&(verb, option)) => {
                asked.push((verb, option));
                if at >= talk.mark && asked.len() <= OPTIONS {
                    refusals.extend([IAC, if verb == DO { WONT } else { DONT }, option]);
                }
            }
            Item::Option { .. } | Item::Other => {}
        }
        at = next;
    }
    talk.mark = at;
    if !refusals.is_empty() {
        Step::Say(refusals)
    } else if is_prompt(&text) || talk.received.len() > BYTES {
        Step::Done
    } else {
        Step::More
    }
}

/// The options that the server proposed, then its text.
pub fn read(received: &[u8]) -> Option<Reading> {
    let mut options = Vec::new();
    let (mut at, mut text) = (0, Vec::new());
    while let Some((item, next)) = item(received, at) {
        match item {
            Item::Text(bytes) => text.extend(bytes.iter().filter(|byte| **byte != 0)),
            Item::Option { verb, option } if options.len() < OPTIONS && !options.contains(&(verb, option)) => {
                options.push((verb, option));
            }
            Item::Option { .. } | Item::Other => {}
        }
        at = next;
    }
    if options.is_empty() && !looks_like_login(&text) {
        return None;
    }
    let mut whole = String::new();
    for (verb, option) in options {
        let verb = ["will", "wont", "do", "dont"][usize::from(verb - WILL)];
        let _ = write!(whole, "{}{verb} {option}", if whole.is_empty() { "options: " } else { ", " });
    }
    let mut whole = if whole.is_empty() { Vec::new() } else { (whole + "\n").into_bytes() };
    whole.extend(&text[..text.len().min(BYTES)]);
    Some(Reading { cut: text.len() > BYTES, ..Reading::of(BannerProtocol::Telnet, whole) })
}

/// Whether it is what terminals show before one may type, even without any option.
pub fn looks_like_login(text: &[u8]) -> bool {
    let text = text[..text.len().min(4096)].to_ascii_lowercase();
    ["login:", "password:", "username:", "user name:", "account:", "press any key"]
        .iter()
        .any(|word| super::talk::find(&text, word.as_bytes()).is_some())
}

fn is_prompt(text: &[u8]) -> bool {
    matches!(text.trim_ascii_end().last(), Some(b':' | b'>' | b'#' | b'$' | b'%' | b'?')) && !text.ends_with(b"\n")
}

/// The item at `at` and where the next one begins; `None` if it is not complete.
fn item(received: &[u8], at: usize) -> Option<(Item<'_>, usize)> {
    let rest = received.get(at..)?;
    match *rest {
        [] | [IAC] | [IAC, WILL..=DONT] => None,
        [IAC, IAC, ..] => Some((Item::Text(&rest[..1]), at + 2)),
        [IAC, verb @ WILL..=DONT, option, ..] => Some((Item::Option { verb, option }, at + 3)),
        [IAC, SB, ..] => {
            let end = super::talk::find(rest, &[IAC, SE])?;
            Some((Item::Other, at + end + 2))
        }
        [IAC, _, ..] => Some((Item::Other, at + 2)),
        _ => {
            let length = rest.iter().position(|byte| *byte == IAC).unwrap_or(rest.len());
            Some((Item::Text(&rest[..length]), at + length))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::talk::peer;
    use super::*;

    #[test]
    fn options_are_refused_once_and_the_prompt_ends_it() {
        let mut talk = Talk::heard(&[IAC, DO, 24, IAC, WILL, 1, IAC, DO], 0);
        assert_eq!(step(&mut talk, &peer()), Step::Say(vec![IAC, WONT, 24, IAC, DONT, 1]));
        assert_eq!(step(&mut talk, &peer()), Step::More);
        talk.received.push(32);
        assert_eq!(step(&mut talk, &peer()), Step::Say(vec![IAC, WONT, 32]));
        talk.received.extend([IAC, DO, 24]);
        assert_eq!(step(&mut talk, &peer()), Step::More, "asked again, not answered again");
        talk.received.extend(b"\r\nLAB-100\r\n\r\nlogin: ");
        assert_eq!(step(&mut talk, &peer()), Step::Done);
        let text = read(&talk.received).unwrap().text;
        assert_eq!(text, b"options: do 24, will 1, do 32\n\r\nLAB-100\r\n\r\nlogin: ");
    }

    #[test]
    fn subnegotiations_and_escapes_are_skipped() {
        let heard = [&[IAC, SB, 24, 1, IAC, SE, IAC, 241][..], b"a", &[IAC, IAC], b"b\0 Password:"].concat();
        assert_eq!(read(&heard).unwrap().text, b"a\xffb Password:");
        assert_eq!(read(b"SSH-2.0-x\r\n"), None);
    }

    #[test]
    fn a_flood_of_options_ends() {
        let flood: Vec<u8> = (0..=255).flat_map(|option| [IAC, DO, option]).collect();
        let mut talk = Talk::heard(&flood, 0);
        let Step::Say(said) = step(&mut talk, &peer()) else { panic!() };
        assert_eq!(said.len(), 3 * OPTIONS);
        talk.received.extend(vec![b'x'; BYTES]);
        assert_eq!(step(&mut talk, &peer()), Step::Done);
    }
}
