//! Other banners of the same device, from a seed: dates, addresses, serial numbers, identifiers and names of hosts are
//! drawn anew, and a page gets the headers that servers add. Words and versions stay.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::http_date::http_date;
use crate::target::splitmix::mix;

/// Draws banners; the same seed draws the same ones.
#[derive(Clone, Debug)]
pub struct Variation {
    state: u64,
}

/// What differs from one device to the next, in the order of the alternatives of [`VARIES`].
#[derive(Clone, Copy)]
enum Varies {
    Date,
    Mac,
    Uuid,
    Address,
    Host,
    Serial,
    Hexadecimal,
    Decimal,
}

const NAMES: [&str; 8] = ["date", "mac", "uuid", "address", "host", "serial", "hexadecimal", "decimal"];
const SORTS: [Varies; 8] = [
    Varies::Date,
    Varies::Mac,
    Varies::Uuid,
    Varies::Address,
    Varies::Host,
    Varies::Serial,
    Varies::Hexadecimal,
    Varies::Decimal,
];

static VARIES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<date>\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT)",
        r"|(?P<mac>\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b)",
        r"|(?P<uuid>\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b)",
        r"|(?P<address>\b(?:10|172|192)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
        r"|(?P<host>\b(?:foo|bar|host|hostname|myhost|localhost|example)(?:\.(?:foo|bar|com|org|net|example|localdomain|local))+\b)",
        r"|(?P<serial>(?i:\b(?:S/N|SN|serial(?: ?(?:number|no\.?))?)[ :=#]+)[A-Z0-9]{5,})",
        r"|(?P<hexadecimal>\b[0-9A-F]{10,}\b|\b[0-9a-f]{10,}\b)",
        r"|(?P<decimal>\b\d{7,}\b)",
    ))
    .expect("the pattern is valid")
});

/// Parts of the names that owners give to hosts.
const OWNERS: [&str; 24] = [
    "alpha", "annex", "attic", "bay", "branch", "cellar", "depot", "east", "floor", "gate", "hall", "lobby", "main",
    "mill", "north", "office", "plant", "roof", "shop", "site", "south", "store", "tower", "west",
];

impl Variation {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.state = mix(self.state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        if end == 0 { 0 } else { self.state % end }
    }

    /// A place below `end`, by Zipf's law: the first is the most frequent.
    pub fn rank(&mut self, end: usize) -> usize {
        // Sums of 1/rank grow as the logarithm does.
        let drawn = self.below(1 << 52) as f64 / (1u64 << 52) as f64;
        (((end as f64 + 1.0).powf(drawn)) as usize).clamp(1, end.max(1)) - 1
    }

    /// Another banner of the same device.
    pub fn of(&mut self, banner: &str) -> String {
        let varied = VARIES.replace_all(banner, |captures: &Captures<'_>| self.value(captures)).into_owned();
        match varied.split_once("\r\n") {
            Some((status, rest)) if status.starts_with("HTTP/") => self.page(status, rest),
            _ if varied.starts_with("subject:") => self.certificate(varied),
            _ => varied,
        }
    }

    fn value(&mut self, captures: &Captures<'_>) -> String {
        let whole = captures.get(0).map_or("", |found| found.as_str());
        let sort = NAMES.iter().position(|name| captures.name(name).is_some()).map_or(Varies::Decimal, |at| SORTS[at]);
        match sort {
            Varies::Date => self.date(),
            Varies::Address => format!("192.168.{}.{}", self.below(256), 1 + self.below(254)),
            Varies::Host => {
                let owner = OWNERS[self.below(24) as usize];
                format!("{owner}{}.example.net", self.below(1000))
            }
            Varies::Serial => {
                let digits = whole.rfind([' ', ':', '=', '#']).map_or(0, |at| at + 1);
                whole[..digits].to_owned() + &self.like(&whole[digits..])
            }
            Varies::Mac | Varies::Uuid | Varies::Hexadecimal | Varies::Decimal => self.like(whole),
        }
    }

    /// As long, with figures for figures and letters for letters.
    fn like(&mut self, text: &str) -> String {
        let letters = text.bytes().all(|byte| byte.is_ascii_hexdigit() || !byte.is_ascii_alphanumeric());
        let end = if letters { 6 } else { 26 };
        text.chars()
            .map(|c| match c {
                '0'..='9' => char::from(b'0' + self.below(10) as u8),
                'a'..='z' => char::from(b'a' + self.below(end) as u8),
                'A'..='Z' => char::from(b'A' + self.below(end) as u8),
                other => other,
            })
            .collect()
    }

    fn page(&mut self, status: &str, rest: &str) -> String {
        let mut text = format!("{status}\r\nDate: {}\r\n", self.date());
        if self.below(2) == 0 {
            let _ = write!(text, "ETag: \"{}\"\r\nLast-Modified: {}\r\n", self.hex(16), self.date());
        }
        if self.below(2) == 0 && !rest.to_ascii_lowercase().contains("content-length:") {
            let _ = write!(text, "Content-Length: {}\r\n", self.below(60_000));
        }
        text + rest
    }

    fn certificate(&mut self, mut text: String) -> String {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let _ = write!(
            text,
            "serial: {}\nnot_before: {}-0{}-1{}T00:00:00Z\nfingerprint: {}\n",
            self.hex(16),
            2015 + self.below(10),
            1 + self.below(9),
            self.below(10),
            self.hex(64)
        );
        text
    }

    fn date(&mut self) -> String {
        http_date(2018, 9, |most| self.below(most))
    }

    fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_drawn_anew_and_the_rest_stays() {
        let mut variation = Variation::new(1);
        let banner = "220 foo.example.com CAM-9 FTP 1.2.3 S/N: AB12345 00:11:22:33:44:55 ready";
        let (one, next) = (variation.of(banner), variation.of(banner));
        assert_ne!(one, next);
        assert!(one.contains("CAM-9 FTP 1.2.3 S/N: "), "{one}");
        assert!(!one.contains("AB12345") && !one.contains("00:11:22:33") && !one.contains("foo."), "{one}");
        assert_eq!(Variation::new(1).of(banner), one);
        assert!(variation.of("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n").contains("\r\nDate: "));
    }

    #[test]
    fn low_ranks_are_frequent() {
        let mut variation = Variation::new(1);
        let mut counts = [0; 100];
        (0..10_000).for_each(|_| counts[variation.rank(100)] += 1);
        assert!(counts[0] > 1_000 && counts[99] > 5, "{counts:?}");
    }
}
