//! The service on its own, with a clock of the test's: what holds sending back, reloads, exclusions, roll-out.

mod exclusions;
mod forgetting;
mod night;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prober_common::address::V4;
use prober_common::event::ReplyKind;
use tempfile::TempDir;

use super::service::{Moment, Orders, Parts, Service};
use super::watch_exclusions;
use crate::cli::config::Config;
use crate::cli::log_format::LogFormat;
use crate::io::control::{ControlCommand, ControlReply};
use crate::io::store::{Access, Store};
use crate::model::request::RateLimit;
use crate::model::service_status::{Hold, ServiceStatus};
use crate::model::status::ReplyCounts;
use crate::model::utc::UtcMicros;
use crate::model::watch::WatchStatus;
use crate::target::exclusions::Exclusions;
use crate::target::shared_exclusions::SharedExclusions;

struct Stage {
    folder: TempDir,
    service: Service,
    watched: WatchStatus,
    exclusions: std::sync::Arc<SharedExclusions>,
    now: Duration,
}

const START: UtcMicros = UtcMicros(1_795_230_000_000_000);

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn configuration(folder: &Path, more: &str) -> String {
    let folder = folder.display();
    format!(
        "[operator]\nname = \"Example\"\ncontact = \"mailto:scan@example.org\"\n[targets]\nranges = \"8.8.0.0/16\"\n\
         [exclusions]\nfiles = \"{folder}/optout.txt\"\n[control]\nkill-switch = \"{folder}/STOP\"\n{more}"
    )
}

const STEPS: &str = "[roll-out]\nsteps = [\"10%\", \"100%\"]\nstep-time = \"1h\"\ncomplaints = 2\nerrors = \"10%\"\n";

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "optout.txt", "8.8.8.0/24\n");
    write(folder.path(), "daemon.toml", &configuration(folder.path(), STEPS));
    start(folder)
}

fn start(folder: TempDir) -> Stage {
    start_with(folder, None)
}

fn start_with(folder: TempDir, log_format: Option<LogFormat>) -> Stage {
    let file = folder.path().join("daemon.toml");
    let config = Config::load(&file).unwrap();
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    let watch = watch_exclusions(&store, &config.settings).unwrap();
    let exclusions = SharedExclusions::new(watch.exclusions());
    let shared = std::sync::Arc::clone(&exclusions);
    let parts = Parts { file, config, exclusions: shared, watch, store, log_format, fresh_key: 7 };
    let service = Service::new(parts, START).unwrap();
    Stage { folder, service, watched: WatchStatus::default(), exclusions, now: Duration::ZERO }
}

impl Stage {
    fn moment(&self) -> Moment {
        Moment { uptime: self.now, utc: UtcMicros(START.0 + self.now.as_micros() as i64) }
    }

    fn pass(&mut self, time: Duration) -> Orders {
        self.now += time;
        self.service.turn(self.moment(), &self.watched)
    }

    fn look(&mut self) -> Orders {
        self.pass(Duration::from_millis(100))
    }

    fn command(&mut self, command: ControlCommand) -> Result<ServiceStatus, String> {
        match self.service.command(command, "tester", self.moment()) {
            ControlReply::Service(status) => Ok(*status),
            ControlReply::Refused { reason } => Err(reason),
            _ => panic!("a daemon answers as one"),
        }
    }

    fn audited(&self, what: &str) -> u32 {
        let query = "SELECT count(*)::UINTEGER FROM audit WHERE what = ?";
        self.service.store().connection().query_row(query, [what], |row| row.get(0)).unwrap()
    }
}

fn current(stage: &Stage) -> Exclusions {
    stage.exclusions.current()
}

const OUT: V4 = V4(0x0808_0801);
const ASKED: V4 = V4(0x0808_0901);

