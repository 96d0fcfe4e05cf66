//! `prober ports derive`: the port sets of the efficient scheme, from the store.

use anyhow::bail;
use serde::Serialize;

use super::super::UsageError;
use super::super::look::LookArgs;
use super::super::output::{json_text, put};
use super::super::table::Table;
use crate::cli::figure::grouped;
use crate::io::store::Store;
use crate::model::look::{PortSets, Sight};
use crate::policy::derive::{Gain, HONEYPOT_PORTS, PortCounts, finding_order};

/// The fewest ports that find most open ports, and those that find most addresses
///
/// From every TCP port that was ever stored as open; addresses with 100 open ports and more are left out as honeypots.
/// `standard` are the ports open on more than --above addresses, `answering` those of them that hold --coverage of the
/// open ports, `silent` those that find --coverage of the addresses by at least one port. The output is a port
/// expression for `prober scan --ports`; with --json prints one object with `addresses`, `honeypots` and for each set
/// `ports` and the `share` that it finds.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DeriveArgs {
    /// What a set is to find of what there is, above 0 and at most 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    coverage: f64,
    /// The standard set leaves out ports open on this many addresses or fewer
    #[arg(long, value_name = "N", default_value_t = 2)]
    above: u32,
    #[command(flatten)]
    place: LookArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A set with what it finds of what was stored.
#[derive(Debug, Serialize)]
struct Derived {
    ports: Vec<u16>,
    share: f64,
}

#[derive(Debug, Serialize)]
struct Sets {
    addresses: usize,
    honeypots: usize,
    standard: Derived,
    answering: Derived,
    silent: Derived,
}

impl DeriveArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if !(self.coverage > 0.0 && self.coverage <= 1.0) {
            return Err(UsageError(format!("--coverage {} must be above 0 and at most 1", self.coverage)).into());
        }
        let wanted = PortSets { coverage: self.coverage, above: self.above };
        Ok(put(&self.place.look(Sight::PortSets(wanted), self.json)?.text)?)
    }
}

/// The port sets, ready to print.
pub(in crate::cli) fn sets(store: &Store, wanted: PortSets, json: bool) -> anyhow::Result<String> {
    let stored = store.open_tcp_ports()?;
    let addresses: Vec<&[u16]> = stored.iter().map(|(_, ports)| ports.as_slice()).collect();
    let sets = derive(&addresses, wanted.above, wanted.coverage);
    if sets.standard.ports.is_empty() {
        bail!(
            "ports derive: no TCP port is stored as open on more than {} addresses; scan more, or give a smaller --above",
            wanted.above
        );
    }
    if json {
        return Ok(json_text(&sets)?);
    }
    let mut table = Table::of(&["set", "ports>", "finds>", "of"]);
    for (name, set, of) in [
        ("standard", &sets.standard, "open ports"),
        ("answering", &sets.answering, "open ports"),
        ("silent", &sets.silent, "addresses"),
    ] {
        let share = format!("{:.1} %", 100.0 * set.share);
        table.row([name.to_owned(), grouped(set.ports.len() as u64), share, of.to_owned()]);
    }
    let expressions = [("answering", &sets.answering), ("silent", &sets.silent)]
        .map(|(name, set)| format!("{name}: {}\n", expression(&set.ports)));
    Ok(format!(
        "{} addresses with open ports, {} of them left out as honeypots\n\n{}\n{}",
        grouped(sets.addresses as u64),
        grouped(sets.honeypots as u64),
        table.render(),
        expressions.concat()
    ))
}

fn derive(addresses: &[&[u16]], above: u32, coverage: f64) -> Sets {
    let counts = PortCounts::of(addresses.iter().copied());
    let standard = counts.above(above);
    let answering = counts.covering(&standard, coverage);
    let all = counts.above(0);
    let share = |ports: &[u16]| {
        let sum = |ports: &[u16]| ports.iter().map(|port| u64::from(counts.count(*port))).sum::<u64>();
        sum(ports) as f64 / sum(&all).max(1) as f64
    };
    let (mut silent, mut found) = (Vec::new(), 0.0);
    for Gain { port, share } in finding_order(addresses) {
        if found >= coverage {
            break;
        }
        silent.push(port);
        found += share;
    }
    Sets {
        addresses: addresses.len(),
        honeypots: addresses.iter().filter(|ports| ports.len() >= HONEYPOT_PORTS).count(),
        silent: Derived { ports: silent, share: found },
        answering: Derived { share: share(&answering), ports: answering },
        standard: Derived { share: share(&standard), ports: standard },
    }
}

/// As a port expression, in order, neighbours as ranges.
fn expression(ports: &[u16]) -> String {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let range = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_find_what_they_say() {
        let addresses: Vec<&[u16]> = vec![&[80, 81, 82], &[80, 81, 82], &[80, 81, 82], &[80, 81, 82], &[22]];
        let sets = derive(&addresses, 2, 0.9);
        assert_eq!(sets.standard.ports, [80, 81, 82]);
        assert_eq!(sets.silent.ports, [80, 22]);
        assert!((sets.silent.share - 1.0).abs() < 1e-9 && (sets.standard.share - 12.0 / 13.0).abs() < 1e-9);
        assert_eq!(expression(&sets.standard.ports), "80-82");
        assert_eq!(expression(&[443, 80, 65_535, 81]), "80-81,443,65535");
    }
}
