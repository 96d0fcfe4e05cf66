//! Devices as text: signature files that read back as they were, JSON lines, and a table for spreadsheets.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::model::device::{Device, Kind};

/// A file for each maker, by name: the name and the text. Devices without a maker come in `generic.toml`.
pub fn to_files(devices: &[Device], prefix: &str) -> BTreeMap<String, String> {
    let mut by_maker: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in devices {
        by_maker.entry(device.maker.as_deref().unwrap_or_default()).or_default().push(device);
    }
    let mut files = BTreeMap::new();
    for (maker, devices) in by_maker {
        let stem = if maker.is_empty() { "generic".to_owned() } else { file_stem(maker) };
        let mut name = format!("{prefix}{stem}.toml");
        // Makers that differ in signs that a file name has not.
        let mut number = 2;
        while files.contains_key(&name) {
            name = format!("{prefix}{stem}-{number}.toml");
            number += 1;
        }
        files.insert(name, to_toml(maker, &devices));
    }
    files
}

fn to_toml(maker: &str, devices: &[&Device]) -> String {
    let mut text = String::new();
    if !maker.is_empty() {
        let _ = writeln!(text, "maker = {}", quoted(maker));
    }
    for device in devices {
        let _ = write!(text, "\n[[device]]\nname = {}\n", quoted(&device.name));
        let ports: Vec<String> = device.ports.iter().map(ToString::to_string).collect();
        let optional = [
            ("kind", device.kind.map(|kind| kind.name().to_owned())),
            ("model", device.model.clone()),
            ("ports", Some(ports.join(",")).filter(|ports| !ports.is_empty())),
            ("version", device.version.clone()),
            ("source", Some(device.source.clone())),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(&value));
            }
        }
        text.push_str("keywords = [\n");
        for keyword in &device.keywords {
            let _ = writeln!(text, "  {{ regex = {}, weight = {:?} }},", quoted(&keyword.pattern), keyword.weight);
        }
        text.push_str("]\n");
        if !device.examples.is_empty() {
            text.push_str("examples = [\n");
            for example in &device.examples {
                let _ = writeln!(text, "  {},", quoted(example));
            }
            text.push_str("]\n");
        }
    }
    text
}

/// As a literal string where TOML lets it, since patterns are full of backslashes.
fn quoted(text: &str) -> String {
    if text.contains('\\') && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn file_stem(maker: &str) -> String {
    let mut stem = String::new();
    for c in maker.chars().flat_map(char::to_lowercase).take(60) {
        if c.is_alphanumeric() {
            stem.push(c);
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "maker".to_owned() } else { stem.to_owned() }
}

/// A device as JSON shows it.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceRow<'a> {
    maker: Option<&'a str>,
    name: &'a str,
    kind: Option<Kind>,
    model: Option<&'a str>,
    level: u8,
    ports: Vec<String>,
    version: Option<&'a str>,
    keywords: Vec<KeywordRow<'a>>,
    examples: &'a [String],
    source: &'a str,
    place: String,
}

#[derive(Clone, Debug, Serialize)]
struct KeywordRow<'a> {
    regex: &'a str,
    weight: f64,
}

/// The device with all it has.
pub fn to_row(device: &Device) -> DeviceRow<'_> {
    DeviceRow {
        maker: device.maker.as_deref(),
        name: &device.name,
        kind: device.kind,
        model: device.model.as_deref(),
        level: device.level().number(),
        ports: device.ports.iter().map(ToString::to_string).collect(),
        version: device.version.as_deref(),
        keywords: device
            .keywords
            .iter()
            .map(|keyword| KeywordRow { regex: &keyword.pattern, weight: keyword.weight })
            .collect(),
        examples: &device.examples,
        source: &device.source,
        place: device.place.to_string(),
    }
}

/// A table with one row a keyword (RFC 4180).
pub fn to_csv(devices: &[Device]) -> String {
    let mut text = "maker,name,kind,model,level,ports,version,regex,weight,source\r\n".to_owned();
    for device in devices {
        let ports: Vec<String> = device.ports.iter().map(ToString::to_string).collect();
        for keyword in &device.keywords {
            let cells = [
                device.maker.clone().unwrap_or_default(),
                device.name.clone(),
                device.kind.map_or(String::new(), |kind| kind.name().to_owned()),
                device.model.clone().unwrap_or_default(),
                device.level().number().to_string(),
                ports.join(","),
                device.version.clone().unwrap_or_default(),
                keyword.pattern.clone(),
                keyword.weight.to_string(),
                device.source.clone(),
            ];
            let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

fn csv_cell(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::{database::Database, starter};
    use super::*;

    #[test]
    fn the_starter_database_reads_back_as_it_was() {
        let (database, _) = Database::load(starter::files());
        let files = to_files(database.devices(), "");
        let (again, faults) = Database::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        assert_eq!(faults, []);
        let known = |database: &Database| -> BTreeMap<(Option<String>, String), Device> {
            let bare = database.devices().iter().cloned().map(|mut device| {
                device.place = crate::model::device::Place::default();
                device.keywords.iter_mut().for_each(|keyword| keyword.line = 0);
                ((device.maker.clone(), device.name.clone()), device)
            });
            bare.collect()
        };
        assert_eq!(known(&database), known(&again));
    }

    #[test]
    fn any_text_can_be_quoted() {
        for text in ["a'b\\c", "a\"b", "\u{1}\r\n\t\\", "ルータ", ""] {
            let read: toml::Table = toml::from_str(&format!("x = {}", quoted(text))).unwrap();
            assert_eq!(read["x"].as_str(), Some(text));
        }
    }
}
