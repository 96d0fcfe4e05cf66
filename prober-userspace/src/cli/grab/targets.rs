//! What is to be asked: from lists, the command line or a stored scan; without the excluded, each host's ports together,
//! hosts in an order that spreads networks.

use std::fmt::Write;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use prober_common::address::V4;
use prober_common::event::ProbeKind;
use prober_common::slot::ProbeSlot;
use serde::Serialize;

use crate::cli::UsageError;
use crate::io::grab::{GrabConfig, HostWork, attempts, is_askable};
use crate::io::store::OpenPort;
use crate::model::banner::Transport;
use crate::target::exclusions::Exclusions;
use crate::target::list::{parse_address_argument, parse_address_list};
use crate::target::pair_list::parse_pair_list;
use crate::target::plan::{Plan, Scope};
use crate::target::ports::{PortList, ProbePort};

/// Most targets of one run: they are kept in memory, 8 bytes each and more per host.
const TARGETS: u64 = 50_000_000;
/// How many are shown before anything is sent.
const SHOWN: usize = 10;

/// What is to be asked.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) hosts: Vec<HostWork>,
    pub(super) count: u64,
    /// Open ports of a scan that are left out because they have been asked since.
    pub(super) asked_before: u64,
    excluded: u64,
    speechless: u64,
}

impl Targets {
    /// From arguments and files: addresses with `ports`, else pairs.
    pub(super) fn given(
        arguments: &[String],
        files: &[PathBuf],
        ports: Option<&str>,
        exclusions: &Exclusions,
    ) -> anyhow::Result<Self> {
        let scope = match ports {
            Some(ports) => product(arguments, files, ports)?,
            None => pairs(arguments, files)?,
        };
        Self::planned(scope, exclusions)
    }

    /// From the open ports of a scan, those that are left to ask. None may be left: then all have been asked.
    pub(super) fn of_scan(open: &[OpenPort], mut left: Vec<OpenPort>, exclusions: &Exclusions) -> anyhow::Result<Self> {
        if open.is_empty() {
            return Err(UsageError("the scan found no open port".into()).into());
        }
        let asked_before = (open.len() - left.len()) as u64;
        if asked_before > 0 {
            let is_to_be_asked =
                |(address, transport, port): &OpenPort| is_askable(*transport, *port) && !exclusions.contains(*address);
            left.retain(is_to_be_asked);
            if left.is_empty() {
                return Ok(Self { hosts: Vec::new(), count: 0, asked_before, excluded: 0, speechless: 0 });
            }
        }
        let slot = |(address, transport, port)| {
            let kind = if transport == Transport::Udp { ProbeKind::Udp } else { ProbeKind::TcpSyn };
            ProbeSlot { address, port, probe: kind as u8, template: 0 }
        };
        let planned = Self::planned(Scope::Pairs(left.into_iter().map(slot).collect()), exclusions)?;
        Ok(Self { asked_before, ..planned })
    }

    fn planned(scope: Scope, exclusions: &Exclusions) -> anyhow::Result<Self> {
        // The plan's order is permuted: any seed spreads the hosts.
        let plan = Plan::new(scope, exclusions, 1).map_err(|cause| UsageError(cause.to_string()))?;
        if plan.len() > TARGETS {
            return Err(UsageError(format!("{} targets are more than {TARGETS} at once", plan.len())).into());
        }
        let mut slots = vec![ProbeSlot::default(); plan.len() as usize];
        plan.fill(0, 1, &mut slots);
        let targets: Vec<_> = slots.iter().filter_map(|slot| Some((slot.address, target(*slot)?))).collect();
        let speechless = slots.len() - targets.len();
        if targets.is_empty() {
            return Err(UsageError("none of these ports has a service that can be asked".into()).into());
        }
        Ok(Self {
            count: targets.len() as u64,
            asked_before: 0,
            hosts: by_host(targets),
            excluded: plan.excluded_count(),
            speechless: speechless as u64,
        })
    }

