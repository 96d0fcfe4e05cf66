//! Who probes and how to reach them, as RFC 9511 wants it told: the text of `/.well-known/probing.txt`, in the format of
//! RFC 9116 section 4, and what may stand in it. Serving it is `io`'s work.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::macros::format_description;

use super::utc::UtcMicros;

/// A way to reach the operator: a URI that RFC 9116, section 2.5.3, allows for contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactUri(String);

impl ContactUri {
    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What to show to people: the address of a mailto:, the number of a tel:, else all of it.
    pub fn shown(&self) -> &str {
        ["mailto:", "tel:"].iter().find_map(|scheme| self.0.strip_prefix(scheme)).unwrap_or(&self.0)
    }
}

impl FromStr for ContactUri {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bad = |what: &str| Err(format!("\"{text}\" {what}"));
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte)) {
            return bad("is no URI; write it without blanks, and what is not ASCII as %XX");
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            let advice = if text.contains('@') {
                format!("write \"mailto:{text}\"")
            } else {
                "write mailto:, https: or tel:".into()
            };
            return bad(&format!("is no URI; {advice}"));
        };
        let is_good = match scheme.to_ascii_lowercase().as_str() {
            "https" => rest.strip_prefix("//").is_some_and(|host| !host.is_empty() && !host.starts_with('/')),
            "mailto" => rest
                .split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@')),
            "tel" => {
                rest.starts_with('+')
                    && rest[1..].bytes().all(|byte| byte.is_ascii_digit() || b"-.()".contains(&byte))
                    && rest.len() > 4
            }
            "http" => return bad("is not safe from change on its way; write https: (RFC 9116, section 2.5.3)"),
            _ => return bad("is neither a mailto:, an https: nor a tel: URI"),
        };
        if is_good {
            Ok(Self(format!("{}:{rest}", scheme.to_ascii_lowercase())))
        } else {
            bad("is not complete; write like mailto:scan@example.org, https://example.org/scan or tel:+81-3-5555-0100")
        }
    }
}

impl fmt::Display for ContactUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ContactUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Where the description is published.
pub const WELL_KNOWN: &str = "/.well-known/probing.txt";

/// A language tag in the form of RFC 5646, section 2.1.
pub fn language_tag(text: &str) -> Result<String, String> {
    let mut parts = text.split('-');
    let first = parts
        .next()
        .is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let others =
        parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if first && others {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\" is no language tag; write like en, ja or pt-BR"))
    }
}

/// One line of plain text, not empty.
pub fn one_line(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is empty".to_owned()),
        line if line.chars().any(char::is_control) => {
            Err("holds line breaks or control characters; write one line".to_owned())
        }
        line => Ok(line.to_owned()),
    }
}

/// An https URL without path, query and fragment, under which our pages are reached.
pub fn base_url(text: &str) -> Result<String, String> {
    let bad = || format!("\"{text}\" is no address of a site; write like https://scan.example.org, without a path");
    let url: ContactUri = text.parse()?;
    let host = url.0.strip_prefix("https://").ok_or_else(bad)?.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', '@']) { Err(bad()) } else { Ok(format!("https://{host}")) }
}

/// Who probes, as the public pages tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// The organisation.
    pub operator: String,
    /// At least one, the preferred one first.
    pub contacts: Vec<ContactUri>,
    /// Where to ask not to be probed.
    pub opt_out: ContactUri,
    /// `https://host`, if the pages are reached from outside.
    pub base_url: Option<String>,
    /// One line.
    pub description: String,
    /// Language tags.
    pub languages: Vec<String>,
    /// What is sent from where, how often.
    pub probes: ProbesShown,
    /// Until when this counts.
    pub expires: UtcMicros,
}

