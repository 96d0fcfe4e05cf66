//! Texts that may become keywords: runs of words of a banner. A word is letters and digits; what stands between words of
//! one candidate is kept as it is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::evidence::spelled;
use super::mask::mask;

/// Bytes of a banner that are looked at.
const BANNER_BYTES: usize = 4_000;
/// Words of a candidate at most.
const WORDS_MAX: usize = 7;
/// Bytes of a candidate.
const BYTES: std::ops::RangeInclusive<usize> = 4..=48;
/// Bytes between two words of a candidate at most.
const GAP_BYTES: usize = 3;
/// Signs that part what belongs together from what does not.
const BOUNDARIES: &[u8] = b"\r\n<>{}\"=;,";

/// Words that ordinary servers and protocols say; a candidate needs another one.
const COMMON: &str = "accept access address admin administrator age algorithm alive all alt and apache are at auth \
    authenticate authentication authorization available bad basic body by bytes cache centos charset close cn conf config \
    configuration connected connection console content control cookie copyright corp corporation data date debian default \
    description desc details device digest director document domain dropbear en error etag expires ext fedora file for \
    forbidden found freebsd from ftp ftpd gateway gmt gmbh guest head hello home host hotspot html http https id igd in inc index \
    information interface internet ip ipv4 ipv6 is iso issuer java keep kernel lan language last length lighttpd limited linux llc \
    local localhost location login ltd mail main management manager max menu method microsoft mode model modified moved \
    name net network nginx no nonce not number of ok on opaque openssh openssl org os ou page password path permanently \
    please pop port portable private product proftpd protocol public qop quot rapid ready realm redhat release request \
    required reserved rights root rootdevice rtsp schemas script secure security serial server service session set setup sip \
    smtp snmp soap software source ssh ssl stale status store subject system tcp telnet text the title tls to udp ubuntu \
    unauthorized unix upnp urn usage user username utc utf uuid vary ver version vsftpd wan web welcome wifi windows with \
    www xhtml xml your";

/// How a candidate looks where it stands in a banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looks {
    /// Nothing that belongs to the same name stands before or after it: `A5500` in `A5500-48G` is not complete.
    pub(super) is_complete: bool,
    /// One of its words is a name by its look, wherever it stands.
    pub(super) is_named: bool,
    /// How many words it has.
    pub(super) words: u8,
}

/// The candidates of a banner in lower case, each once.
pub(super) type Candidates = BTreeMap<String, Looks>;

/// Finds them. Time grows with the number of words.
pub(super) fn candidates(banner: &str) -> Candidates {
    let banner = &banner[..banner.floor_char_boundary(BANNER_BYTES)];
    let masked = mask(banner);
    let words = words(banner);
    let mut found = Candidates::new();
    for first in 0..words.len() {
        if !may_begin(banner, &words, first) || masked[words[first].start] {
            continue;
        }
        for last in first..words.len().min(first + WORDS_MAX) {
            let word = &banner[words[last].clone()];
            let text = words[first].start..words[last].end;
            let parted = last > first && is_parted(&banner[words[last - 1].end..words[last].start]);
            if parted || is_identifier(word) || text.len() > *BYTES.end() || masked[words[last].clone()].contains(&true)
            {
                break;
            }
            let ends_well = !is_number(word) || last > first && (is_model_number(word) || word.len() <= 2);
            if ends_well && tells(&banner[text.clone()]) {
                let looks = Looks {
                    is_complete: is_complete(banner.as_bytes(), &text),
                    is_named: words[first..=last].iter().any(|word| is_name(&banner[word.clone()])),
                    words: (last - first + 1) as u8,
                };
                let known = found.entry(banner[text].to_ascii_lowercase()).or_insert(looks);
                known.is_complete &= looks.is_complete;
                known.is_named &= looks.is_named;
            }
        }
    }
    found
}

