//! What can be used and is hardly meant: a plan that the limits cannot meet, shares and budgets without effect, places that
//! are not there or that the service may not write to. None of it makes a configuration unusable.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::document::Document;
use super::lists::Lists;
use super::problem::Problem;
use super::settings::DaemonSettings;
use crate::io::kill_switch;
use crate::io::process::total_memory_bytes;
use crate::model::watch::{SchemeConfig, SchemeKind};
use crate::policy::interval::LADDER_S;
use crate::policy::planner;
use crate::policy::starter::Known;
use crate::target::address_set::AddressSet;
use crate::target::special::SPECIAL_RANGES;

/// Length of a SYN with its Ethernet header and options, in bytes: what most probes are.
const PROBE_BYTES: usize = 58;
const DAY_S: f64 = 86_400.0;
/// The part of the budget above which looking where nothing is expected leaves too little for the rest.
const MOST_EXPLORATION: f64 = 0.5;
/// Probes a day for each address below which the predictive scheme has little to choose from.
const LEAST_BUDGET: f64 = 10.0;
/// More addresses than these should not all be new on the first day.
const AT_ONCE: u64 = 1 << 16;
/// Memory for each target, bytes: its state, and its place in the queue.
const TARGET_BYTES: u64 = 24;
/// Visits under way at most, signatures, packet buffers.
const BESIDES_BYTES: u64 = 800_000_000;
/// Twice the longest time between two looks at a host.
const LEAST_KEPT: Duration = Duration::from_hours(56 * 24);
/// What the unit lets the daemon write to, and listen in.
const STATE_FOLDER: &str = "/var/lib/prober";
const RUN_FOLDER: &str = "/run/prober";

/// All of them, for settings and lists that can be used.
pub fn of(settings: &DaemonSettings, lists: &Lists, document: &Document) -> Vec<Problem> {
    let mut warnings = Warnings { document, found: Vec::new() };
    plan(settings, lists, &mut warnings);
    shares(settings, lists, &mut warnings);
    targets(settings, lists, &mut warnings);
    memory(settings, lists, &mut warnings);
    retention(settings, &mut warnings);
    places(settings, &mut warnings);
    ports(settings, &mut warnings);
    warnings.found.sort();
    warnings.found
}

struct Warnings<'d> {
    document: &'d Document,
    found: Vec<Problem>,
}

impl Warnings<'_> {
    fn add(&mut self, (section, name): (&str, &str), reason: String) {
        let line = self.document.line(section, name);
        self.found.push(Problem { file: self.document.path.clone(), line, reason });
    }
}

/// The arithmetic of the planner, before anything is known: with what the scheme sends at least.
fn plan(settings: &DaemonSettings, lists: &Lists, warnings: &mut Warnings<'_>) {
    let probing = &settings.probing;
    let largest = settings.rollout.steps.iter().copied().fold(0.0, f64::max);
    let watched = lists.targets.subtract(lists.exclusions.addresses());
    let addresses = watched.len() as f64 * largest;
    let needed_pps = addresses * least_per_day(&probing.scheme) / DAY_S * probing.time_scale;
    // What the line takes is not below the rate, or the file is refused.
    let limits = [
        probing.rate.pps(PROBE_BYTES),
        Some(probing.rate_per_24_pps * watched.slash24_count() as f64).filter(|pps| *pps > 0.0),
    ];
    let allowed_pps = limits.into_iter().flatten().fold(f64::INFINITY, f64::min);
    if let Some(advice) = planner::advice(needed_pps, allowed_pps, addresses) {
        warnings.add(("probing", "rate"), advice);
    }
}

/// Probes a day for each address.
fn least_per_day(scheme: &SchemeConfig) -> f64 {
    let every = |interval_s: u32| DAY_S / f64::from(interval_s);
    let most = scheme.starter_ports.len() as f64 * every(LADDER_S[0]);
    match scheme.kind {
        SchemeKind::Standard => most,
        // The silent ones, which are nearly all, at the longest interval.
        SchemeKind::Efficient => {
            Known::of_list(&scheme.starter_ports).silent.len() as f64 * every(LADDER_S[LADDER_S.len() - 1])
        }
        SchemeKind::Predictive => scheme.budget_per_day(scheme.starter_ports.len()),
    }
}