/// What those who are probed see, as the public pages tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbesShown {
    /// Addresses that probes come from.
    pub sources: Vec<Ipv4Addr>,
    /// TCP ports to begin with, in order.
    pub ports: Vec<u16>,
    /// The shortest time between two visits of an address, s.
    pub interval_s: u32,
    /// Most packets a second to one address; 0: no limit.
    pub most_pps: u32,
}

impl Attribution {
    /// The text of `/.well-known/probing.txt`.
    pub fn probing_txt(&self) -> String {
        let mut lines = vec![format!("# Probes sent by {} (RFC 9511)", self.operator)];
        lines.extend(self.base_url.iter().map(|base| format!("Canonical: {base}{WELL_KNOWN}")));
        lines.extend(self.contacts.iter().map(|contact| format!("Contact: {contact}")));
        lines.push(format!("Expires: {}", rfc_3339(self.expires)));
        if !self.languages.is_empty() {
            lines.push(format!("Preferred-Languages: {}", self.languages.join(", ")));
        }
        lines.push(format!("Description: {}", self.description));
        lines.push(format!("# To be left out of further probes: {}", self.opt_out));
        lines.join("\r\n") + "\r\n"
    }
}

/// To the second, as RFC 9116 section 2.5.5 asks (RFC 3339, section 5.6).
fn rfc_3339(at: UtcMicros) -> String {
    let format = format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let at = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_the_fields_of_the_rfc() {
        let attribution = Attribution {
            operator: "Example CSIRT".into(),
            contacts: vec!["mailto:scan@example.org".parse().unwrap(), "tel:+81-3-5555-0100".parse().unwrap()],
            opt_out: "https://scan.example.org/optout".parse().unwrap(),
            base_url: Some(base_url("https://scan.example.org/").unwrap()),
            description: "Survey of devices".into(),
            languages: vec!["en".into(), "ja".into()],
            probes: ProbesShown::default(),
            expires: UtcMicros(1_800_000_000_999_999),
        };
        let text = attribution.probing_txt();
        assert!(text.split_inclusive("\r\n").all(|line| line.ends_with("\r\n") && line.matches('\n').count() == 1));
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @"
        # Probes sent by Example CSIRT (RFC 9511)
        Canonical: https://scan.example.org/.well-known/probing.txt
        Contact: mailto:scan@example.org
        Contact: tel:+81-3-5555-0100
        Expires: 2027-01-15T08:00:00Z
        Preferred-Languages: en, ja
        Description: Survey of devices
        # To be left out of further probes: https://scan.example.org/optout
        ");
    }

    #[test]
    fn contacts_are_uris_of_the_allowed_kinds() {
        for good in ["mailto:a@b.example", "https://b.example/x?y", "HTTPS://b.example", "tel:+1-201-555-0123"] {
            assert!(good.parse::<ContactUri>().is_ok(), "{good}");
        }
        let bad = [
            ("scan@example.org", "write \"mailto:scan@example.org\""),
            ("http://example.org", "write https:"),
            ("mailto:nobody", "not complete"),
            ("https:example.org", "not complete"),
            ("tel:110", "not complete"),
            ("ftp://example.org", "neither"),
            ("mailto:a@b.example\nExpires: never", "no URI"),
            ("", "no URI"),
        ];
        for (text, why) in bad {
            let reason = text.parse::<ContactUri>().unwrap_err();
            assert!(reason.contains(why), "{text}: {reason}");
        }
    }

    #[test]
    fn nothing_can_add_a_field() {
        assert!(one_line("a\r\nContact: mailto:x@y.example").is_err());
        assert!(one_line(" \t").is_err());
        assert!(["e", "en_US", "", "en-", "-en", "日本"].iter().all(|tag| language_tag(tag).is_err()));
        assert!(["en", "pt-BR", "zh-Hans-CN"].iter().all(|tag| language_tag(tag).is_ok()));
        assert!(
            ["https://a.example/x", "mailto:a@b.example", "http://a.example"].iter().all(|url| base_url(url).is_err())
        );
    }
}
