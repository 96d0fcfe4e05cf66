//! The daemon's state as figures for Prometheus, and what of it counts as an error. Names are stable.

use prober_common::event::ReplyKind;

use crate::io::http::metrics::MetricKind::{Counter, Gauge};
use crate::io::http::metrics::Metrics;
use crate::model::service_status::{Hold, ServiceStatus};
use crate::model::status::StatusSample;

/// Probes that met an ICMP error, and what we lost ourselves.
pub fn errors(sample: &StatusSample) -> u64 {
    let icmp = [ReplyKind::Unreachable, ReplyKind::TimeExceeded, ReplyKind::IcmpOther];
    icmp.iter().map(|kind| sample.replies.of(*kind)).sum::<u64>() + sample.dropped()
}

/// All figures.
pub fn metrics(status: &ServiceStatus) -> Metrics {
    let mut metrics = Metrics::default();
    let watch = &status.watch;
    let probing = &watch.probing;
    metrics.add("prober_uptime_seconds", Gauge, "Time since the daemon started", status.uptime_s);
    metrics.add("prober_probes_sent_total", Counter, "Probes handed to the interface", probing.sent as f64);
    metrics.add("prober_probe_rate", Gauge, "Probes per second of late", probing.rate_pps);
    metrics.add("prober_probe_rate_limit", Gauge, "Probes per second aimed at; 0 for unlimited", probing.target_pps);
    let replies = ReplyKind::ALL.map(|kind| (kind.name().to_owned(), probing.replies.of(kind) as f64));
    metrics.add_family("prober_replies_total", Counter, "Verified replies without duplicates", "kind", replies);
    metrics.add("prober_duplicates_total", Counter, "Verified replies that repeat another", probing.duplicates as f64);
    let drops = probing.drops.iter().map(|(reason, count)| (reason.clone(), *count as f64));
    metrics.add_family("prober_lost_total", Counter, "What was lost, by reason", "reason", drops);
    if let Some(grab) = probing.grab {
        let counts =
            [("found", grab.found), ("asked", grab.asked), ("answered", grab.grabbed), ("dropped", grab.dropped)];
        let counts = counts.map(|(what, count)| (what.to_owned(), count as f64));
        metrics.add_family("prober_banners_total", Counter, "Open ports to be asked for banners", "what", counts);
        metrics.add("prober_banner_queue", Gauge, "Open ports that wait to be asked", grab.waiting as f64);
    }
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
    metrics.add_family(
        "prober_targets_by_standing",
        Gauge,
        "Addresses by what is known of them",
        "standing",
        standings,
    );
    metrics.add("prober_visits_total", Counter, "Visits that were decided", watch.visits as f64);
    metrics.add(
        "prober_changes_total",
        Counter,
        "Visits that found something else than the last one",
        watch.changes as f64,
    );
    metrics.add("prober_visits_due", Gauge, "Visits that are due and wait", watch.plan.due_visits as f64);
    metrics.add("prober_plan_needed_rate", Gauge, "Probes per second that the plan needs", watch.plan.needed_pps);
    metrics.add("prober_plan_behind_seconds", Gauge, "How far visits lag behind", f64::from(watch.plan.behind_s));
    let holds = [Hold::Operator, Hold::KillSwitch, Hold::Rollout, Hold::LinkDown];
    let holds = holds.map(|hold| (name(hold).to_owned(), f64::from(u8::from(status.holds.contains(&hold)))));
    metrics.add_family("prober_held", Gauge, "1 if this holds all sending back", "by", holds);
    metrics.add("prober_rollout_share", Gauge, "Watched share of the targets, 0 to 1", status.rollout.share);
    metrics.add("prober_rollout_errors", Gauge, "Share of probes with an error of late", status.rollout.errors);
    metrics.add("prober_rollout_complaints", Gauge, "Complaints in this step", f64::from(status.rollout.complaints));
    metrics.add("prober_excluded_addresses", Gauge, "Addresses never probed", status.exclusions.addresses as f64);
    let refused = f64::from(u8::from(status.exclusions.problem.is_some()));
    metrics.add("prober_exclusions_refused", Gauge, "1 if the exclusion files cannot be taken over", refused);
    let refused = f64::from(u8::from(!status.configuration.problems.is_empty()));
    metrics.add("prober_configuration_refused", Gauge, "1 if the configuration cannot be taken over", refused);
    metrics
}

const fn name(hold: Hold) -> &'static str {
    match hold {
        Hold::Operator => "operator",
        Hold::KillSwitch => "kill_switch",
        Hold::Rollout => "rollout",
        Hold::LinkDown => "link_down",
    }
}
