//! `prober plan why`: what the watch knows of an address, what it will probe there next and when, and why.

use std::collections::HashMap;
use std::fmt::Write as _;

use anyhow::bail;
use prober_common::address::V4;
use serde::Serialize;

use super::super::UsageError;
use super::super::daemon::kept_rollout::ROLLOUT;
use super::super::daemon::service::percent;
use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use crate::io::clock::utc_now;
use crate::io::store::{Access, Store, WatchClock};
use crate::model::utc::UtcMicros;
use crate::model::watch::SchemeConfig;
use crate::policy::interval::LADDER_S;
use crate::policy::rollout::Share;
use crate::policy::scheme::Scheme;
use crate::policy::starter::Known;
use crate::policy::target_state::{Standing, TargetState};

/// Ports that are shown one by one.
const SHOWN_PORTS: usize = 40;

/// Explain what the watch does at an address: what is known, which ports come next, when, and why
///
/// From the states as they were last saved. With --json prints one object: address, standing, device, open_ports,
/// visited_at, due_at, interval_hours, held_back (why it is not visited although it is due), cluster, probes, ports, reasons.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WhyArgs {
    /// IPv4 address
    address: String,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Why {
    address: String,
    scheme: String,
    standing: &'static str,
    device: Option<String>,
    open_ports: Vec<u16>,
    visited_at: Option<UtcMicros>,
    due_at: UtcMicros,
    overdue: bool,
    interval_hours: f64,
    held_back: Option<String>,
    cluster: Option<u16>,
    probes: u64,
    ports: Vec<u16>,
    reasons: Vec<String>,
}

impl WhyArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let address = self
            .address
            .parse::<std::net::Ipv4Addr>()
            .map(V4::from)
            .map_err(|_| UsageError(format!("\"{}\" is not an IPv4 address", self.address)))?;
        let store = self.database.open(Access::Read)?;
        let Some(clock) = store.watch_clock()? else {
            bail!("{}: no watch was ever kept in it; `prober watch` or `prober daemon` does", store.path().display());
        };
        let why = explain(&store, &clock, address)?;
        if self.json {
            return Ok(put_json(&why)?);
        }
        Ok(put(&render(&why))?)
    }
}

fn explain(store: &Store, clock: &WatchClock, address: V4) -> anyhow::Result<Why> {
    // The learner's classes rest on all neighbours, so all states are needed.
    let mut targets: HashMap<u32, (TargetState, Box<[u16]>)> = HashMap::new();
    store.for_each_target(|target| {
        targets.insert(target.state.address, (target.state, target.open_ports));
    })?;
    let Some((state, open_ports)) = targets.get(&address.0).cloned() else {
        bail!("{address} is not among the {} watched addresses, or was not visited yet", targets.len());
    };
    let config: SchemeConfig = serde_json::from_str(&clock.settings)?;
    let states: Vec<TargetState> = targets.values().map(|(state, _)| *state).collect();
    let mut scheme = Known::of(&config, &store.open_tcp_ports()?).scheme(&config, &states);
    for (state, ports) in targets.values() {
        scheme.restore(state, ports);
    }
    scheme.recall(&clock.learnt, clock.clock_s);
    let devices = store.watch_devices()?;
    for (number, (_, ports)) in (0..).zip(&devices) {
        scheme.teach_device(number, ports);
    }
    let held_back = held_back(store, address)?;
    Ok(Why { held_back, ..of(&scheme, clock, &state, open_ports.to_vec(), &devices) })
}

/// Why an address is not visited at all: as the database says now, and as files and roll-out were when the daemon last looked.
fn held_back(store: &Store, address: V4) -> anyhow::Result<Option<String>> {
    let excluded = store.exclusions()?;
    if let Some(entry) = excluded.iter().find(|entry| (entry.first..=entry.last).contains(&address)) {
        return Ok(Some(format!("excluded ({})", entry.reason)));
    }
    if store.was_excluded_at_start(address)? {
        return Ok(Some("excluded when the watch was last started".to_owned()));
    }
    let Some((kept, _)) = store.service_state(ROLLOUT)? else { return Ok(None) };
    let kept: serde_json::Value = serde_json::from_str(&kept)?;
    let share = kept["key"].as_u64().zip(kept["share"].as_f64()).map(|(key, size)| Share::new(key, size));
    let outside = share.filter(|share| !share.holds(address));
    Ok(outside.map(|share| format!("outside of the {} of the targets that are watched so far", percent(share.size()))))
}

