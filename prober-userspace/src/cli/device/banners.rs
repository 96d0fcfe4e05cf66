//! Banners out of JSON lines, plain or gzipped: `{"banner": "...", "address": "192.0.2.1", "port": 80}`; further fields are
//! ignored. A line that is not such an object is an error with its number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::device::build::Labelled;
use crate::device::evaluate::Sample;
use crate::model::device::Kind;

/// Longest line, in bytes: a banner of 96 KiB, escaped.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Kinds that say that nothing is known.
const TELLS_NOTHING: [&str; 3] = ["other_embedded", "unknown", "none"];
/// Unknown kinds that are remembered for the warning.
const KINDS_MAX: usize = 20;

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

/// Reads banners of no device, with the ports they came from; ambiguous ones are left out.
pub(super) fn read_negatives(path: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut negatives = Vec::new();
    for_each_line(path, |_, line| {
        if line.ambiguous != Some(true) {
            negatives.push(line.sample());
        }
        Ok(())
    })?;
    Ok(negatives)
}

/// Reads the texts of banners of no device.
pub(super) fn read_negative_texts(paths: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for path in paths {
        texts.extend(read_negatives(path)?.into_iter().map(|negative| negative.labelled.banner));
    }
    Ok(texts)
}

/// Calls `take` with each line and its number, from 1; `-` is standard input. Lines that cannot be read are left out with a
/// warning, unless all are such.
pub(super) fn for_each_line(
    path: &Path,
    mut take: impl FnMut(usize, BannerLine) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = open(path)?;
    let (mut text, mut faults) = (Vec::new(), Faults::default());
    for number in 1.. {
        text.clear();
        let place = || format!("{}:{number}", path.display());
        let len = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut text).with_context(place)?;
        if len == 0 {
            break;
        }
        if len as u64 == LINE_BYTES_MAX && text.last() != Some(&b'\n') {
            faults.add(&place(), &format!("longer than {LINE_BYTES_MAX} bytes; write one banner a line"));
            reader.skip_until(b'\n').with_context(place)?;
            continue;
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<BannerLine>(&text) {
            Ok(line) => {
                faults.look_at(&line);
                take(number, line)?;
            }
            Err(error) => faults.add(&place(), &reason(&error)),
        }
    }
    faults.tell(path)
}

/// What was wrong with lines of a file.
#[derive(Default)]
struct Faults {
    read: u64,
    left_out: u64,
    /// Place and reason.
    first: Option<String>,
    /// Kinds that nobody knows, with the number of lines.
    kinds: BTreeMap<String, u64>,
}

impl Faults {
    fn add(&mut self, place: &str, reason: &str) {
        self.left_out += 1;
        self.first.get_or_insert_with(|| format!("{place}: {reason}"));
    }

    fn look_at(&mut self, line: &BannerLine) {
        self.read += 1;
        let is_known = line.kind.is_empty() || TELLS_NOTHING.contains(&&*line.kind) || kind_of(&line.kind).is_some();
        if !is_known && (self.kinds.len() < KINDS_MAX || self.kinds.contains_key(&line.kind)) {
            *self.kinds.entry(line.kind.clone()).or_default() += 1;
        }
    }

    /// Warns; an error if nothing could be read.
    fn tell(self, path: &Path) -> anyhow::Result<()> {
        if let Some(first) = self.first {
            if self.read == 0 {
                bail!("{first}; no line of the file can be read: is it JSON lines?");
            }
            log::warn!("{first}; left out, {} lines in all", self.left_out);
        }
        if !self.kinds.is_empty() {
            let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
            log::warn!("{}: kinds not known, taken as none: {}", path.display(), kinds.join(", "));
        }
        Ok(())
    }
}

/// The parser's words without its line, which is always the first.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
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
