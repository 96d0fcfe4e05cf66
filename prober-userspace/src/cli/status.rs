//! `prober status`: how the running daemon (or scan) stands, once or again and again.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::daemon_socket::find;
use super::figure::{duration, grouped};
use super::output::{put, put_json};
use super::progress::progress_line;
use crate::io::control::{ControlCommand, Standing, send};
use crate::model::service_status::{STORE_BEHIND, ServiceStatus, UNANSWERED, UpkeepStatus};
use crate::model::utc::UtcMicros;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(1);
/// Wide enough for every part of the progress line.
const WIDTH: usize = 160;
/// What takes longer has no end for anybody: ten years.
const LIFETIME_S: f64 = 10.0 * 365.25 * 86_400.0;

/// How the running daemon stands
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Its control socket (default: the only live one)
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Configuration of the daemon, instead of its socket
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    config: Option<PathBuf>,
    /// Look again every second, until Ctrl-C or its end
    #[arg(short, long)]
    watch: bool,
    /// Print JSON; with --watch one object per line
    #[arg(long)]
    json: bool,
}

impl StatusArgs {
    /// Shows it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let socket = match self.socket.clone() {
            Some(socket) => socket,
            None => find(self.config.as_deref())?,
        };
        // Only where it would be seen.
        let clears = self.watch && !self.json && std::io::stdout().is_terminal();
        loop {
            let standing = send(&socket, &ControlCommand::Status)?;
            let text = match &standing {
                Standing::Scan(sample) => progress_line(sample, WIDTH) + "\n",
                Standing::Service(status) => screen(status),
            };
            match (&standing, self.json, self.watch) {
                (_, false, _) => put(&format!("{}{text}", if clears { "\x1b[H\x1b[2J" } else { "" }))?,
                (Standing::Scan(sample), true, false) => put_json(sample)?,
                (Standing::Service(status), true, false) => put_json(status)?,
                (Standing::Scan(sample), true, true) => put(&(serde_json::to_string(sample)? + "\n"))?,
                (Standing::Service(status), true, true) => put(&(serde_json::to_string(status)? + "\n"))?,
            }
            if !self.watch {
                return Ok(ExitCode::SUCCESS);
            }
            std::thread::sleep(EVERY);
        }
    }
}

/// The state of a daemon, for people: a few lines.
pub(super) fn screen(status: &ServiceStatus) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14} {value}");
    };
    let holds: Vec<_> = status.holds.iter().map(|hold| hold.shown()).collect();
    let state = match &status.watch {
        _ if !holds.is_empty() => format!("nothing is sent: {}", holds.join(", ")),
        watch if watch.is_store_behind => format!("{STORE_BEHIND} ({})", grouped(watch.states_waiting)),
        watch if watch.is_unanswered => format!("little is sent: {UNANSWERED}"),
        _ => "probing".to_owned(),
    };
    line("state", &format!("{state}; up {}, version {}", duration(status.uptime_s), status.version));
    if let Some(problem) = &status.kill_switch_problem {
        line("", &format!("kill switch: {problem}"));
    }
    let watch = &status.watch;
    line("probing", &progress_line(&watch.probing, WIDTH));
    let standings = &watch.standings;
    let targets = format!(
        "{} targets: {} with a known device, {} answering, {} gone, {} silent, {} new, {} honeypots",
        grouped(watch.targets),
        grouped(standings.device),
        grouped(standings.answering),
        grouped(standings.gone),
        grouped(standings.silent),
        grouped(standings.new),
        grouped(standings.honeypot)
    );
    line("watch", &targets);
    let plan = format!(
        "{} visits, {} found a change; needs {:.1} probes/s of {:.1}, {} visits due",
        grouped(watch.visits),
        grouped(watch.changes),
        watch.plan.needed_pps,
        watch.plan.allowed_pps,
        grouped(watch.plan.due_visits)
    );
    line("plan", &plan);
    if standings.new > 0 && watch.plan.first_round_s > 0.0 {
        line("", &first_round(standings.new, watch.plan.first_round_s));
    }
    if watch.plan.behind_s > 0 {
        line("", &format!("the longest overdue visit waits for {}", duration(watch.plan.behind_s.into())));
    }
    if watch.visits_interrupted > 0 {
        let interrupted = grouped(watch.visits_interrupted);
        line("", &format!("{interrupted} visits were interrupted by the way out or beyond, and come again"));
    }
    if let Some(advice) = &watch.plan.advice {
        line("", advice);
    }
    let rollout = &status.rollout;
    let share = format!(
        "{} % of the targets (step {} of {}), {:.2} % errors, {} complaints",
        (rollout.share * 1e4).round() / 1e2,
        rollout.step,
        rollout.steps,
        rollout.errors * 100.0,
        rollout.complaints
    );
    line("roll-out", &share);
    if let Some(halt) = &rollout.halt {
        line("", &format!("stopped: {halt}"));
    }
    let exclusions = &status.exclusions;
    let excluded = grouped(exclusions.addresses);
    let ranges = grouped(exclusions.ranges as u64);
    line("exclusions", &format!("{excluded} addresses in {ranges} ranges, read {}", exclusions.loaded_at));
    if let Some(problem) = &exclusions.problem {
        line("", &format!("not taken over: {problem}"));
    }
    let signatures = &status.signatures;
    line("signatures", &format!("{} devices, version {}", grouped(signatures.devices as u64), signatures.version));
    let nights = nights(&status.upkeep);
    if !nights.is_empty() {
        line("nightly work", &nights);
    }
    line("configuration", &format!("{}, read {}", status.configuration.file, status.configuration.loaded_at));
    for problem in &status.configuration.problems {
        line("", &format!("not taken over: {problem}"));
    }
    text
}

