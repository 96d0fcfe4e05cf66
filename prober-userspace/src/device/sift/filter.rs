//! Leaves out banners that cannot tell a device: those with no words but a protocol's and ordinary software's, mail
//! servers, hosting companies. In doubt a banner stays.

mod web;

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::ordinary::{AUTHORITIES, HOSTING, MAIL, is_ordinary, is_software};

/// Bytes of a banner that are looked at.
const BANNER_BYTES: usize = 16_000;

/// Why a banner is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing but what the protocol itself says.
    ProtocolOnly,
    /// A mail or news server.
    Mail,
    /// A certificate or page of a hosting company.
    Hosting,
    /// A web server that runs on anything, with a page that everybody has.
    WebServer,
    /// Another server, or a system, that runs on anything.
    Server,
}

impl Reason {
    /// The name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProtocolOnly => "protocol_only",
            Self::Mail => "mail",
            Self::Hosting => "hosting",
            Self::WebServer => "web_server",
            Self::Server => "server",
        }
    }
}

/// The filter. The names of known makers keep a banner in whatever else it says.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    makers: HashSet<String>,
}

impl Filter {
    /// With the names of these makers.
    pub fn new<'a>(makers: impl IntoIterator<Item = &'a str>) -> Self {
        let words = makers.into_iter().filter_map(|maker| {
            let lower = maker.to_lowercase();
            let first = lower.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())?;
            (first.len() >= 4 && !is_ordinary(first)).then(|| first.to_owned())
        });
        Self { makers: words.collect() }
    }

    /// Why this banner is left out; `None` keeps it. Time grows with its length.
    pub fn reason(&self, banner: &[u8]) -> Option<Reason> {
        let banner = String::from_utf8_lossy(&banner[..banner.len().min(BANNER_BYTES)]);
        let lower = banner.to_lowercase();
        if self.names_a_maker(&lower) {
            return None;
        }
        let first = lower.lines().next().unwrap_or("");
        let is_certificate =
            first.starts_with("subject") || first.starts_with("issuer") || lower.contains("\nsubject:");
        if first.starts_with("http/") {
            web::reason(&banner, &lower)
        } else if is_certificate {
            is_hosting(&lower).then_some(Reason::Hosting)
        } else if is_mail(&lower) {
            Some(Reason::Mail)
        } else if SYSTEMS.iter().any(|system| lower.contains(system)) {
            Some(Reason::Server)
        } else if GREETINGS.iter().any(|greeting| first.starts_with(greeting)) || is_version(first) || is_prompt(&lower)
        {
            names_nothing(&telling_part(&banner))
        } else {
            None
        }
    }

    fn names_a_maker(&self, lower: &str) -> bool {
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| self.makers.contains(word))
    }
}

/// How servers begin that say who they are in words: FTP, SSH, mailboxes, RTSP, SIP.
const GREETINGS: [&str; 9] = ["220", "ssh-", "+ok", "* ok", "200 ", "201 ", "rtsp/", "sip/2", "530 "];

/// What systems say that run on anything.
const SYSTEMS: [&str; 5] =
    [" - software: windows", "<stream:stream", "mariadb", "mysql_native_password", "microsoft dns"];

/// No name stands in it: ordinary software's at most.
fn names_nothing(text: &str) -> Option<Reason> {
    let mut software = false;
    for word in words(text) {
        if tells(word) {
            return None;
        }
        software |= is_software(&bare(word));
    }
    Some(if software { Reason::Server } else { Reason::ProtocolOnly })
}

/// Nothing but a version, as name servers and databases tell it.
fn is_version(line: &str) -> bool {
    let line = line.trim();
    let starts = line
        .split_once('.')
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    starts && !line.contains(char::is_whitespace)
}

/// A terminal's question and nothing else.
fn is_prompt(lower: &str) -> bool {
    let text = lower.trim();
    text.len() <= 60 && ["login:", "username:", "password:", "user:"].iter().any(|prompt| text.ends_with(prompt))
}