#[test]
fn anything_that_holds_holds_and_only_nothing_lets_go() {
    let mut stage = stage();
    assert!(!stage.look().hold);
    let switch = write(stage.folder.path(), "STOP", "");
    assert!(stage.look().hold);
    let status = stage.command(ControlCommand::Pause).unwrap();
    assert_eq!(status.holds, [Hold::Operator, Hold::KillSwitch]);
    fs::remove_file(switch).unwrap();
    assert!(stage.look().hold, "still paused");
    assert!(stage.command(ControlCommand::Resume).unwrap().holds.is_empty());
    assert!(!stage.look().hold);
    assert_eq!(stage.audited("daemon.kill_switch"), 2);
    stage.command(ControlCommand::Stop).unwrap();
    assert!(stage.look().stop);
}

#[test]
fn a_reload_takes_over_all_or_nothing() {
    let mut stage = stage();
    write(stage.folder.path(), "optout.txt", "8.8.9.0/24\n");
    let text =
        configuration(stage.folder.path(), "[roll-out]\nsteps = \"50%\"\nrate = 5\n[probing]\nrate = \"fast\"\n");
    write(stage.folder.path(), "daemon.toml", &text);
    let refusal = stage.command(ControlCommand::Reload).unwrap_err();
    assert!(refusal.contains("daemon.toml:12: unknown key \"rate\" in [roll-out]"), "{refusal}");
    assert!(refusal.contains("daemon.toml:14: probing.rate: \"fast\" is not a rate"), "{refusal}");
    assert!((stage.look().share.size() - 0.1).abs() < 1e-6);
    assert!(current(&stage).contains(OUT), "the configuration's own reload changed nothing");
    assert_eq!(stage.command(ControlCommand::Status).unwrap().configuration.problems.len(), 2);

    let text = configuration(stage.folder.path(), "[roll-out]\nsteps = \"50%\"\n[probing]\nrate = \"5k\"\n");
    write(stage.folder.path(), "daemon.toml", &text);
    let status = stage.command(ControlCommand::Reload).unwrap();
    assert!(status.configuration.problems.is_empty());
    let orders = stage.look();
    assert!((orders.share.size() - 0.5).abs() < 1e-6);
    assert_eq!((orders.rate, stage.look().rate), (Some(RateLimit::Packets(5_000.0)), None), "the change, once");
    assert!(!current(&stage).contains(OUT) && current(&stage).contains(ASKED));
    assert_eq!((stage.audited("config.refused"), stage.audited("config.reload")), (1, 1));

    write(stage.folder.path(), "optout.txt", "<html>\n");
    assert!(stage.command(ControlCommand::Reload).unwrap_err().contains("optout.txt:1: "));
    assert!(current(&stage).contains(ASKED));
}

const SIGNATURE: &str = "maker = \"Example\"\n[[device]]\nname = \"Example CAM-1\"\nsource = \"a lab\"\n\
                         keywords = [{ regex = 'Server: EXAMPLE-CAM-1/', weight = 1.0 }]\n";

#[test]
fn a_reload_exchanges_signatures_and_a_broken_file_keeps_the_old_ones() {
    let mut stage = stage();
    assert!(stage.look().signatures.is_none(), "the watch began with those of the start");
    let before = stage.command(ControlCommand::Status).unwrap().signatures;
    let folder = stage.folder.path().join("signatures");
    fs::create_dir(&folder).unwrap();
    write(&folder, "example.toml", SIGNATURE);
    let named = format!("[banners]\nsignatures = \"{}\"\n", folder.display());
    let text = configuration(stage.folder.path(), &format!("{STEPS}{named}"));
    write(stage.folder.path(), "daemon.toml", &text);
    let after = stage.command(ControlCommand::Reload).unwrap().signatures;
    assert_eq!(after.devices, before.devices + 1);
    let orders = stage.look();
    let database = orders.signatures.expect("the watch is told");
    assert_eq!(database.version().to_string(), after.version);
    assert!(database.devices().iter().any(|device| device.name == "Example CAM-1"));
    assert!(stage.look().signatures.is_none(), "once");
    let kept = stage.command(ControlCommand::Reload).unwrap();
    assert!(kept.configuration.problems.is_empty() && stage.look().signatures.is_none(), "nothing changed");

    write(&folder, "example.toml", &SIGNATURE.replace("EXAMPLE-CAM", "EXAMPLE-(CAM"));
    let refusal = stage.command(ControlCommand::Reload).unwrap_err();
    assert!(refusal.contains("signatures/example.toml:5: keyword: "), "{refusal}");
    fs::remove_file(folder.join("example.toml")).unwrap();
    let refusal = stage.command(ControlCommand::Reload).unwrap_err();
    assert!(refusal.contains("banners.signatures: ") && refusal.contains("no *.toml file"), "{refusal}");
    assert_eq!(stage.command(ControlCommand::Status).unwrap().signatures, after);
    assert!(stage.look().signatures.is_none());
    assert_eq!((stage.audited("config.reload"), stage.audited("config.refused")), (2, 2));
}

