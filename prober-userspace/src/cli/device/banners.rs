//! Banners out of JSON lines, plain or gzipped: `{"banner": "...", "address": "192.0.2.1", "port": 80}`; further fields are
//! ignored. A line that is not such an object is an error with its number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::device::build::Labelled;
use crate::device::evaluate::Sample;
use crate::model::device::Kind;

/// Longest line, in bytes: a banner of 96 KiB, escaped.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// A line.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BannerLine {
    /// What the service said.
    pub(super) banner: String,
    /// Whose; each line is an address of its own without it.
    #[serde(default, alias = "ip")]
    pub(super) address: Option<Ipv4Addr>,
    /// On which TCP port.
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// Other open ports of the address, as in a port expression.
    #[serde(default)]
    pub(super) ports: Option<String>,
    /// A negative that is not to be scored.
    #[serde(default)]
    pub(super) ambiguous: Option<bool>,
    /// What is true of it: who makes the device.
    #[serde(default, alias = "vendor")]
    maker: String,
    /// What the device is for: a kind, or one of its other names.
    #[serde(default, alias = "device_kind")]
    kind: String,
    /// Its model.
    #[serde(default)]
    model: String,
    /// Protocol that the banner came by.
    #[serde(default)]
    protocol: String,
    /// Group of an evaluation.
    #[serde(default)]
    regime: String,
}

impl BannerLine {
    /// Whether anything is known of the device behind it.
    pub(super) fn is_labelled(&self) -> bool {
        !self.maker.is_empty() || !self.model.is_empty() || kind_of(&self.kind).is_some()
    }

    /// With its labels, for making and judging databases.
    pub(super) fn sample(self) -> Sample {
        let labelled = Labelled {
            banner: self.banner,
            maker: self.maker,
            kind: kind_of(&self.kind),
            model: self.model,
            port: self.port.filter(|port| *port > 0).map(|port| port.to_string()).unwrap_or_default(),
        };
        Sample { labelled, protocol: self.protocol, regime: self.regime }
    }
}

/// Kinds by other names that collections of banners use; `None` for what says nothing.
fn kind_of(name: &str) -> Option<Kind> {
    let name = match name {
        "broadband_router_modem" => "modem",
        "wap_wireless" => "access_point",
        "ics_plc" => "industrial_control",
        "building_env" => "building_control",
        "nas_storage" => "nas",
        "serial_device_server" => "serial_server",
        "ups_power" => "ups",
        "media_device" => "media_player",
        "bmc_kvm" => "remote_management",
        "utm_vpn_security" => "vpn_gateway",
        "video_conferencing" => "conferencing",
        "dvr_nvr" => "recorder",
        "pbx_telecom" => "pbx",
        "access_pos" => "access_control",
        other => other,
    };
    name.parse().ok()
}

/// Whether anything is known of the device behind a banner.
pub(super) fn is_labelled(row: &Labelled) -> bool {
    !row.maker.is_empty() || !row.model.is_empty() || row.kind.is_some()
}

/// Reads labelled banners.
pub(super) fn read_samples(path: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for_each_line(path, |_, line| {
        samples.push(line.sample());
        Ok(())
    })?;
    Ok(samples)
}

/// Reads banners of no device; ambiguous ones are left out.
pub(super) fn read_negatives(path: &Path) -> anyhow::Result<Vec<String>> {
    let mut negatives = Vec::new();
    for_each_line(path, |_, line| {
        if line.ambiguous != Some(true) {
            negatives.push(line.banner);
        }
        Ok(())
    })?;
    Ok(negatives)
}

/// Calls `take` with each line and its number, from 1; `-` is standard input.
pub(super) fn for_each_line(
    path: &Path,
    mut take: impl FnMut(usize, BannerLine) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = open(path)?;
    let mut text = Vec::new();
    let mut number = 0;
    loop {
        text.clear();
        number += 1;
        let place = || format!("{}:{number}", path.display());
        let len = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut text).with_context(place)?;
        if len == 0 {
            return Ok(());
        }
        if len as u64 == LINE_BYTES_MAX {
            bail!("{}: longer than {LINE_BYTES_MAX} bytes; write one banner a line", place());
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = serde_json::from_slice(&text).with_context(place)?;
        take(number, line)?;
    }
}

/// Plain or gzipped, told by the first two bytes.
fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("banners {}", path.display()))?)
    };
    let mut source = BufReader::with_capacity(1 << 16, source);
    let is_gzip = source.fill_buf().with_context(|| format!("banners {}", path.display()))?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(source))) } else { Box::new(source) })
}
