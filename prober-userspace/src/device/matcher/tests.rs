//! The matcher against the naive loop: every pattern on every banner.

use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use super::*;
use crate::device::generator::BannerGenerator;
use crate::device::starter;
use crate::model::device::{Device, Keyword, Place};
use crate::target::properties::config;

fn database_of(patterns: &[&str]) -> Database {
    let device = |(number, pattern): (usize, &&str)| Device {
        maker: None,
        name: number.to_string(),
        kind: None,
        model: None,
        ports: Vec::new(),
        version: None,
        source: "test".to_owned(),
        keywords: vec![Keyword { pattern: (*pattern).to_owned(), weight: 1.0, line: 1 }],
        examples: Vec::new(),
        place: Place::default(),
    };
    Database::of(patterns.iter().enumerate().map(device).collect()).0
}

/// The oracle.
fn naive(patterns: &[Regex], banner: &[u8]) -> Vec<KeywordId> {
    let hit = |(number, regex): (usize, &Regex)| regex.is_match(banner).then_some(KeywordId(number as u32));
    patterns.iter().enumerate().filter_map(hit).collect()
}

fn regexes(database: &Database) -> Vec<Regex> {
    database.patterns().iter().map(|text| RegexBuilder::new(text).unicode(false).build().unwrap()).collect()
}

/// One of each way a keyword can be found, and of what can go wrong on the way.
const TRICKY: [&str; 40] = [
    "Server: Boa/0",
    "(?i)server: boa",
    r"Server: Boa/0\.9\b",
    r"\bBoa\b",
    r"^HTTP/1\.[01] 200",
    r"^\x00\x01..\xff",
    r"(?m)^Server: \w+\r?$",
    r"[ab]c",
    r"a.c",
    r"(?s)a.{3}c$",
    r"AXIS|Axis",
    r"(?:AXIS|Axis) P13\d\d ",
    r"(?:AXIS|x) ",
    r"abcd?efgh",
    r"(?:abcd)?efgh",
    r"(?:abcd){2}",
    r"(?:abcd){2,3}e",
    r"(?:abcd)+",
    r"(?i:abCD)EFGH",
    r"(?i)[a-z]bcd5",
    r"abcd[0-9]",
    r"abcd[^\r\n]{0,24}efgh",
    r"^abcd|efgh$",
    r"^abcd|^efgh",
    r"\Babcd\B",
    r"abcd\B",
    r"(?-u)\xff\xfe\xfd\xfc",
    r"(?u)é[a-z]",
    r"ルータ",
    r"(?iu)kelvin",
    r"(?x) ab cd # comment",
    r"\x00\x00\x00\x00",
    r"(?:a|ab)(?:c|bcd)(?:d*)",
    r"x*y{2}zzzz?",
    r"(?:aaaa|bbbb|cccc)(?:dddd|eeee|ffff)",
    r"(?:\b|-)LINX-153",
    r"(?i)z{4}",
    r"^$|^abcd$|wxyz",
    r"(?m)^abcd$",
    r"(?:Server|server)(?:: )",
];