#[test]
fn complaints_stop_it_also_those_that_came_while_it_did_not_run() {
    let mut stage = stage();
    let complain = || ControlCommand::Complain { text: "stop it".to_owned(), who: "me".to_owned() };
    assert!(stage.command(complain()).unwrap().holds.is_empty());
    stage.service.end(stage.moment().utc, "test");
    let Stage { folder, service, now, .. } = stage;
    drop(service);
    let store = Store::open(&folder.path().join("a.duckdb"), Access::Write).unwrap();
    store.add_complaint(UtcMicros(START.0 + now.as_micros() as i64 + 1), "me", "again").unwrap();
    drop(store);
    let mut stage = start(folder);
    assert!(stage.look().hold);
    let status = stage.command(ControlCommand::Status).unwrap();
    assert_eq!((status.holds, status.rollout.complaints), (vec![Hold::Rollout], 2));
    assert_eq!(stage.audited("rollout.change"), 1);
    assert!(stage.command(ControlCommand::Resume).unwrap().holds.is_empty());
    assert!(!stage.look().hold);
}

#[test]
fn the_share_grows_while_it_is_calm_and_errors_stop_it() {
    let mut stage = stage();
    assert!((stage.look().share.size() - 0.1).abs() < 1e-6);
    let turns = |stage: &mut Stage, count: u32, sent: u64, errors: u64| {
        for _ in 0..count {
            stage.watched.probing.sent += sent;
            // Each probe is a visit of its own.
            stage.watched.squared_probes += sent as f64;
            let mut counts = [0; ReplyKind::ALL.len()];
            let so_far = stage.watched.probing.replies.of(ReplyKind::Unreachable);
            let place = ReplyKind::ALL.iter().position(|kind| *kind == ReplyKind::Unreachable).unwrap();
            counts[place] = so_far + errors;
            stage.watched.probing.replies = ReplyCounts::new(counts);
            stage.pass(Duration::from_mins(1));
        }
    };
    turns(&mut stage, 61, 10_000, 100);
    assert!((stage.look().share.size() - 0.1).abs() < 1e-6, "nobody of the share was visited yet");
    stage.watched.targets = 65_536;
    turns(&mut stage, 1, 10_000, 100);
    assert!((stage.look().share.size() - 1.0).abs() < 1e-6, "it grew");
    turns(&mut stage, 30, 10_000, 3_000);
    assert!(stage.look().hold);
    assert_eq!(stage.audited("rollout.change"), 2);
}

#[test]
fn targets_that_were_left_out_since_the_start_need_no_visit_for_the_share_to_grow() {
    let mut stage = stage();
    // Of the watched tenth, only those of the lower half can still be visited.
    stage.watched.targets = 65_536;
    stage.watched.standings.new = 65_536 - 3_200;
    for _ in 0..62 {
        stage.pass(Duration::from_mins(1));
    }
    assert!((stage.look().share.size() - 0.1).abs() < 1e-6, "half of them were not visited");
    write(stage.folder.path(), "optout.txt", "8.8.128.0/17\n8.8.8.0/24\n");
    stage.pass(Duration::from_secs(1));
    stage.pass(Duration::from_secs(6));
    assert!((stage.look().share.size() - 1.0).abs() < 1e-6, "the others are excluded by now");
}