/// Where a banner says a name, given its spellings: the name alone, and with the word before or after it. Unlike candidates
/// these may hold what looks like a number or a version: that the name is one is known.
pub(super) fn with_name(banner: &str, spellings: &[String]) -> Candidates {
    let banner = &banner[..banner.floor_char_boundary(BANNER_BYTES)];
    let (words, masked) = (words(banner), mask(banner));
    let lower: Vec<String> = words.iter().map(|word| banner[word.clone()].to_ascii_lowercase()).collect();
    let mut found = Candidates::new();
    for run in spelled(&lower, spellings) {
        let (first, last) = (*run.start(), *run.end());
        let is_joined =
            |at: usize| words.get(at + 1).is_some_and(|next| !is_parted(&banner[words[at].end..next.start]));
        let may_join = |at: usize| !masked[words[at].start] && !is_number(&banner[words[at].clone()]);
        let before = first.checked_sub(1).filter(|before| is_joined(*before) && may_join(*before)).unwrap_or(first);
        let after = if is_joined(last) && may_join(last + 1) { last + 1 } else { last };
        for (from, to) in [(first, last), (before, last), (first, after)] {
            let text = words[from].start..words[to].end;
            let looks = Looks {
                is_complete: is_complete(banner.as_bytes(), &text),
                is_named: true,
                words: (to - from + 1) as u8,
            };
            if text.len() >= 3 && text.len() <= 2 * *BYTES.end() {
                found.insert(banner[text].to_ascii_lowercase(), looks);
            }
        }
    }
    found
}

/// Neither side is joined to another word by a sign that names of models hold.
fn is_complete(banner: &[u8], text: &Range<usize>) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| b"-_/+.".contains(byte));
    let goes_on = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = text.start.checked_sub(1).and_then(|at| banner.get(at));
    let further = text.start.checked_sub(2).and_then(|at| banner.get(at));
    !(joins(before) && goes_on(further) || joins(banner.get(text.end)) && goes_on(banner.get(text.end + 1)))
}

fn words(banner: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in banner.bytes().chain([b' ']).enumerate() {
        match (byte.is_ascii_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Not in the middle of a number, and not the place of a certificate's holder.
fn may_begin(banner: &str, words: &[Range<usize>], first: usize) -> bool {
    let Range { start, end } = words[first];
    let before = &banner.as_bytes()[..start];
    let word = &banner[start..end];
    let in_number = is_number(word) && (!is_model_number(word) || before.ends_with(b"."));
    let is_place = [b"C=".as_slice(), b"L="].iter().any(|key| {
        before.strip_suffix(*key).is_some_and(|rest| rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()))
    }) || before.ends_with(b"ST=");
    !in_number && !is_place
}

fn is_parted(gap: &str) -> bool {
    gap.len() > GAP_BYTES || gap.bytes().any(|byte| BOUNDARIES.contains(&byte))
}

fn tells(text: &str) -> bool {
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    text.bytes().filter(u8::is_ascii_alphanumeric).count() >= *BYTES.start()
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && words().any(|word| !is_number(word) && !is_common(word))
}

/// Whether ordinary servers say this word too.
pub(super) fn is_common(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.len() < 2 || COMMON.split_ascii_whitespace().any(|common| common == lower)
}

pub(super) fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number like those of models, not a year.
fn is_model_number(word: &str) -> bool {
    (3..=5).contains(&word.len()) && !(word.len() == 4 && (word.starts_with("19") || word.starts_with("20")))
}

/// Letters and digits together: what the names of models are made of.
pub(super) fn is_model_like(word: &str) -> bool {
    word.len() >= 3
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Hexadecimal and long: a serial number, an address, a hash.
fn is_identifier(word: &str) -> bool {
    word.len() >= 8
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// A name by its look: letters with digits, capitals inside, or all capitals.
pub(super) fn is_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    !is_common(word)
        && !is_number(word)
        && (is_model_like(word)
            || bytes.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            || bytes.len() >= 3 && bytes.iter().all(u8::is_ascii_uppercase))
}
