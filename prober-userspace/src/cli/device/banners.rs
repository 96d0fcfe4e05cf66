//! Banners out of JSON lines, plain or gzipped: `{"banner": "...", "address": "192.0.2.1", "port": 80}`; further fields are
//! ignored. A line that is not such an object is an error with its number.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

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
    pub(super) ambiguous: bool,
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