/// A greeting of SMTP, POP3, IMAP or NNTP that names a mail server, or nobody.
fn is_mail(lower: &str) -> bool {
    let line = lower.lines().next().unwrap_or("");
    let smtp = line.starts_with("220") && (line.contains("smtp") || line.contains(" mail"));
    let greets = smtp
        || line.starts_with("+ok")
        || line.starts_with("* ok")
        || (line.starts_with("200") || line.starts_with("201")) && (line.contains("nntp") || line.contains("news"));
    if !greets {
        return false;
    }
    MAIL.iter().any(|name| lower.contains(name)) || {
        let rest = hosts_left_out(line.trim_start_matches("220 "));
        !words(&rest).any(tells)
    }
}

/// A certificate that a public authority signed for a host of the Internet, or a hosting company's.
fn is_hosting(lower: &str) -> bool {
    static HOST: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\bcn ?= ?(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,10}\b"));
    let by_authority = AUTHORITIES.iter().any(|name| lower.contains(name));
    HOSTING.iter().any(|name| has_word(lower, name)) || by_authority && HOST.is_match(lower)
}

fn has_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        edge(text[..at].chars().next_back()) && edge(text[at + name.len()..].chars().next())
    })
}

/// The banner without what never tells: lines of the protocol, dates, hosts, addresses.
fn telling_part(text: &str) -> String {
    static LEFT_OUT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?x)\b(?:\d{1,3}\.){3}\d{1,3}\b | ::ffff: | \[[0-9a-fA-F:.]+\] | \b[0-9a-fA-F-]{32,}\b
              | (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+\S+\s+\S+\s+[\d:]+(?:\s+\S+)?",
        )
    });
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        if !super::is_header(line) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    hosts_left_out(&LEFT_OUT.replace_all(&kept, " "))
}

/// Without names of hosts and the path that a page was moved to.
fn hosts_left_out(text: &str) -> String {
    static HOSTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        [
            r"(?i)https?://[a-z0-9.:\[\]-]+",
            r"(?i)\b[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.(?:com|net|org|edu|gov|mil|int|info|biz|io|jp|de|fr|uk|us|ca|au|nl|it|es|ru|cn|tw|kr|br|se|no|fi|dk|pl|cz|ch|at|be|in|eu|bar|example|test|local|localdomain|lan|internal|invalid|home|arpa)\b",
        ]
        .into_iter()
        .map(pattern)
        .collect()
    });
    let mut text = text.to_owned();
    for regex in HOSTS.iter() {
        text = regex.replace_all(&text, " ").into_owned();
    }
    text
}

/// Runs of letters and figures.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// A word without the figures at its ends.
fn bare(word: &str) -> String {
    let word = word.trim_matches(|c: char| c.is_ascii_digit() || c == '_').to_lowercase();
    // A distribution's: deb12u3, el6_9.
    let stem = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
    let rest = word[stem..].bytes().filter(u8::is_ascii_alphabetic).count();
    if rest <= 2 { word[..stem].to_owned() } else { word }
}

/// Whether a word may name a device.
pub(in crate::device) fn tells(word: &str) -> bool {
    if !word.is_ascii() {
        return true;
    }
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_number = word.len() >= 8 && digits > 0 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if letters == 0 || is_number || is_ordinary(&word.to_lowercase()) || is_ordinary(&bare(word)) {
        return false;
    }
    match (letters, digits) {
        // A single letter; a version's p1, rc2, u3.
        (1, 0) | (1..=2, 1..=2) => false,
        // Two capitals may be a maker.
        (2, 0) => word.bytes().all(|byte| byte.is_ascii_uppercase()) && !COUNTRIES.contains(&word),
        _ => word.split('_').filter(|part| !part.is_empty()).any(tells_alone),
    }
}

fn tells_alone(word: &str) -> bool {
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    letters > 0 && !is_ordinary(&word.to_lowercase()) && !is_ordinary(&bare(word)) && (letters > 2 || word.len() > 3)
}

/// Two capitals that name nobody.
const COUNTRIES: [&str; 30] = [
    "AT", "AU", "BE", "BR", "CA", "CH", "CN", "CZ", "DE", "DK", "ES", "EU", "FI", "FR", "IN", "IT", "JP", "KR", "NL",
    "NO", "PL", "RU", "SE", "SG", "TW", "UK", "US", "EN", "OS", "GA",
];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("each of these is a valid pattern")
}
