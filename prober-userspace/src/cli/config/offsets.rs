//! The file of local times that a configuration names: the first bad line is a problem with its file and number.

use super::document::Document;
use super::problem::Problem;
use super::settings::NetworkSettings;
use crate::network::local_time::Offsets;

/// Reads it; what is wrong is noted in the document.
pub(super) fn load(settings: &NetworkSettings, document: &mut Document) -> Offsets {
    let usual = Offsets::all(settings.utc_offset_s);
    let Some(file) = &settings.offsets else { return usual };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(cause) => {
            let line = document.line("networks", "offsets");
            document.problem(line, format!("networks.offsets: {}: cannot be read: {cause}", file.display()));
            return usual;
        }
    };
    Offsets::parse(&text, settings.utc_offset_s).unwrap_or_else(|bad| {
        document.problems.push(Problem { file: file.clone(), line: Some(bad.line), reason: bad.to_string() });
        usual
    })
}
