//! The file of offsets that is named on the command line.

use std::path::Path;

use anyhow::Context;

use crate::cli::UsageError;
use crate::network::local_time::Offsets;

/// `others_s` for all that no line of the file speaks of.
pub(super) fn read(file: Option<&Path>, others_s: i32) -> anyhow::Result<Offsets> {
    let Some(file) = file else { return Ok(Offsets::all(others_s)) };
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the offsets in {shown}"))?;
    let offsets = Offsets::parse(&text, others_s);
    offsets.map_err(|bad| UsageError(format!("{shown}, line {}: {bad}", bad.line)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offsets.csv");
        std::fs::write(&file, "10.0.0.0/8,+01:00\n10.2.0.0/16,JST\n").unwrap();
        let error = read(Some(&file), 0).unwrap_err().to_string();
        assert!(error.contains("offsets.csv, line 2: ") && error.contains("+09:00"), "{error}");
        std::fs::write(&file, "10.0.0.0/8,+01:00\n").unwrap();
        assert_eq!(read(Some(&file), 0).unwrap().of(10 << 24), 3600);
        assert!(read(Some(Path::new("/nowhere/at.all")), 0).is_err());
        assert_eq!(read(None, 7).unwrap().of(5), 7);
    }
}
