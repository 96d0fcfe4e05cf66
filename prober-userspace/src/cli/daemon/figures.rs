//! The daemon's state as figures for Prometheus, and what of it counts as an error. Names are stable.

use prober_common::event::ReplyKind;

use crate::io::http::metrics::MetricKind::{Counter, Gauge};
use crate::io::http::metrics::Metrics;
use crate::model::service_status::{Hold, ServiceStatus};
use crate::model::status::StatusSample;
use crate::model::watch::WatchStatus;

/// Probes that met an ICMP error, and what we lost ourselves. A probe that was stopped because its address is excluded by
/// now is none: that is as it should be.
pub fn errors(sample: &StatusSample) -> u64 {
    let icmp = [ReplyKind::Unreachable, ReplyKind::TimeExceeded, ReplyKind::IcmpOther];
    let lost = sample.drops.iter().filter(|(reason, _)| *reason != EXCLUDED).map(|(_, count)| count);
    icmp.iter().map(|kind| sample.replies.of(*kind)).chain(lost.copied()).sum()
}

/// The part of a share that has to have been visited for the share to be seen as a whole.
const SEEN: f64 = 0.9;

/// Whether nearly all of the watched share of so many targets, without excluded ones, have been visited.
pub fn is_seen(watch: &WatchStatus, targets: u64, share: f64) -> bool {
    let visited = watch.targets.saturating_sub(watch.standings.new);
    visited as f64 >= SEEN * share * targets as f64
}

/// Why replies are lost; each is told from 0 on, so that the first one is seen as a rise.
const LOSSES: [&str; 2] = ["ring_full", "store_failed"];
/// Probes stopped before the wire, among what is dropped.
const EXCLUDED: &str = "excluded";

/// All figures.
pub fn metrics(status: &ServiceStatus) -> Metrics {
    let mut metrics = Metrics::default();
    process(status, &mut metrics);
    probing(&status.watch.probing, &mut metrics);
    watch(&status.watch, &mut metrics);
    service(status, &mut metrics);
    metrics
}

fn process(status: &ServiceStatus, metrics: &mut Metrics) {
    let version = [(status.version.clone(), 1.0)];
    metrics.add_family("prober_build_info", Gauge, "The program's version", "version", version);
    metrics.add("prober_uptime_seconds", Gauge, "Time since the daemon started", status.uptime_s);
    let upkeep = &status.upkeep;
    metrics.add("process_start_time_seconds", Gauge, "Start since 1970", upkeep.started_at_s as f64);
    metrics.add("process_resident_memory_bytes", Gauge, "Memory in use", upkeep.resident_bytes as f64);
    metrics.add("prober_database_bytes", Gauge, "Size of the database with its log", upkeep.database_bytes as f64);
    let last = |at_s: Option<i64>| at_s.unwrap_or(0) as f64;
    metrics.add(
        "prober_networks_last_success_timestamp_seconds",
        Gauge,
        "When networks were last learnt of without a failure; 0: not since the start",
        last(upkeep.learnt_at_s),
    );
    metrics.add(
        "prober_export_last_success_timestamp_seconds",
        Gauge,
        "When the nightly export last went well; 0: not since the start",
        last(upkeep.exported_at_s),
    );
    metrics.add(
        "prober_retention_last_success_timestamp_seconds",
        Gauge,
        "When rows past their time were last removed; 0: not since the start",
        last(upkeep.retired_at_s),
    );
}

fn probing(probing: &StatusSample, metrics: &mut Metrics) {
    metrics.add("prober_probes_sent_total", Counter, "Probes handed to the interface", probing.sent as f64);
    metrics.add("prober_probes_per_second", Gauge, "Probes per second of late", probing.rate_pps);
    let limit = "Probes per second aimed at; 0 for unlimited";
    metrics.add("prober_probes_per_second_limit", Gauge, limit, probing.target_pps);
    let replies = ReplyKind::ALL.map(|kind| (kind.name().to_owned(), probing.replies.of(kind) as f64));
    metrics.add_family("prober_replies_total", Counter, "Verified replies without duplicates", "kind", replies);
    metrics.add("prober_duplicates_total", Counter, "Verified replies that repeat another", probing.duplicates as f64);
    let dropped = |reason: &str| probing.drops.get(reason).copied().unwrap_or(0) as f64;
    let others =
        probing.drops.keys().map(String::as_str).filter(|reason| !LOSSES.contains(reason) && *reason != EXCLUDED);
    let losses = LOSSES.into_iter().chain(others).map(|reason| (reason.to_owned(), dropped(reason)));
    metrics.add_family("prober_lost_total", Counter, "Replies that were lost, by reason", "reason", losses);
    let meaning = "Probes to excluded addresses stopped by the last check";
    metrics.add("prober_excluded_before_wire_total", Counter, meaning, dropped(EXCLUDED));
    if let Some(grab) = probing.grab {
        let counts = [
            ("found", "Open ports that can be asked for a banner", grab.found),
            ("asked", "Of these, ports that were asked", grab.asked),
            ("answered", "Of those asked, ports that said something", grab.grabbed),
            ("dropped", "Open ports that found the queue full", grab.dropped),
        ];
        for (what, meaning, count) in counts {
            metrics.add(&format!("prober_banner_ports_{what}_total"), Counter, meaning, count as f64);
        }
        metrics.add("prober_banner_queue", Gauge, "Open ports that wait to be asked", grab.waiting as f64);
    }
}

