//! `prober exclude`: the addresses whose owners asked not to be probed, and checks of exclusion files. The IANA special
//! ranges are always excluded unless a scan says `--allow-special`; they are not in these lists.

mod forgetting;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use prober_common::address::V4;
use serde::Serialize;

use super::config::exclusion_sources;
use super::daemon_socket::{DaemonSocketArgs, Reached};
use super::database::{DatabaseArgs, who};
use super::figure::grouped;
use super::output::{put, put_json};
use super::table::Table;
use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlReply, ListedExclusion};
use crate::io::store::{Access, Store, StoredExclusion};
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::list::{parse_address_argument, parse_address_list};
use crate::target::range::AddressRange;
use forgetting::forget;

/// Addresses never to be probed
#[derive(Clone, Debug, clap::Args)]
pub struct ExcludeArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// List the stored exclusions: of the running daemon, else of a database (--db, else the daemon's, else the scans')
    List {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Print JSON: an array of range, addresses, reason, added_at, added_by
        #[arg(long)]
        json: bool,
    },
    /// Store exclusions: a running daemon honours them at once, and every later scan with this database; the database
    /// must be there (--db, else the daemon's)
    Add {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Addresses, prefixes or ranges: 192.0.2.1, 192.0.2.0/24, 192.0.2.1-192.0.2.9
        #[arg(value_name = "RANGE", required_unless_present = "file")]
        ranges: Vec<String>,
        /// Also everything in this exclusion file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Who asked and why; kept in the audit trail
        #[arg(long)]
        reason: String,
    },
    /// Remove stored exclusions, each named exactly as it was added: a running daemon may probe them from then on, unless
    /// something else excludes them
    Remove {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Ranges as `prober exclude list` shows them
        #[arg(value_name = "RANGE", required = true)]
        ranges: Vec<String>,
    },
    /// Remove everything that is stored of excluded addresses: replies, banners, devices, states, whatever names them; in the
    /// database of the running daemon, else in a database (--db, else the daemon's). Files that were exported before are not
    /// changed; they are named
    Forget {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Addresses, prefixes or ranges; all of them must be excluded, or they would come back with the next probe
        #[arg(value_name = "RANGE", required = true)]
        ranges: Vec<String>,
        /// Print JSON: addresses, rows (by table), exported_days
        #[arg(long)]
        json: bool,
    },
    /// Check exclusion files: every line understood, how many addresses
    Check {
        /// Exclusion files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Print JSON: an array of file, ranges, addresses
        #[arg(long)]
        json: bool,
    },
    /// Tell whether addresses are excluded, and by what: of the running daemon, else of its configuration's lists and its
    /// database, or of the database alone that --db names; exit code 0 if all are, 1 if not
    Test {
        #[command(flatten)]
        socket: DaemonSocketArgs,
        #[command(flatten)]
        database: DatabaseArgs,
        /// Addresses
        #[arg(value_name = "ADDRESS", required = true)]
        addresses: Vec<Ipv4Addr>,
        /// Also look into these exclusion files
        #[arg(long = "file", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Leave the IANA special ranges out of it
        #[arg(long)]
        allow_special: bool,
        /// Print JSON: an array of address, excluded, by
        #[arg(long)]
        json: bool,
    },
}