fn shares(settings: &DaemonSettings, lists: &Lists, warnings: &mut Warnings<'_>) {
    let scheme = &settings.probing.scheme;
    if scheme.kind == SchemeKind::Predictive {
        if scheme.exploration > MOST_EXPLORATION {
            let reason = format!(
                "probing.exploration: {:.0} % of the budget looks where nothing is expected and leaves too little for the rest; \
                 3 % is usual",
                scheme.exploration * 100.0
            );
            warnings.add(("probing", "exploration"), reason);
        }
        let budget = scheme.budget_per_day(scheme.starter_ports.len());
        if budget < LEAST_BUDGET {
            let reason = format!(
                "probing.reduction: {} ports leave {budget:.1} probes a day for each address at 1/{}, so changes are noticed late; \
                 name more ports, or reduce less",
                scheme.starter_ports.len(),
                scheme.reduction
            );
            warnings.add(("probing", "reduction"), reason);
        }
    }
    let watched = lists.watched();
    let Some(first) = settings.rollout.steps.first().copied() else { return };
    if first * (watched as f64) < 1.0 {
        let reason =
            format!("roll-out.steps: the first share of {watched} addresses is less than one: nobody is watched in it");
        warnings.add(("roll-out", "steps"), reason);
    } else if first >= 1.0 && watched > AT_ONCE {
        let reason = format!(
            "roll-out.steps: all {watched} addresses are watched from the first day on; write [\"1%\", \"10%\", \"100%\"] so \
             that what goes wrong is noticed by few"
        );
        warnings.add(("roll-out", "steps"), reason);
    }
}

fn targets(settings: &DaemonSettings, lists: &Lists, warnings: &mut Warnings<'_>) {
    if settings.targets.allow_special {
        return;
    }
    let special = AddressSet::from_ranges(SPECIAL_RANGES.map(|special| special.range));
    let left_out = lists.targets.intersect(&special).len();
    if left_out > 0 {
        let reason = format!(
            "{left_out} of {} targets lie in the IANA special ranges and are never probed unless targets.allow-special",
            lists.targets.len()
        );
        let named = if warnings.document.line("targets", "ranges").is_some() { "ranges" } else { "files" };
        warnings.add(("targets", named), reason);
    }
}

/// The kernel ends who takes more than there is.
fn memory(settings: &DaemonSettings, lists: &Lists, warnings: &mut Warnings<'_>) {
    // Excluded ones have a state as well: they may be taken off the list.
    let states = lists.targets.len() * TARGET_BYTES;
    let needed = states + settings.database_memory_bytes + BESIDES_BYTES;
    if let Some(there) = total_memory_bytes().filter(|there| needed > *there) {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let reason = format!(
            "store.memory: {:.1} GB for the states of the targets, {:.1} for the database and {:.1} for what is under way are \
             more than the {:.1} GB of this host; watch fewer, or leave the database less",
            gigabytes(states),
            gigabytes(settings.database_memory_bytes),
            gigabytes(BESIDES_BYTES),
            gigabytes(there)
        );
        warnings.add(("store", "memory"), reason);
    }
}

/// What is visited every two weeks and asked every four has to be remembered for longer.
fn retention(settings: &DaemonSettings, warnings: &mut Warnings<'_>) {
    let kept = [("replies", settings.retention.replies), ("estimates", settings.retention.estimates)];
    for (name, kept) in kept {
        if kept.is_some_and(|kept| kept < LEAST_KEPT) {
            let reason = format!(
                "retention.{name}: quiet hosts are visited every 14 days and asked who they are every 28; what is kept for less \
                 than 56 days loses them for port sets and names"
            );
            warnings.add(("retention", name), reason);
        }
    }
}

fn places(settings: &DaemonSettings, warnings: &mut Warnings<'_>) {
    let export = settings.export.as_ref().map(|export| ("export", "folder", export.folder.as_path()));
    let written = [Some(("store", "database", settings.database.as_path())), export];
    for (section, name, path) in written.into_iter().flatten() {
        let key = (section, name);
        if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
            warnings.add(key, format!("{section}.{name}: {} is no folder that can be seen; make it", folder.display()));
        }
        outside(key, path, STATE_FOLDER, warnings);
    }
    outside(("control", "socket"), &settings.socket, RUN_FOLDER, warnings);
    if let Err(reason) = kill_switch::is_there(&settings.kill_switch) {
        let reason = format!("control.kill-switch: {reason}; nothing is sent while that is so");
        warnings.add(("control", "kill-switch"), reason);
    }
}

fn outside((section, name): (&'static str, &'static str), path: &Path, folder: &str, warnings: &mut Warnings<'_>) {
    if !path.starts_with(folder) {
        let reason = format!(
            "{section}.{name} lies outside of {folder}, where the unit lets nothing be written (ProtectSystem=strict): add \
             ReadWritePaths= for it"
        );
        warnings.add((section, name), reason);
    }
}

fn ports(settings: &DaemonSettings, warnings: &mut Warnings<'_>) {
    let served: [(&str, Option<SocketAddr>); 2] = [("metrics", settings.metrics), ("pages", settings.pages)];
    for (name, address) in served {
        if let Some(address) = address.filter(|address| address.port() < 1_024) {
            let reason = format!(
                "http.{name}: port {} needs CAP_NET_BIND_SERVICE, which the unit does not give; take one from 1024 on, behind \
                 a proxy",
                address.port()
            );
            warnings.add(("http", name), reason);
        }
    }
}
