//! `prober device list`: the devices of the database.

use super::super::output::{put, put_json};
use super::super::table::Table;
use super::signatures::SignatureArgs;
use crate::device::export::{DeviceRow, to_row};
use crate::model::device::{Device, Kind};

/// List the devices of the database
///
/// With --json prints an array of maker, name, kind, model, level, ports, version, keywords, examples, source, place.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
    /// Only those whose maker, name or model holds this text, in either case
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Only this kind
    #[arg(long)]
    kind: Option<Kind>,
    /// Only this level or a higher one, 0 to 4
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=4))]
    level: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let database = self.signatures.load()?;
        let wanted = self.text.as_deref().map(str::to_lowercase);
        let is_wanted = |device: &&Device| {
            let words = [device.maker.as_deref(), Some(&device.name), device.model.as_deref()];
            let named = |text: &str| words.iter().flatten().any(|word| word.to_lowercase().contains(text));
            wanted.as_deref().is_none_or(named)
                && self.kind.is_none_or(|kind| device.kind == Some(kind))
                && device.level().number() >= self.level
        };
        let devices: Vec<&Device> = database.devices().iter().filter(is_wanted).collect();
        if self.json {
            let rows: Vec<DeviceRow<'_>> = devices.into_iter().map(to_row).collect();
            return Ok(put_json(&rows)?);
        }
        let mut table = Table::of(&["maker", "name", "kind", "model", "level>", "keywords>"]);
        for device in devices {
            table.row([
                device.maker.clone().unwrap_or_default(),
                device.name.clone(),
                device.kind.map_or(String::new(), |kind| kind.name().to_owned()),
                device.model.clone().unwrap_or_default(),
                device.level().number().to_string(),
                device.keywords.len().to_string(),
            ]);
        }
        Ok(put(&table.render())?)
    }
}
