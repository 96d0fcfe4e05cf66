//! `prober device match`: estimates from banners.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use prober_common::address::V4;
use prober_common::event::ProbeKind;
use serde::Serialize;

use super::super::output::put;
use super::super::table::Table;
use super::banners::{BannerLine, for_each_line};
use super::signatures::SignatureArgs;
use crate::device::aggregate::Aggregator;
use crate::device::database::Database;
use crate::device::matcher::Matcher;
use crate::device::score::{ScoreSettings, Scorer};
use crate::engine::estimation::{self, estimate, match_groups};
use crate::io::clock::utc_now;
use crate::io::store::{Access, EstimateBatch, EstimationRecord, Store};
use crate::model::device::{AddressEstimates, Estimate, Kind};
use crate::model::scan::ScanId;
use crate::target::ports::{PortList, ProbePort};

/// Estimate devices from banners
///
/// Reads JSON lines with `banner` and, where known, `address`, `port` and `ports` (other open ports); without a file the
/// banners of the database. With --json prints one object a line: address (or line), device, maker, kind, model, level,
/// score, banner_score, port_score, keywords, version.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MatchArgs {
    #[command(flatten)]
    signatures: SignatureArgs,
    /// Banners as JSON lines, also gzipped; `-` is standard input
    #[arg(value_name = "FILE|-", required_unless_present = "db")]
    input: Option<PathBuf>,
    /// Database: where the banners are, unless a file is named; and where --store puts the estimates
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Only the banners of this scan
    #[arg(long, value_name = "ID")]
    scan: Option<u32>,
    /// Store the estimates in the database; banners without an address are left out
    #[arg(long, requires = "db")]
    store: bool,
    /// Do nothing unless the estimates of the database were made with other signatures
    #[arg(long, requires = "store", conflicts_with = "input")]
    if_changed: bool,
    /// th: score that an estimate must reach
    #[arg(long, value_name = "SCORE", default_value_t = 0.8, value_parser = share)]
    threshold: f64,
    /// a: share of the banners in the score; the rest is the ports'
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    banner_share: f64,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    device: &'a str,
    maker: Option<&'a str>,
    kind: Option<Kind>,
    model: Option<&'a str>,
    level: u8,
    score: f64,
    banner_score: f64,
    port_score: f64,
    keywords: Vec<&'a str>,
    version: Option<&'a str>,
}

/// Banners being collected.
#[derive(Default)]
struct Collected {
    banners: Aggregator,
    open_ports: HashMap<V4, Vec<ProbePort>>,
    /// Whether addresses are numbers of lines.
    by_line: bool,
}

impl MatchArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let database = self.signatures.load()?;
        let settings = ScoreSettings { threshold: self.threshold, banner_share: self.banner_share };
        let access = if self.store { Access::Write } else { Access::Read };
        let store = self.db.as_deref().map(|path| Store::open(path, access)).transpose()?;
        let scan = self.scan.map(ScanId);
        if let (true, Some(store)) = (self.if_changed, &store)
            && !store.is_outdated(database.version())?
        {
            log::info!("the estimates are of these signatures already");
            return Ok(());
        }
        let mut collected = match (&self.input, &store) {
            (Some(path), _) => from_file(path)?,
            (None, Some(store)) => from_store(store, scan)?,
            (None, None) => bail!("device match: name a file of banners, or a database with --db"),
        };
        for ports in collected.open_ports.values_mut() {
            ports.sort_unstable();
            ports.dedup();
        }
        let threads = estimation::threads();
        let aggregated = collected.banners.finish();
        let hits = match_groups(&Matcher::new(&database), &aggregated, threads);
        let scorer = Scorer::new(&database, settings);
        let estimates = estimate(&scorer, &aggregated, &hits, &collected.open_ports, threads);
        if let (true, Some(store)) = (self.store, &store) {
            if collected.by_line {
                bail!("device match: --store needs an `address` on every line");
            }
            let now = utc_now();
            store.load_signatures(&database, now)?;
            let batch = EstimateBatch { database: database.version(), estimated_at: now, scan };
            let complete = self.input.is_none() && scan.is_none();
            let record = EstimationRecord { settings, complete, looked_at: aggregated.chunks().count() };
            let rows = store.add_estimates(batch, record, &estimates)?;
            log::info!("{rows} estimates of {} addresses stored", estimates.len());
        }
        print(&database, &estimates, collected.by_line, self.json)
    }
}