#[test]
fn tricky_patterns_are_found_as_the_naive_loop_finds_them() {
    let usable: Vec<&str> = TRICKY.into_iter().filter(|text| crate::device::pattern::check(text).is_ok()).collect();
    assert!(usable.len() >= TRICKY.len() - 1, "{} of {}", usable.len(), TRICKY.len());
    let database = database_of(&usable);
    let (matcher, regexes) = (Matcher::new(&database), regexes(&database));
    let pieces: Vec<&[u8]> = vec![
        b"Server: Boa/0.9",
        b"SERVER: boa",
        b"Boa ",
        b"HTTP/1.1 200 OK\r\n",
        b"\x00\x01ab\xff",
        b"abcd",
        b"ABCD",
        b"efgh",
        b"EFGH",
        b"abc",
        b"5",
        b" ",
        b"\n",
        b"\r\n",
        b"-",
        b"AXIS",
        b"Axis P1344 ",
        b"\xff\xfe\xfd\xfc",
        "éa".as_bytes(),
        "ルータ".as_bytes(),
        b"KELVIN",
        "\u{212a}elvin".as_bytes(),
        b"\0\0\0\0",
        b"yyzzz",
        b"zzZZ",
        b"aaaaffff",
        b"LINX-153",
        b"x",
        b"wxyz",
        b"bcd5",
    ];
    let banners = proptest::collection::vec(proptest::sample::select(pieces), 0..6);
    let mut runner = proptest::test_runner::TestRunner::new(config(20_000));
    let scratch = std::cell::RefCell::new(Scratch::default());
    runner
        .run(&banners, |pieces| {
            let banner = pieces.concat();
            let found = matcher.hits(&banner, &mut scratch.borrow_mut()).to_vec();
            prop_assert_eq!(found, naive(&regexes, &banner));
            Ok(())
        })
        .unwrap();
}

#[test]
fn hostile_banners_are_matched_as_the_naive_loop_matches_them() {
    let (database, _) = Database::load(starter::files());
    let (matcher, regexes) = (Matcher::new(&database), regexes(&database));
    let mut scratch = Scratch::default();
    let mut generator = BannerGenerator::new(&database, 20_260);
    for number in 0..1_000 {
        let banner = generator.hostile();
        assert_eq!(matcher.hits(&banner, &mut scratch), naive(&regexes, &banner), "seed 20260, banner {number}");
    }
    let mut huge = vec![0u8; 64 << 10];
    assert_eq!(matcher.hits(&huge, &mut scratch), naive(&regexes, &huge));
    for (at, byte) in huge.iter_mut().enumerate() {
        *byte = (at * 37) as u8 | 0x80;
    }
    assert_eq!(matcher.hits(&huge, &mut scratch), naive(&regexes, &huge));
    huge[60_000..60_017].copy_from_slice(b"(AXIS P1344 9.99)");
    let found = matcher.hits(&huge, &mut scratch);
    assert!(!found.is_empty());
    assert_eq!(found, naive(&regexes, &huge));
    for short in [&b""[..], b"\0", b"ab", b"abc"] {
        assert_eq!(matcher.hits(short, &mut scratch), naive(&regexes, short));
    }
}

#[test]
fn one_scratch_serves_several_matchers() {
    let (one, two) =
        (database_of(&["abcd[0-9]+x", "efgh.ijkl"]), database_of(&["(?i)zz.efgh.ijkl", "(?:ab|cd)+[0-9]x"]));
    let (first, second) = (Matcher::new(&one), Matcher::new(&two));
    let mut scratch = Scratch::default();
    for _ in 0..3 {
        assert_eq!(first.hits(b"abcd12x efgh-ijkl", &mut scratch), [KeywordId(0), KeywordId(1)]);
        assert_eq!(second.hits(b"ZZ efgh-ijkl cd1x", &mut scratch), [KeywordId(0), KeywordId(1)]);
    }
}

#[test]
fn catastrophic_patterns_end() {
    let patterns = ["(a+)+$x", "(?:a|aa)+b", "(?:a*)*c", "((a|b)*)*d", "(x+x+)+y"];
    let database =
        database_of(&patterns.map(|text| if crate::device::pattern::check(text).is_ok() { text } else { "zzzz" }));
    let matcher = Matcher::new(&database);
    let banner = [b"a".repeat(32 << 10), b"x".repeat(32 << 10)].concat();
    assert!(matcher.hits(&banner, &mut Scratch::default()).is_empty());
}

#[test]
fn most_keywords_of_the_starter_need_no_regular_expression() {
    let (database, _) = Database::load(starter::files());
    let ways = Matcher::new(&database).ways();
    assert_eq!((ways.always, ways.beginning), (0, 0));
    assert!(ways.exact > ways.literal, "{ways:?}");
}