/// Of the policy's clock, which is the wall's but in a laboratory.
fn first_round(addresses: u64, seconds: f64) -> String {
    let time = if seconds < LIFETIME_S { format!("about {}", duration(seconds)) } else { "no end of them".to_owned() };
    format!("first visits to {} addresses are left: {time} at this rate", grouped(addresses))
}

/// Whether the work of a night is under way, and when each part of it last went well.
fn nights(upkeep: &UpkeepStatus) -> String {
    let parts =
        [("networks", upkeep.learnt_at_s), ("export", upkeep.exported_at_s), ("retention", upkeep.retired_at_s)];
    let done = parts.into_iter().filter_map(|(what, at_s)| {
        let at = UtcMicros(at_s?.saturating_mul(1_000_000));
        Some(format!("{what} last went well {at}"))
    });
    upkeep.nightly_under_way.then(|| "under way".to_owned()).into_iter().chain(done).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service_status::{ExclusionStatus, Hold, RolloutStatus, SignatureStatus, SourceStatus};

    #[test]
    fn what_is_wrong_stands_beside_what_it_concerns() {
        let status = ServiceStatus {
            version: "1.2.3".into(),
            uptime_s: 93_784.0,
            holds: vec![Hold::KillSwitch, Hold::Rollout],
            kill_switch_problem: Some("/etc/prober cannot be looked at: Permission denied".into()),
            configuration: SourceStatus {
                file: "/etc/prober/daemon.toml".into(),
                loaded_at: "2026-11-21T07:50:00Z".into(),
                problems: vec!["/etc/prober/daemon.toml:3: no".into()],
            },
            exclusions: ExclusionStatus {
                addresses: 1_234_567,
                ranges: 10_000,
                loaded_at: "2026-11-21T08:00:00Z".into(),
                problem: Some("optout.txt:7: garbage".into()),
            },
            rollout: RolloutStatus {
                share: 0.1,
                step: 2,
                steps: 4,
                errors: 0.012,
                complaints: 3,
                halt: Some("3 complaints in this step, the limit is 3".into()),
            },
            signatures: SignatureStatus { devices: 312, version: "00c0ffee00c0ffee".into() },
            ..ServiceStatus::default()
        };
        insta::assert_snapshot!(screen(&status));
    }

    #[test]
    fn an_outage_is_no_ordinary_probing() {
        let mut status = ServiceStatus::default();
        status.watch.is_unanswered = true;
        status.watch.visits_interrupted = 1_234;
        status.watch.plan.behind_s = 7_260;
        status.upkeep =
            UpkeepStatus { nightly_under_way: true, retired_at_s: Some(1_795_230_000), ..UpkeepStatus::default() };
        let shown = screen(&status);
        for part in [
            "state          little is sent: none of the addresses known to answer does",
            "waits for 2 h 01 min\n",
            "1,234 visits were interrupted",
            "nightly work   under way, retention last went well 2026-11-21T",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        status.holds = vec![Hold::LinkDown];
        assert!(screen(&status).starts_with("state          nothing is sent: the interface is down;"));
    }

    #[test]
    fn a_database_that_is_behind_is_told() {
        let mut status = ServiceStatus::default();
        (status.watch.is_store_behind, status.watch.states_waiting) = (true, 200_001);
        let behind =
            "the database is behind, and no visits are begun until it has taken the states that wait (200,001);";
        assert!(screen(&status).starts_with(&format!("state          {behind}")), "{}", screen(&status));
        status.holds = vec![Hold::LinkDown];
        assert!(screen(&status).starts_with("state          nothing is sent: the interface is down;"));
    }
}