#[test]
fn what_cannot_be_looked_at_stops_as_well() {
    let mut stage = stage();
    assert!(!stage.look().hold);
    let text = configuration(stage.folder.path(), STEPS).replace("/STOP", "/gone/STOP");
    write(stage.folder.path(), "daemon.toml", &text);
    let status = stage.command(ControlCommand::Reload).unwrap();
    assert_eq!(status.holds, [Hold::KillSwitch]);
    assert!(status.kill_switch_problem.expect("it is told").contains("gone cannot be looked at"));
    assert!(stage.look().hold);
    fs::create_dir(stage.folder.path().join("gone")).unwrap();
    assert!(!stage.look().hold);
    assert_eq!(stage.audited("daemon.kill_switch"), 2);
}

#[test]
fn targets_that_leave_are_left_out_at_once_and_new_ones_are_told() {
    let mut stage = stage();
    let targets = |stage: &Stage, ranges: &str| {
        let text = configuration(stage.folder.path(), STEPS).replace("8.8.0.0/16", ranges);
        write(stage.folder.path(), "daemon.toml", &text);
    };
    targets(&stage, "8.8.0.0/21,8.9.0.0/24");
    stage.command(ControlCommand::Reload).unwrap();
    assert!(current(&stage).contains(ASKED), "no target any more");
    assert!(!current(&stage).contains(V4(0x0808_0001)));
    let detail = |stage: &Stage, path: &str| -> u64 {
        let query =
            "SELECT (detail->>?)::UBIGINT FROM audit WHERE what = 'config.reload' ORDER BY made_at DESC LIMIT 1";
        stage.service.store().connection().query_row(query, [path], |row| row.get(0)).unwrap()
    };
    assert_eq!(detail(&stage, "$.targets_left_out"), 65_536 - 2_048);
    assert_eq!(detail(&stage, "$.targets_at_next_start"), 256);
    assert_eq!(detail(&stage, "$.targets.addresses"), 2_048 + 256);
    // Changed exclusions bring nobody back, and a list as it was does.
    write(stage.folder.path(), "optout.txt", "8.8.10.0/24\n");
    stage.look();
    stage.pass(Duration::from_millis(400));
    assert!(current(&stage).contains(ASKED));
    stage.now += Duration::from_secs(1);
    targets(&stage, "8.8.0.0/16");
    stage.command(ControlCommand::Reload).unwrap();
    assert!(!current(&stage).contains(ASKED));
    assert_eq!((detail(&stage, "$.targets_left_out"), detail(&stage, "$.targets_at_next_start")), (0, 0));
}

#[test]
fn the_public_page_tells_what_is_in_force() {
    let mut stage = stage();
    stage.look();
    let before = stage.service.shown().attribution();
    assert!(before.probes.most_pps == 100 && before.probes.ports.contains(&23), "{before:?}");
    let more =
        "[probing]\nports = \"8080\"\nrate-per-address = 7\ntime-scale = 2\n[way-out]\nsource-ip = \"192.0.2.9\"\n";
    let text = configuration(stage.folder.path(), more).replace("\"Example\"", "\"Another\"");
    write(stage.folder.path(), "daemon.toml", &text);
    stage.command(ControlCommand::Reload).unwrap();
    let after = stage.service.shown().attribution();
    assert_eq!((after.operator.as_str(), &after.probes), ("Another", &before.probes));
    stage.watched.source = Some([192, 0, 2, 3].into());
    stage.pass(Duration::from_secs(10));
    let known = stage.service.shown().attribution().probes;
    assert_eq!((known.sources, known.ports), (vec![[192, 0, 2, 3].into()], before.probes.ports));
    let later: String = stage
        .service
        .store()
        .connection()
        .query_row("SELECT (detail->'$.at_next_start')::VARCHAR FROM audit WHERE what = 'config.reload'", [], |row| {
            row.get(0)
        })
        .unwrap();
    for setting in ["probing.ports", "probing.rate-per-address", "probing.time-scale", "way-out.source-ip"] {
        assert!(later.contains(setting), "{setting} in {later}");
    }
}

