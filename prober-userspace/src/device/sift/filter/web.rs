//! Web pages that everybody has: an ordinary server's greeting, error, redirect or default page. What only the maker of a
//! device would write - a realm, a title, a cookie, a header, a name in the page - keeps the banner.

use std::sync::LazyLock;

use regex::Regex;

use super::{Reason, has_word, hosts_left_out, pattern, tells, words};
use crate::device::sift::ordinary::{HEADERS, HOSTING, PAGES, REALMS, TITLES, is_software};

/// Cookies of frameworks, in lower case.
const COOKIES: [&str; 16] = [
    "phpsessid",
    "jsessionid",
    "asp.net_sessionid",
    "session",
    "sessionid",
    "sid",
    "laravel_session",
    "xsrf-token",
    "csrftoken",
    "ci_session",
    "connect.sid",
    "awsalb",
    "awsalbcors",
    "__cfduid",
    "__cf_bm",
    "aspsessionid",
];
/// Longest page that is looked through for a name, bytes.
const BARE_PAGE_BYTES: usize = 4_000;

/// Why the page is left out; `None` keeps it.
pub(super) fn reason(banner: &str, lower: &str) -> Option<Reason> {
    let (head, body) = banner.split_once("\r\n\r\n").or_else(|| banner.split_once("\n\n")).unwrap_or((banner, ""));
    let title = title(body);
    if title.is_some_and(|title| HOSTING.iter().any(|name| has_word(&title.to_lowercase(), name))) {
        return Some(Reason::Hosting);
    }
    let mut server = None;
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "server" | "x-powered-by" | "x-aspnet-version" | "x-aspnetmvc-version" | "x-generator" => {
                is_everybodys(value).then_some(())?;
                server = server.or(Some(value).filter(|value| !value.is_empty()));
            }
            "www-authenticate" => is_common(&realm(value)?, REALMS).then_some(())?,
            "set-cookie" => {
                let cookie = value.split('=').next().unwrap_or("").trim().to_ascii_lowercase();
                COOKIES.iter().any(|known| cookie.starts_with(known)).then_some(())?;
            }
            "location" | "content-location" | "link" => (!words(&hosts_left_out(value)).any(tells)).then_some(())?,
            _ if HEADERS.contains(&name.as_str()) => {}
            _ => return None,
        }
    }
    let plain = body.len() <= BARE_PAGE_BYTES && !words(&bare_text(body)).any(tells);
    let common = match title {
        Some(title) if is_common(title, PAGES) => true,
        Some(title) => is_common(title, TITLES) && plain,
        None => plain,
    };
    // A page that moves on by itself names where.
    let moves = ["<script", "<frame", "<iframe", "http-equiv=\"refresh", "<object", "<applet"]
        .iter()
        .any(|tag| lower.contains(tag));
    if !common || moves && title.is_none_or(str::is_empty) {
        return None;
    }
    Some(if server.is_some() { Reason::WebServer } else { Reason::ProtocolOnly })
}

/// Names nothing but software that runs on anything, at least one.
fn is_everybodys(value: &str) -> bool {
    let product = value.split(['/', ' ', '(']).next().unwrap_or("").to_ascii_lowercase();
    let known =
        product.split(['-', '.']).all(|part| is_software(part) || part.bytes().all(|byte| byte.is_ascii_digit()));
    value.is_empty() || known && !words(value).any(tells)
}

fn realm(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let start = lower.find("realm=")? + 6;
    Some(value[start..].trim_start_matches('"').split('"').next().unwrap_or("").to_owned())
}

fn is_common(text: &str, known: &[&str]) -> bool {
    let text = text.trim().trim_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == '-' || c == ':');
    known.contains(&text.to_lowercase().trim())
}

fn title(body: &str) -> Option<&str> {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)<title[^>]*>(.{0,300}?)(?:</title|$)"));
    TITLE.captures(body).and_then(|found| found.get(1)).map(|found| found.as_str().trim())
}

/// Text and values of attributes, without tags' own names.
fn bare_text(body: &str) -> String {
    static TAGS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)<!doctype[^>]*>|</?(?:html|head|title|body|center|hr|br|h[1-6]|p|div|ul|li|pre|address|font|b|i|em|strong|span|table|tr|td|th|form)\b[^>]*>|</?(?:a|img|link|meta|input|label)\b",
        )
    });
    hosts_left_out(&TAGS.replace_all(body, " "))
}
