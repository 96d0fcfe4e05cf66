//! recog's XML: `fingerprints/fingerprint[@pattern]` with its parameters. A recog pattern looks at one field of a banner;
//! here it is given that field's surroundings.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::wording::{Anchors, is_anchored, reworded};
use super::{Fingerprint, ImportSettings, Imported, NOT_READ, vocabulary};
use crate::model::device::{Kind, Place};

/// Reads a file.
pub fn import(file: &str, text: &str, settings: ImportSettings) -> Imported {
    let mut imported = Imported::default();
    let mut reader = Reader::from_str(text);
    let mut field = String::new();
    let mut current: Option<Raw> = None;
    loop {
        let position = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => match tag.name().as_ref() {
                b"fingerprints" => field = attribute(&tag, "matches").unwrap_or_default(),
                b"fingerprint" => {
                    let line = 1 + text[..position].matches('\n').count();
                    let line = line
                        + text[position..].bytes().take_while(u8::is_ascii_whitespace).filter(|b| *b == b'\n').count();
                    current = Some(Raw {
                        pattern: attribute(&tag, "pattern"),
                        flags: attribute(&tag, "flags").unwrap_or_default(),
                        parameters: Vec::new(),
                        description: String::new(),
                        line,
                    });
                }
                b"param" => {
                    if let Some(raw) = &mut current
                        && let (Some(name), pos) = (attribute(&tag, "name"), attribute(&tag, "pos"))
                    {
                        let pos = pos.and_then(|pos| pos.parse().ok()).unwrap_or(0);
                        raw.parameters.push((name, pos, attribute(&tag, "value").unwrap_or_default()));
                    }
                }
                _ => {}
            },
            Ok(Event::Text(words)) => {
                if let Some(raw) = &mut current
                    && raw.description.is_empty()
                {
                    words.decode().unwrap_or_default().trim().clone_into(&mut raw.description);
                }
            }
            Ok(Event::End(tag)) if tag.name().as_ref() == b"fingerprint" => {
                match current.take().and_then(|raw| raw.read(&field, file)) {
                    Some(fingerprint) => imported.take(fingerprint, settings),
                    None => imported.leave_out(NOT_READ),
                }
            }
            Ok(Event::Eof) => return imported,
            Ok(_) => {}
            // What was read so far is kept; the rest cannot be told apart any more.
            Err(_) => {
                imported.leave_out(NOT_READ);
                return imported;
            }
        }
    }
}

struct Raw {
    pattern: Option<String>,
    flags: String,
    /// Name, number of the group (0: a fixed value), value.
    parameters: Vec<(String, usize, String)>,
    description: String,
    line: usize,
}

impl Raw {
    fn read(self, field: &str, file: &str) -> Option<Fingerprint> {
        let pattern = self.pattern.as_deref()?;
        let fixed = |name: &str| {
            let known = self.parameters.iter().find(|(known, pos, _)| known == name && *pos == 0);
            known.map(|(_, _, value)| value.clone()).filter(|value| !value.is_empty() && !value.contains('{'))
        };
        let group = |name: &str| {
            self.parameters.iter().find(|(known, pos, _)| known == name && *pos > 0).map(|(_, pos, _)| *pos)
        };
        let kind: Option<Kind> = ["hw.device", "os.device"]
            .into_iter()
            .find_map(|name| fixed(name).and_then(|word| vocabulary::kind_of(&word)));
        let is_hardware = kind.is_some() || fixed("hw.vendor").is_some() || fixed("hw.product").is_some();
        let maker = fixed("hw.vendor").or_else(|| is_hardware.then(|| fixed("os.vendor")).flatten());
        let model = fixed("hw.product").or_else(|| fixed("hw.model"));
        let place = Place { file: file.to_owned(), line: self.line };
        let version = ["hw.version", "os.version"].into_iter().find_map(group);
        Some(Fingerprint {
            maker,
            name: if self.description.is_empty() { field.to_owned() } else { self.description.clone() },
            kind,
            model,
            pattern: in_field(pattern, &self.flags, field, None),
            version: version.map(|group| in_field(pattern, &self.flags, field, Some(group))),
            examples: Vec::new(),
            source: format!("Imported from {} line {}", place.file, place.line),
            place,
        })
    }
}

/// The pattern with the surroundings of its field.
fn in_field(pattern: &str, flags: &str, field: &str, keep: Option<usize>) -> String {
    let (before, after) = surroundings(field);
    let begin = format!("(?:(?im:{before}))");
    let end = format!("(?:(?im:{after}))");
    let words = reworded(pattern, Anchors { begin: &begin, end: &end }, keep);
    let mut switches = String::new();
    if flags.contains("REG_ICASE") || pattern.starts_with("(?i)") {
        switches.push('i');
    }
    if flags.contains("REG_DOT_NEWLINE") || flags.contains("REG_MULTILINE") {
        switches.push('s');
    }
    let words = if switches.is_empty() { words } else { format!("(?{switches}:{words})") };
    // Without an anchor it may stand anywhere in the field.
    if is_anchored(pattern) || before == "^" { words } else { format!(r"{begin}[^\r\n]*?(?:{words})") }
}

/// What stands before and after a field in the banners of this program.
fn surroundings(field: &str) -> (&'static str, &'static str) {
    const LINE: &str = r"\r?$";
    match field {
        "http_header.server" | "sip_header.server" | "upnp.server" => (r"^Server:[ \t]*", LINE),
        "http_header.wwwauth" => (r"^WWW-Authenticate:[ \t]*", LINE),
        "http_header.cookie" => (r"^Set-Cookie:[ \t]*", LINE),
        "sip_header.user_agent" => (r"^User-Agent:[ \t]*", LINE),
        "html_title" => (r"<title[^>]*>\s*", r"\s*</title"),
        "ssh.banner" => (r"^SSH-[0-9.]+-", LINE),
        "ftp.banner" | "smtp.banner" => (r"^(?:220[ -])?", LINE),
        "pop3.banner" => (r"^(?:\+OK )?", LINE),
        "imap4.banner" => (r"^(?:\* OK )?", LINE),
        "x509.subject" => (r"^subject:[ \t]*", LINE),
        "x509.issuer" => (r"^issuer:[ \t]*", LINE),
        _ => ("^", LINE),
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = tag.try_get_attribute(name).ok()??;
    Some(value.unescape_value().ok()?.into_owned())
}