fn of(
    scheme: &Scheme,
    clock: &WatchClock,
    state: &TargetState,
    open_ports: Vec<u16>,
    devices: &[(String, Vec<u16>)],
) -> Why {
    let wall = |at_s: u32| UtcMicros(clock.began_at.0 + (f64::from(at_s) / clock.time_scale * 1e6) as i64);
    let visit = scheme.visit(state, state.due_s);
    let mut ports: Vec<u16> = visit.sets.iter().flat_map(|set| set.iter()).chain(visit.more.iter().copied()).collect();
    ports.sort_unstable();
    let was_visited = state.visited_s != TargetState::NEVER;
    let (standing, device) = match state.standing() {
        Standing::New => ("new", None),
        Standing::Silent => ("silent", None),
        Standing::Gone => ("gone", None),
        Standing::Answering => ("answering", None),
        Standing::Honeypot => ("honeypot", None),
        Standing::Device(device) => ("device", devices.get(usize::from(device)).map(|(name, _)| name.clone())),
    };
    let interval_s = if was_visited { state.due_s.saturating_sub(state.visited_s) } else { LADDER_S[0] };
    Why {
        address: V4(state.address).to_string(),
        scheme: clock.scheme.clone(),
        standing,
        device,
        open_ports,
        visited_at: was_visited.then(|| wall(state.visited_s)),
        due_at: wall(state.due_s),
        overdue: wall(state.due_s) < utc_now(),
        interval_hours: f64::from(interval_s) / 3_600.0,
        held_back: None,
        cluster: state.cluster.checked_sub(1),
        probes: visit.probes(),
        ports,
        reasons: scheme.reasons(state),
    }
}

fn render(why: &Why) -> String {
    let list = |ports: &[u16]| {
        let shown: Vec<String> = ports.iter().take(SHOWN_PORTS).map(u16::to_string).collect();
        let more = ports.len().saturating_sub(SHOWN_PORTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(","))
    };
    // Writing to a String cannot fail.
    let mut text = format!("{}: {}", why.address, why.standing);
    if let Some(device) = &why.device {
        let _ = write!(text, ", {device}");
    }
    text.push('\n');
    if !why.open_ports.is_empty() {
        let _ = writeln!(text, "open         {}", list(&why.open_ports));
    }
    let visited = why.visited_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let _ = writeln!(text, "last visit   {visited}");
    let overdue =
        if why.overdue { " (overdue: it is visited as soon as the watch runs and the rate allows)" } else { "" };
    let next = format!("{}{overdue}, {} ports by the {} scheme", why.due_at, why.probes, why.scheme);
    let _ = match &why.held_back {
        Some(reason) => writeln!(text, "next visit   none: {reason}; else {}", why.due_at),
        None => writeln!(text, "next visit   {next}"),
    };
    let _ = writeln!(text, "ports        {}", list(&why.ports));
    if let Some(cluster) = why.cluster {
        let _ = writeln!(
            text,
            "cluster      {cluster}: its rate and quiet hours count (`prober plan show --cluster {cluster}`)"
        );
    }
    text += "why\n";
    for reason in &why.reasons {
        let _ = writeln!(text, "  {reason}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::StoredExclusion;

    #[test]
    fn who_is_not_visited_has_no_next_visit() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let address = |last: u32| V4(0x1400_0000 + last);
        let insert = "INSERT INTO session VALUES (3, 'watch'), (2, 'watch'), (4, 'study');
                      INSERT INTO scan_exclusion VALUES (2, 335544325, 335544325), (3, 335544321, 335544322)";
        store.connection().execute_batch(insert).unwrap();
        let at = UtcMicros(1_795_230_000_000_000);
        let asked = StoredExclusion {
            first: address(3),
            last: address(4),
            reason: "asked by mail".to_owned(),
            added_at: at,
            added_by: "me".to_owned(),
        };
        store.add_exclusions(&[asked]).unwrap();
        let why = |last: u32| held_back(&store, address(last)).unwrap();
        assert!(why(2).is_some_and(|why| why.contains("when the watch was last started")));
        assert!(why(4).is_some_and(|why| why.contains("asked by mail")));
        assert_eq!(why(5), None, "of an earlier start");
        store.keep_service_state(ROLLOUT, "{\"key\":7,\"share\":0.0}", at).unwrap();
        assert_eq!(why(5).as_deref(), Some("outside of the 0 % of the targets that are watched so far"));
        store.keep_service_state(ROLLOUT, "{\"key\":7,\"share\":1.0}", at).unwrap();
        assert_eq!(why(5), None);

        let shown = Why {
            address: "20.0.0.4".to_owned(),
            scheme: "standard".to_owned(),
            standing: "silent",
            device: None,
            open_ports: Vec::new(),
            visited_at: None,
            due_at: at,
            overdue: true,
            interval_hours: 12.0,
            held_back: why(4),
            cluster: None,
            probes: 3,
            ports: vec![80],
            reasons: Vec::new(),
        };
        assert!(render(&shown).contains("next visit   none: excluded (asked by mail); else "), "{}", render(&shown));
    }
}