/// Lines without an address count as addresses of their own; a file has one sort of lines only.
fn from_file(path: &Path) -> anyhow::Result<Collected> {
    let mut collected = Collected::default();
    let mut first = true;
    for_each_line(path, |number, line| {
        let BannerLine { banner, address, port, ports, .. } = line;
        if first {
            collected.by_line = address.is_none();
            first = false;
        }
        if address.is_none() != collected.by_line {
            bail!(
                "{}:{number}: some lines have an `address` and some have not: write it on all or none",
                path.display()
            );
        }
        let address = address.map_or(V4(number as u32), V4::from);
        if let Some(port) = port.filter(|port| *port != 0) {
            let port = ProbePort { kind: ProbeKind::TcpSyn, port };
            collected.open_ports.entry(address).or_default().push(port);
        }
        if let Some(ports) = ports {
            let place = || format!("{}:{number}: ports", path.display());
            let list = ports.parse::<PortList>().with_context(place)?;
            collected.open_ports.entry(address).or_default().extend(list.ports());
        }
        collected.banners.add(address, banner.as_bytes());
        Ok(())
    })?;
    Ok(collected)
}

fn from_store(store: &Store, scan: Option<ScanId>) -> anyhow::Result<Collected> {
    let mut collected = Collected::default();
    let read = store.for_each_banner(scan, |banner| {
        collected.open_ports.entry(banner.address).or_default().push(banner.port);
        collected.banners.add(banner.address, &banner.text);
    })?;
    if read == 0 {
        bail!("database {}: holds no banners; grab some with `prober grab`, or name a file", store.path().display());
    }
    Ok(collected)
}

fn print(database: &Database, estimates: &[AddressEstimates], by_line: bool, json: bool) -> anyhow::Result<()> {
    let mut table = Table::of(&[
        if by_line { "line>" } else { "address" },
        "device",
        "kind",
        "model",
        "level>",
        "score>",
        "version",
    ]);
    let mut lines = String::new();
    for AddressEstimates { address, estimates } in estimates {
        for estimate in estimates {
            let row = row(database, *address, estimate, by_line);
            if json {
                lines.push_str(&serde_json::to_string(&row)?);
                lines.push('\n');
                if lines.len() > 1 << 16 {
                    put(&std::mem::take(&mut lines))?;
                }
            } else {
                table.row([
                    if by_line { address.0.to_string() } else { address.to_string() },
                    database.device(estimate.device).title(),
                    row.kind.map_or(String::new(), |kind| kind.name().to_owned()),
                    row.model.unwrap_or_default().to_owned(),
                    row.level.to_string(),
                    format!("{:.2}", row.score),
                    row.version.unwrap_or_default().to_owned(),
                ]);
            }
        }
    }
    Ok(put(&if json { lines } else { table.render() })?)
}

fn row<'a>(database: &'a Database, address: V4, estimate: &'a Estimate, by_line: bool) -> Row<'a> {
    let device = database.device(estimate.device);
    Row {
        address: (!by_line).then(|| address.to_string()),
        line: by_line.then_some(address.0),
        device: &device.name,
        maker: device.maker.as_deref(),
        kind: device.kind,
        model: device.model.as_deref(),
        level: device.level().number(),
        score: estimate.score,
        banner_score: estimate.banner_score,
        port_score: estimate.port_score,
        keywords: estimate.keywords.iter().map(|place| &*device.keywords[usize::from(*place)].pattern).collect(),
        version: estimate.version.as_deref(),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(format!("{text} is not within 0 and 1")) }
}
