//! `prober plan why`: what the watch knows of an address, what it will probe there next and when, and why. The running daemon
//! is asked; of a watch that does not run, what it has stored is looked at.

use std::fmt::Write as _;

use anyhow::bail;
use prober_common::address::V4;

use super::super::UsageError;
use super::super::daemon::kept_exclusions::excluded_last;
use super::super::daemon::kept_rollout::{ROLLOUT, outside};
use super::super::daemon_socket::DaemonSocketArgs;
use super::super::database::DatabaseArgs;
use super::super::output::{put, put_json};
use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlReply};
use crate::io::store::{Access, Store, WatchClock};
use crate::model::outlook::Outlook;
use crate::model::watch::SchemeConfig;
use crate::policy::planner::WallTime;
use crate::policy::rollout::Share;
use crate::policy::scheme::outlook::View;
use crate::policy::starter::Known;
use crate::policy::target_state::{Standing, TargetState};

/// Ports that are shown one by one.
const SHOWN_PORTS: usize = 40;

/// Explain what the watch does at an address: what is known, which ports come next, when, and why
///
/// Of the running daemon as it is at this moment; of a watch that does not run from the states as they were last saved (--db,
/// else the daemon's database, else the scans'). With --json prints one object: address, scheme, standing, device,
/// open_ports, visited_at, due_at, overdue, under_way, interval_hours, held_back (why it is not visited although it is due),
/// cluster, probes, ports, reasons.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WhyArgs {
    /// IPv4 address
    address: String,
    #[command(flatten)]
    socket: DaemonSocketArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl WhyArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let address = self
            .address
            .parse::<std::net::Ipv4Addr>()
            .map_err(|_| UsageError(format!("\"{}\" is not an IPv4 address", self.address)))?;
        let outlook = match self.socket.ask_unless_named(&self.database, &ControlCommand::Why { address })? {
            Some(ControlReply::Outlook(outlook)) => *outlook,
            Some(_) => bail!("plan why: the daemon answered something else"),
            None => stored(&self.socket.stopped(&self.database, Access::Read)?, V4::from(address))?,
        };
        if self.json {
            return Ok(put_json(&outlook)?);
        }
        Ok(put(&render(&outlook))?)
    }
}

/// What a watch that does not run has stored of an address.
fn stored(store: &Store, address: V4) -> anyhow::Result<Outlook> {
    let Some(clock) = store.watch_clock()? else {
        bail!("{}: no watch was ever kept in it; `prober watch` or `prober daemon` does", store.path().display());
    };
    // Its class, which the predictive scheme goes by, is that of its /24; the budget is one for each address.
    let network = address.0 & !255;
    let mut neighbours: Vec<(TargetState, Box<[u16]>)> = Vec::new();
    store.for_each_target_of(network, network | 255, |target| {
        neighbours.retain(|(state, _)| state.address != target.state.address);
        neighbours.push((target.state, target.open_ports));
    })?;
    let held_back = held_back(store, address)?;
    let Some((state, _)) = neighbours.iter().find(|(state, _)| state.address == address.0) else {
        let held_back = held_back.map_or_else(String::new, |reason| format!("; {reason}"));
        bail!("{address} is not among the watched addresses, or was not visited yet{held_back}");
    };
    let config: SchemeConfig = serde_json::from_str(&clock.settings)?;
    let mut scheme = Known::of(&config, &store.open_tcp_ports()?).scheme(&config);
    for (state, ports) in &neighbours {
        scheme.restore(state, ports);
    }
    scheme.recall_newcomers(&store.newcomers(network, network)?);
    scheme.recall(&clock.learnt, clock.clock_s);
    let devices = store.watch_devices()?;
    for (number, (_, ports)) in (0..).zip(&devices) {
        scheme.teach_device(number, ports);
    }
    let device = match state.standing() {
        Standing::Device(device) => devices.get(usize::from(device)).map(|(name, _)| name.as_str()),
        _ => None,
    };
    Ok(Outlook { held_back, ..scheme.outlook(state, device, view(&clock)) })
}

/// Its clock goes on while it does not run.
fn view(clock: &WatchClock) -> View<'_> {
    let wall = WallTime { began_at: clock.began_at, scale: clock.time_scale };
    View { scheme: &clock.scheme, wall, now_s: wall.second_of(utc_now()).max(clock.clock_s) }
}

/// Why an address is not visited at all: as the database says now, and as files and roll-out were when the daemon last looked.
fn held_back(store: &Store, address: V4) -> anyhow::Result<Option<String>> {
    if let Some(entry) = store.exclusion_of(address)? {
        return Ok(Some(format!("excluded ({})", entry.reason)));
    }
    if excluded_last(store)?.contains(address) {
        return Ok(Some("excluded when the watch last looked".to_owned()));
    }
    let Some((kept, _)) = store.service_state(ROLLOUT)? else { return Ok(None) };
    let kept: serde_json::Value = serde_json::from_str(&kept)?;
    let share = kept["key"].as_u64().zip(kept["share"].as_f64()).map(|(key, size)| Share::new(key, size));
    Ok(share.and_then(|share| outside(share, address)))
}