#[test]
fn a_pause_and_a_rate_outlive_a_restart() {
    let mut stage = stage();
    stage.command(ControlCommand::Pause).unwrap();
    stage.command(ControlCommand::Rate { pps: 77.0 }).unwrap();
    let restarted = |stage: Stage| {
        let Stage { folder, service, .. } = stage;
        drop(service);
        start(folder)
    };
    let mut stage = restarted(stage);
    let orders = stage.look();
    assert!(orders.hold && orders.rate == Some(RateLimit::Packets(77.0)), "{orders:?}");
    stage.command(ControlCommand::Resume).unwrap();
    // A rate that was configured since is newer than what was told.
    let text = configuration(stage.folder.path(), "[probing]\nrate = \"5k\"\n");
    write(stage.folder.path(), "daemon.toml", &text);
    let orders = restarted(stage).look();
    assert!(!orders.hold && orders.rate.is_none(), "{orders:?}");
}

#[test]
fn the_trail_says_who_and_what() {
    let mut stage = stage();
    for command in [ControlCommand::Pause, ControlCommand::Resume, ControlCommand::Rate { pps: 5.0 }] {
        stage.command(command).unwrap();
    }
    stage.command(ControlCommand::Reload).unwrap();
    stage.command(ControlCommand::Stop).unwrap();
    write(stage.folder.path(), "optout.txt", "8.8.8.0/24\n8.8.9.0/24\n");
    stage.look();
    stage.pass(Duration::from_millis(400));
    let connection = stage.service.store().connection();
    let by: String = connection
        .query_row("SELECT string_agg(what, ' ' ORDER BY what) FROM audit WHERE who = 'tester'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(by, "config.reload daemon.pause daemon.rate daemon.resume daemon.stop_asked");
    let query =
        "SELECT string_agg(detail->>'$.difference.added.ranges', ' ') FROM audit WHERE what = 'exclusions.reload'";
    let added: String = connection.query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(added, "[\"8.8.9.0/24\"]", "once");
    let query = "SELECT (detail->>'$.targets.addresses')::UBIGINT FROM audit WHERE what = 'daemon.start'";
    assert_eq!(connection.query_row(query, [], |row| row.get::<_, u64>(0)).unwrap(), 65_536);
}

#[test]
fn a_plan_that_cannot_be_met_is_told_once() {
    let mut stage = stage();
    stage.watched.plan.advice = Some("raise the rate".to_owned());
    for _ in 0..10 {
        stage.pass(Duration::from_secs(30));
    }
    assert_eq!(stage.audited("plan.advice"), 1);
    stage.watched.plan.advice = None;
    for _ in 0..10 {
        stage.pass(Duration::from_secs(30));
    }
    assert_eq!(stage.audited("plan.advice"), 2);
}

#[test]
fn figures_have_no_digits_that_nobody_configured() {
    let mut stage = stage();
    stage.look();
    let status = serde_json::to_string(&stage.command(ControlCommand::Status).unwrap().rollout).unwrap();
    assert!(status.contains("\"share\":0.1,"), "{status}");
    assert!(stage.service.shown().metrics().body.contains("prober_rollout_ratio 0.1\n"));
}

#[test]
fn the_log_stays_as_the_start_said() {
    let stage = stage();
    assert_eq!(stage.service.log_format(), LogFormat::Text);
    let Stage { folder, service, .. } = stage;
    drop(service);
    let mut stage = start_with(folder, Some(LogFormat::Json));
    stage.command(ControlCommand::Reload).unwrap();
    assert_eq!(stage.service.log_format(), LogFormat::Json, "the configuration says text");
}