fn watch(watch: &WatchStatus, metrics: &mut Metrics) {
    metrics.add("prober_targets", Gauge, "Watched addresses", watch.targets as f64);
    let standings = &watch.standings;
    let standings = [
        ("new", standings.new),
        ("silent", standings.silent),
        ("gone", standings.gone),
        ("answering", standings.answering),
        ("device", standings.device),
        ("honeypot", standings.honeypot),
    ];
    let standings = standings.map(|(what, count)| (what.to_owned(), count as f64));
    let meaning = "Addresses by what is known of them";
    metrics.add_family("prober_targets_by_standing", Gauge, meaning, "standing", standings);
    metrics.add("prober_visits_total", Counter, "Visits that were decided", watch.visits as f64);
    metrics.add("prober_visits_under_way", Gauge, "Visits that are not decided yet", watch.visits_under_way as f64);
    let meaning = "Visits that found something else than the last one";
    metrics.add("prober_changes_total", Counter, meaning, watch.changes as f64);
    let meaning = "Replies that came faster than they could be looked at; stored all the same";
    metrics.add("prober_replies_missed_total", Counter, meaning, watch.replies_missed as f64);
    let meaning = "Visits that an interface that went down, or an outage on the way, interrupted";
    metrics.add("prober_visits_interrupted_total", Counter, meaning, watch.visits_interrupted as f64);
    let meaning = "1 while none of the addresses known to answer does: the fault is on the way";
    metrics.add("prober_unanswered", Gauge, meaning, f64::from(u8::from(watch.is_unanswered)));
    let meaning = "States that wait to be handed to the database; many: it is too slow, and no visits are begun";
    metrics.add("prober_states_waiting", Gauge, meaning, watch.states_waiting as f64);
    let plan = &watch.plan;
    metrics.add("prober_visits_due", Gauge, "Visits that are due and wait", plan.due_visits as f64);
    let meaning = "Probes per second that the plan needs";
    metrics.add("prober_plan_needed_probes_per_second", Gauge, meaning, plan.needed_pps);
    let meaning = "Probes per second that the limits allow";
    metrics.add("prober_plan_allowed_probes_per_second", Gauge, meaning, plan.allowed_pps);
    let meaning = "How long the first visits that are left take, of the watch's clock";
    metrics.add("prober_plan_first_round_seconds", Gauge, meaning, plan.first_round_s);
    metrics.add("prober_plan_behind_seconds", Gauge, "How far visits lag behind", f64::from(plan.behind_s));
}

fn service(status: &ServiceStatus, metrics: &mut Metrics) {
    let holds = [Hold::Operator, Hold::KillSwitch, Hold::Rollout, Hold::LinkDown];
    let holds = holds.map(|hold| (name(hold).to_owned(), f64::from(u8::from(status.holds.contains(&hold)))));
    metrics.add_family("prober_held", Gauge, "1 if this holds all sending back", "by", holds);
    let rollout = &status.rollout;
    metrics.add("prober_rollout_ratio", Gauge, "Watched part of the targets, 0 to 1", rollout.share);
    metrics.add("prober_rollout_error_ratio", Gauge, "Part of probes with an error of late, 0 to 1", rollout.errors);
    metrics.add("prober_rollout_complaints", Gauge, "Complaints in this step", f64::from(rollout.complaints));
    metrics.add("prober_excluded_addresses", Gauge, "Addresses never probed", status.exclusions.addresses as f64);
    let refused = f64::from(u8::from(status.exclusions.problem.is_some()));
    metrics.add("prober_exclusions_refused", Gauge, "1 if the exclusion files cannot be taken over", refused);
    let refused = f64::from(u8::from(!status.configuration.problems.is_empty()));
    metrics.add("prober_configuration_refused", Gauge, "1 if the configuration cannot be taken over", refused);
}

const fn name(hold: Hold) -> &'static str {
    match hold {
        Hold::Operator => "operator",
        Hold::KillSwitch => "kill_switch",
        Hold::Rollout => "rollout",
        Hold::LinkDown => "link_down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alerted_on_is_there_from_the_start() {
        let body = metrics(&ServiceStatus { version: "1.2.3".into(), ..ServiceStatus::default() }).into_page().body;
        for line in [
            "prober_lost_total{reason=\"ring_full\"} 0",
            "prober_lost_total{reason=\"store_failed\"} 0",
            "prober_excluded_before_wire_total 0",
            "prober_plan_allowed_probes_per_second 0",
            "prober_networks_last_success_timestamp_seconds 0",
            "prober_export_last_success_timestamp_seconds 0",
            "prober_retention_last_success_timestamp_seconds 0",
            "prober_visits_under_way 0",
            "prober_visits_interrupted_total 0",
            "prober_unanswered 0",
            "prober_replies_missed_total 0",
            "prober_database_bytes 0",
            "process_resident_memory_bytes 0",
            "prober_build_info{version=\"1.2.3\"} 1",
        ] {
            assert!(body.lines().any(|found| found == line), "{line} in {body}");
        }
        let mut status = ServiceStatus::default();
        status.watch.is_unanswered = true;
        status.watch.probing.drops = [("excluded".to_owned(), 3), ("new_reason".to_owned(), 4)].into();
        let body = metrics(&status).into_page().body;
        assert!(body.contains("prober_excluded_before_wire_total 3\n") && body.contains("prober_unanswered 1\n"));
        assert_eq!(errors(&status.watch.probing), 4, "what is excluded is no error");
        assert!(body.contains("{reason=\"new_reason\"} 4\n") && !body.contains("{reason=\"excluded\"}"), "{body}");
    }
}