impl ExcludeArgs {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let done = match self.action {
            Action::List { socket, database, json } => list(&socket, &database, json),
            Action::Add { socket, database, ranges, file, reason } => {
                add(&socket, &database, &ranges, file.as_deref(), &reason)
            }
            Action::Remove { socket, database, ranges } => remove(&socket, &database, &ranges),
            Action::Forget { socket, database, ranges, json } => forget(&socket, &database, &ranges, json),
            Action::Check { files, json } => check(&files, json),
            Action::Test { socket, database, addresses, files, allow_special, json } => {
                return test(&socket, &database, &addresses, &files, allow_special, json);
            }
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// Reads an exclusion file; an error names file and line.
fn read_list(file: &Path) -> anyhow::Result<Vec<AddressRange>> {
    let text = std::fs::read(file).with_context(|| format!("exclusion file {}", file.display()))?;
    Ok(parse_address_list(&text, &file.display().to_string())?)
}

fn range_of(stored: &StoredExclusion) -> AddressRange {
    AddressRange::between(stored.first, stored.last)
}

fn list(socket: &DaemonSocketArgs, database: &DatabaseArgs, json: bool) -> anyhow::Result<()> {
    let lines: Vec<ListedExclusion> = match socket.ask_unless_named(database, &ControlCommand::Exclusions)? {
        Some(ControlReply::Exclusions { exclusions }) => exclusions,
        Some(_) => bail!("exclude list: the daemon answered something else"),
        None => {
            let stored = socket.stopped(database, Access::Read)?.exclusions()?;
            stored.into_iter().map(Into::into).collect()
        }
    };
    if json {
        return Ok(put_json(&lines)?);
    }
    let mut table = Table::of(&["range", "addresses>", "added (UTC)", "by", "reason"]);
    for line in lines {
        table.row([line.range, grouped(line.addresses), line.added_at, line.added_by, line.reason]);
    }
    Ok(put(&table.render())?)
}

fn add(
    socket: &DaemonSocketArgs,
    database: &DatabaseArgs,
    ranges: &[String],
    file: Option<&Path>,
    reason: &str,
) -> anyhow::Result<()> {
    let mut wanted = parse_arguments(ranges)?;
    if let Some(file) = file {
        wanted.extend(read_list(file)?);
    }
    if reason.trim().is_empty() {
        bail!("exclude add: the reason is empty; say who asked and why");
    }
    let (added_at, added_by) = (utc_now(), who());
    if !database.is_named() {
        let ranges = wanted.iter().map(ToString::to_string).collect();
        let command = ControlCommand::Exclude { ranges, reason: reason.to_owned(), who: added_by.clone() };
        if let Reached::Daemon(status) = socket.reach(&command)? {
            let excluded = grouped(status.exclusions.addresses);
            return Ok(put(&format!("added {} ranges; the daemon now excludes {excluded} addresses\n", wanted.len()))?);
        }
    }
    let entries: Vec<StoredExclusion> = wanted
        .iter()
        .map(|range| StoredExclusion {
            first: range.first(),
            last: range.last(),
            reason: reason.to_owned(),
            added_at,
            added_by: added_by.clone(),
        })
        .collect();
    let store = socket.database(database)?;
    store.add_exclusions(&entries)?;
    let addresses = AddressSet::from_ranges(wanted).len();
    let path = store.path().display();
    Ok(put(&format!("added {} ranges, {} addresses to {path}\n", entries.len(), grouped(addresses)))?)
}

fn remove(socket: &DaemonSocketArgs, database: &DatabaseArgs, ranges: &[String]) -> anyhow::Result<()> {
    let wanted = parse_arguments(ranges)?;
    let named = wanted.iter().map(ToString::to_string).collect();
    let command = ControlCommand::Unexclude { ranges: named, who: who() };
    match socket.ask_unless_named(database, &command)? {
        Some(ControlReply::Service(status)) => {
            let excluded = grouped(status.exclusions.addresses);
            let removed = wanted.len();
            return Ok(put(&format!("removed {removed} ranges; the daemon now excludes {excluded} addresses\n"))?);
        }
        Some(_) => bail!("exclude remove: the daemon answered something else"),
        None => {}
    }
    let store = socket.stopped(database, Access::Write)?;
    let removed = store.remove_exclusions(&wanted, utc_now(), &who())?;
    Ok(put(&format!("removed {removed} ranges\n"))?)
}

fn check(files: &[PathBuf], json: bool) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Line {
        file: String,
        ranges: usize,
        addresses: u64,
    }
    let mut lines = Vec::new();
    for file in files {
        let ranges = read_list(file)?;
        let line = Line {
            file: file.display().to_string(),
            ranges: ranges.len(),
            addresses: AddressSet::from_ranges(ranges).len(),
        };
        lines.push(line);
    }
    if json {
        return Ok(put_json(&lines)?);
    }
    let mut table = Table::of(&["file", "ranges>", "addresses>"]);
    for line in lines {
        table.row([line.file, grouped(line.ranges as u64), grouped(line.addresses)]);
    }
    Ok(put(&table.render())?)
}

fn test(
    socket: &DaemonSocketArgs,
    database: &DatabaseArgs,
    addresses: &[Ipv4Addr],
    files: &[PathBuf],
    allow_special: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    #[derive(Serialize)]
    struct Line {
        address: String,
        excluded: bool,
        by: Option<String>,
    }
    let mut sources = Vec::new();
    for file in files {
        sources.push((file.display().to_string(), read_list(file)?));
    }
    let told = match socket.ask_unless_named(database, &ControlCommand::Excluded { addresses: addresses.to_vec() })? {
        Some(ControlReply::Excluded { addresses }) => addresses,
        Some(_) => bail!("exclude test: the daemon answered something else"),
        None => {
            sources.extend(stopped(socket, database)?);
            Vec::new()
        }
    };
    let exclusions = Exclusions::new(sources, allow_special);
    let by = |(number, address): (usize, &Ipv4Addr)| {
        let told = told.get(number).filter(|told| !(allow_special && told.only_as_special));
        let by = told.and_then(|told| told.by.clone()).or_else(|| exclusions.reason(V4::from(*address)));
        Line { address: address.to_string(), excluded: by.is_some(), by }
    };
    let lines: Vec<Line> = addresses.iter().enumerate().map(by).collect();
    let missing = lines.iter().filter(|line| !line.excluded).count();
    if json {
        put_json(&lines)?;
    } else {
        let mut table = Table::of(&["address", "excluded", "by"]);
        for line in lines {
            let excluded = if line.excluded { "yes" } else { "no" };
            table.row([line.address, excluded.to_owned(), line.by.unwrap_or_default()]);
        }
        put(&table.render())?;
    }
    // Not a failure, but an answer that scripts can ask for.
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What excludes where no daemon runs: its lists and its database, or the database that was named.
fn stopped(socket: &DaemonSocketArgs, database: &DatabaseArgs) -> anyhow::Result<Vec<(String, Vec<AddressRange>)>> {
    let places = if database.is_named() { None } else { socket.places()? };
    let (mut sources, path) = match places {
        Some(places) => (exclusion_sources(&places.exclusions).map_err(|cause| anyhow!("{cause}"))?, places.database),
        None => (Vec::new(), database.path()?),
    };
    // Only a database that was named has to be there.
    if database.is_named() || Store::is_there(&path)? {
        for stored in socket.stopped(database, Access::Read)?.exclusions()? {
            sources.push((format!("{} ({})", path.display(), stored.reason), vec![range_of(&stored)]));
        }
    }
    Ok(sources)
}

fn parse_arguments(ranges: &[String]) -> anyhow::Result<Vec<AddressRange>> {
    let mut parsed = Vec::new();
    for text in ranges {
        parsed.extend(parse_address_argument(text)?);
    }
    Ok(parsed)
}