    /// By the rate of all, or by that into the /24 with the most targets, whichever takes longer; 0 for no limit.
    fn seconds_at_least(&self, rate: f64, rate_per_24: f64) -> f64 {
        let mut networks = hashbrown::HashMap::<u32, u64>::new();
        for host in &self.hosts {
            *networks.entry(host.address.slash24()).or_default() += host.ports.len() as u64;
        }
        let busiest = networks.values().max().copied().unwrap_or(0);
        // The first connection waits for nothing.
        let seconds = |count: u64, rate: f64| if rate > 0.0 { count.saturating_sub(1) as f64 / rate } else { 0.0 };
        seconds(self.count, rate).max(seconds(busiest, rate_per_24))
    }

    /// What would be done.
    pub(super) fn outline(&self, config: &GrabConfig) -> Outline {
        let shown = self.hosts.iter().flat_map(|host| host.ports.iter().map(|port| (host.address, *port)));
        Outline {
            targets: self.count,
            hosts: self.hosts.len() as u64,
            excluded: self.excluded,
            not_askable: self.speechless,
            rate: config.rate,
            rate_per_24: config.rate_per_24,
            asked_before: self.asked_before,
            seconds_at_least: self.seconds_at_least(config.rate, config.rate_per_24),
            first: shown
                .take(SHOWN)
                .map(|(address, (transport, port))| format!("{address}:{port}/{}", transport.name()))
                .collect(),
        }
    }
}

/// What a run would do, with stable field names.
#[derive(Debug, Serialize)]
pub(super) struct Outline {
    /// Address-port pairs.
    targets: u64,
    /// Addresses.
    hosts: u64,
    /// Addresses (pairs, with a list of pairs) that the exclusions took away.
    excluded: u64,
    /// Targets without a question: ICMP, printers and UDP ports without a known service.
    not_askable: u64,
    /// Connections/s; 0 for no limit.
    rate: f64,
    /// Connections/s into a /24; 0 for no limit.
    rate_per_24: f64,
    /// Open ports of the scan that are left out because they have been asked since.
    asked_before: u64,
    /// The least time at these rates, in s; more where a target needs several connections.
    seconds_at_least: f64,
    /// The first targets, in order.
    first: Vec<String>,
}

impl Outline {
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name:<12} {value}");
        };
        row("targets", format!("{} on {} hosts", self.targets, self.hosts));
        let (excluded, speechless, before) = (self.excluded, self.not_askable, self.asked_before);
        row("left out", format!("{excluded} excluded, {speechless} that cannot be asked, {before} asked before"));
        row("rate", format!("{} connections/s, {} into a /24 (0: no limit)", self.rate, self.rate_per_24));
        row("time", format!("at least {:.1} s", self.seconds_at_least));
        row("first", self.first.join(" "));
        out
    }
}

fn target(slot: ProbeSlot) -> Option<(Transport, u16)> {
    let kind = ProbeKind::from_code(slot.probe)?;
    let transport = match kind {
        ProbeKind::TcpSyn => Transport::Tcp,
        ProbeKind::Udp => Transport::Udp,
        ProbeKind::IcmpEcho => return None,
    };
    let barred = ProbePort { kind, port: slot.port }.is_printer();
    (!barred && !attempts(transport, slot.port).is_empty()).then_some((transport, slot.port))
}

/// Puts each host's ports together; hosts keep the order in which they first come.
fn by_host(targets: Vec<(V4, (Transport, u16))>) -> Vec<HostWork> {
    let mut places = hashbrown::HashMap::with_capacity(targets.len());
    let mut hosts: Vec<HostWork> = Vec::new();
    for (address, port) in targets {
        let place = *places.entry(address).or_insert(hosts.len());
        match hosts.get_mut(place) {
            Some(host) => host.ports.push(port),
            None => hosts.push(HostWork { address, ports: vec![port] }),
        }
    }
    hosts
}

fn product(arguments: &[String], files: &[PathBuf], ports: &str) -> anyhow::Result<Scope> {
    let usage = |cause: &dyn std::error::Error| UsageError(cause.to_string());
    let mut ranges = Vec::new();
    for text in arguments {
        ranges.extend(parse_address_argument(text).map_err(|cause| usage(&cause))?);
    }
    for file in files {
        let text = read(file)?;
        ranges.extend(parse_address_list(&text, &file.display().to_string()).map_err(|cause| usage(&cause))?);
    }
    let ports: PortList = ports.parse().map_err(|cause| usage(&cause))?;
    Ok(Scope::Product { addresses: ranges.into_iter().collect(), ports: ports.with_unprobeable() })
}