fn render(why: &Outlook) -> String {
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
    if let Some(reason) = &why.held_back {
        let _ = writeln!(text, "not visited  {reason}");
    }
    if !why.open_ports.is_empty() {
        let _ = writeln!(text, "open         {}", list(&why.open_ports));
    }
    let visited = why.visited_at.as_deref().unwrap_or("never");
    let _ = writeln!(text, "last visit   {visited}");
    let overdue =
        if why.overdue { " (overdue: it is visited as soon as the watch runs and the rate allows)" } else { "" };
    let next = format!("{}{overdue}, {} ports by the {} scheme", why.due_at, why.probes, why.scheme);
    let _ = match why.held_back {
        Some(_) => writeln!(text, "next visit   none; else {}, {} ports", why.due_at, why.probes),
        None if why.under_way => writeln!(text, "next visit   under way just now, by the {} scheme", why.scheme),
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
    use crate::io::store::{StoredExclusion, StoredTarget};
    use crate::model::utc::UtcMicros;
    use crate::model::watch::SchemeKind;

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
        assert!(why(2).is_some_and(|why| why.contains("when the watch last looked")));
        assert!(why(4).is_some_and(|why| why.contains("asked by mail")));
        assert_eq!(why(5), None, "of an earlier start");
        store.keep_service_state(ROLLOUT, "{\"key\":7,\"share\":0.0}", at).unwrap();
        assert_eq!(why(5).as_deref(), Some("outside of the 0 % of the targets that are watched so far"));
        store.keep_service_state(ROLLOUT, "{\"key\":7,\"share\":1.0}", at).unwrap();
        assert_eq!(why(5), None);

        let due_at = "2026-11-22T00:00:00Z".to_owned();
        let shown =
            render(&Outlook { address: "20.0.0.4".to_owned(), due_at, held_back: why(4), ..Outlook::default() });
        assert_eq!(shown.lines().nth(1), Some("not visited  excluded (asked by mail)"), "{shown}");
        assert!(shown.contains("next visit   none; else 2026-11-22"), "{shown}");
        let under_way = render(&Outlook { under_way: true, ..Outlook::default() });
        assert!(under_way.contains("next visit   under way just now"), "{under_way}");
    }

    #[test]
    fn the_neighbours_suffice_to_tell_what_all_states_tell() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
        let config = SchemeConfig {
            kind: SchemeKind::Predictive,
            starter_ports: vec![80, 443, 22, 23, 8080],
            coverage: 0.95,
            reduction: 3.0,
            exploration: 0.0,
            answering: 0.1,
            sample: 0,
            sampled: 0.0,
        };
        let state = |address: u32| {
            let answers = address % 256 < 5 || address >> 8 == 0x14_0001 && address.is_multiple_of(2);
            let mut state = TargetState::new(address, 50_000);
            state.visited_s = 1_000;
            state.set_standing(if answers { Standing::Answering } else { Standing::Silent });
            StoredTarget { state, open_ports: if answers { [80, 443].into() } else { [].into() } }
        };
        let stored_states: Vec<StoredTarget> = (0x1400_0000..0x1400_0300).map(state).collect();
        let mut scheme = Known::of(&config, &[]).scheme(&config);
        for target in &stored_states {
            scheme.restore(&target.state, &target.open_ports);
        }
        let clock = WatchClock {
            began_at: UtcMicros(utc_now().0 - 20_000_000_000),
            clock_s: 20_000,
            time_scale: 1.0,
            scheme: "predictive".to_owned(),
            settings: serde_json::to_string(&config).unwrap(),
            learnt: scheme.learnt(),
        };
        let (base, changed) = stored_states.split_at(0x1f0);
        store.replace_targets(base, 0).unwrap();
        // The last change of an address counts.
        let mut before = changed[0].clone();
        before.state.set_standing(Standing::Gone);
        store.add_target_changes(&[before], 0, &clock, utc_now()).unwrap();
        store.add_target_changes(changed, 1, &clock, utc_now()).unwrap();
        let mut probes = 0;
        for address in [0x1400_0001, 0x1400_0009, 0x1400_0102, 0x1400_01f0, 0x1400_01f1, 0x1400_02ff] {
            let told = stored(&store, V4(address)).unwrap();
            let expected = scheme.outlook(&state(address).state, None, view(&clock));
            assert_eq!(told, expected);
            assert!(!told.reasons.is_empty(), "{told:?}");
            probes += told.probes;
        }
        assert!(probes > 0, "some have a port whose turn has come");
        let refusal = stored(&store, V4(0x1400_0300)).unwrap_err().to_string();
        assert!(refusal.starts_with("20.0.3.0 is not among the watched addresses"), "{refusal}");
    }
}