fn pairs(arguments: &[String], files: &[PathBuf]) -> anyhow::Result<Scope> {
    let usage =
        |cause: &dyn std::error::Error| UsageError(format!("{cause}; for addresses without ports, give ports with -p"));
    let mut pairs = Vec::new();
    for text in arguments {
        pairs.extend(parse_pair_list(text.as_bytes(), "command line").map_err(|cause| usage(&cause))?);
    }
    for file in files {
        let text = read(file)?;
        pairs.extend(parse_pair_list(&text, &file.display().to_string()).map_err(|cause| usage(&cause))?);
    }
    if pairs.is_empty() {
        let reason = "no targets: give pairs like 192.0.2.1:80, addresses with -p, a file with -w, or --scan";
        return Err(UsageError(reason.into()).into());
    }
    Ok(Scope::Pairs(pairs))
}

/// A file's bytes; `-` is standard input.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let read = if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(file)
    };
    read.with_context(|| format!("cannot read the targets in {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_keep_their_ports_together_and_the_barred_stay_out() {
        let exclusions = Exclusions::new([("x".to_owned(), vec!["20.0.0.2".parse().unwrap()])], false);
        let arguments = ["20.0.0.1-20.0.0.3".to_owned()];
        let targets = Targets::given(&arguments, &[], Some("22,80,510-516,U:161,U:9999,icmp"), &exclusions).unwrap();
        assert_eq!(targets.hosts.len(), 2);
        // 22, 80, 161 and six of the range; neither 515 nor a UDP port without a question nor an echo.
        assert!(targets.hosts.iter().all(|host| host.ports.len() == 9), "{:?}", targets.hosts);
        assert!(targets.hosts.iter().all(|host| !host.ports.contains(&(Transport::Tcp, 515))));
        assert_eq!((targets.count, targets.excluded, targets.speechless), (18, 1, 4));
    }

    #[test]
    fn the_time_obeys_both_rates() {
        let none = Exclusions::new([], true);
        let seconds = |hosts: &str, rate, rate_per_24| {
            let targets = Targets::given(&[hosts.to_owned()], &[], Some("80"), &none).unwrap();
            targets.seconds_at_least(rate, rate_per_24).round() as u64
        };
        assert_eq!(seconds("20.0.0.0-20.0.0.100", 200.0, 20.0), 5);
        assert_eq!(seconds("20.0.0.0-20.0.3.232", 10.0, 20.0), 100);
        assert_eq!(seconds("20.0.0.0-20.0.0.100", 0.0, 0.0), 0);
    }

    #[test]
    fn of_a_scan_nothing_may_be_left() {
        let exclusions = Exclusions::new([("x".to_owned(), vec!["20.0.0.2".parse().unwrap()])], false);
        let port = |last: u32, port| (V4(0x1400_0000 + last), Transport::Tcp, port);
        let open = [port(1, 80), port(1, 9100), port(2, 80), port(3, 80)];
        let all = Targets::of_scan(&open, open.to_vec(), &exclusions).unwrap();
        assert_eq!((all.count, all.asked_before, all.excluded, all.speechless), (2, 0, 1, 1));
        let one = Targets::of_scan(&open, vec![open[1], open[2], open[3]], &exclusions).unwrap();
        assert_eq!((one.count, one.asked_before), (1, 1));
        let nothing = Targets::of_scan(&open, vec![open[1], open[2]], &exclusions).unwrap();
        assert_eq!((nothing.count, nothing.asked_before), (0, 2));
        assert!(Targets::of_scan(&[], vec![], &exclusions).unwrap_err().to_string().contains("no open port"));
    }

    #[test]
    fn printers_are_refused_by_name() {
        let none = Exclusions::new([], true);
        for text in ["20.0.0.1:9100", "20.0.0.1:515"] {
            assert!(Targets::given(&[text.to_owned()], &[], None, &none).unwrap_err().to_string().contains("printers"));
        }
        assert!(Targets::given(&["20.0.0.1".to_owned()], &[], None, &none).unwrap_err().to_string().contains("-p"));
        assert!(Targets::given(&[], &[], None, &none).unwrap_err().to_string().contains("no targets"));
    }
}
