//! Commands that look into a running daemon, run as people run them. The daemon is its service behind a real socket, without
//! the probing: what the deciding thread would say of an address is made up here.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use prober_userspace::cli::config::Config;
use prober_userspace::cli::daemon::exclusion_watch::ExclusionWatch;
use prober_userspace::cli::daemon::service::{Moment, Parts, Service};
use prober_userspace::io::clock::utc_now;
use prober_userspace::io::control::ControlServer;
use prober_userspace::io::store::{Access, Store};
use prober_userspace::model::outlook::Outlook;
use prober_userspace::model::watch::WatchStatus;
use prober_userspace::target::shared_exclusions::SharedExclusions;

/// How often a daemon is asked for something that comes about by itself; each time takes a command's start.
const MOST_ASKED: usize = 2_000;

/// A daemon without its probing; ends when it is dropped.
struct Daemon {
    folder: tempfile::TempDir,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            "[operator]\nname = \"Example\"\ncontact = \"mailto:scan@example.org\"\n[targets]\nranges = \"8.8.0.0/16\"\n\
             [exclusions]\nfiles = \"{at}/optout.txt\"\n[store]\ndatabase = \"{at}/daemon.duckdb\"\n\
             [control]\nsocket = \"{at}/daemon.sock\"\nkill-switch = \"{at}/STOP\"\n{more}"
        );
        std::fs::write(folder.path().join("daemon.toml"), text).unwrap();
        std::fs::write(folder.path().join("optout.txt"), "8.8.8.0/24\n").unwrap();
        let mut daemon = Self { folder, ends: Arc::default(), thread: None };
        daemon.run();
        daemon
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn run(&mut self) {
        let file = self.at().join("daemon.toml");
        let ends = Arc::clone(&self.ends);
        let (server, events) = ControlServer::listen(&self.at().join("daemon.sock")).unwrap();
        let config = Config::load(&file).unwrap();
        let store = Store::open(&config.settings.database, Access::Write).unwrap();
        let watch = ExclusionWatch::new(config.settings.exclusions.clone(), false, Vec::new()).unwrap();
        let exclusions = SharedExclusions::new(watch.exclusions());
        let parts = Parts { file, config, exclusions, watch, store, log_format: None, fresh_key: 7 };
        let start = Instant::now();
        let moment = move || Moment { uptime: start.elapsed(), utc: utc_now() };
        self.thread = Some(std::thread::spawn(move || {
            let _server = server;
            let mut service = Service::new(parts, utc_now()).unwrap();
            while !ends.load(Ordering::Relaxed) {
                if let Ok(event) = events.recv_timeout(Duration::from_millis(5)) {
                    service.answer(event, moment());
                }
                service.turn(moment(), &WatchStatus { targets: 65_536, ..WatchStatus::default() });
                for question in service.asked() {
                    let address = question.address.to_string();
                    let is_target = address.starts_with("8.8.");
                    let scheme = "standard".to_owned();
                    (question.answer)(is_target.then(|| Outlook { address, scheme, ..Outlook::default() }));
                }
            }
        }));
    }

    /// Ends it; the database is anybody's then.
    fn end(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prober"));
        command.args(arguments).args(["--config", "daemon.toml"]).current_dir(self.at()).env_remove("PROBER_DB");
        command.stdin(Stdio::null());
        command
    }

    fn prober(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints that must succeed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.prober(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The single line of a command that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.prober(arguments);
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && line.trim_end().lines().count() == 1, "{arguments:?}: {line}");
        line
    }
}

/// A command with more arguments.
fn of<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

#[test]
fn lists_and_removals_reach_it_and_look_as_of_a_database() {
    let mut daemon = Daemon::start("");
    for range in ["8.8.9.0/24", "8.8.10.1"] {
        daemon.succeeds(&["exclude", "add", range, "--reason", "asked by mail"]);
    }
    daemon.succeeds(&["complaint", "add", "example.net, by mail"]);
    assert!(daemon.fails(&["exclude", "remove", "8.8.9.0/25"]).contains("nothing was removed"));
    let excluded = |text: &str| text.split(" excludes ").nth(1).unwrap().to_owned();
    let before = daemon.succeeds(&["exclude", "add", "8.8.11.0/24", "--reason", "x"]);
    let removed = daemon.succeeds(&["exclude", "remove", "8.8.9.0/24", "8.8.11.0/24"]);
    assert!(removed.starts_with("removed 2 ranges; the daemon now excludes "), "{removed}");
    assert_ne!(excluded(&before), excluded(&removed));
    let lists = [
        &["exclude", "list"][..],
        &["exclude", "list", "--json"],
        &["complaint", "list"],
        &["complaint", "list", "--json"],
    ];
    let told = lists.map(|list| daemon.succeeds(list));
    assert!(told[0].contains("8.8.10.1") && !told[0].contains("8.8.9.0"), "{}", told[0]);
    assert!(daemon.fails(&["exclude", "list", "--db", "daemon.duckdb"]).contains("in use by"));
    daemon.end();
    assert_eq!(lists.map(|list| daemon.succeeds(list)), told, "as the database has it");
    assert!(daemon.fails(&["exclude", "list", "--socket", "daemon.sock"]).contains("no prober listens"));
    daemon.succeeds(&["exclude", "remove", "8.8.10.1"]);
    assert_eq!(daemon.succeeds(&["exclude", "list", "--json"]).trim(), "[]");
}

#[test]
fn whether_an_address_is_excluded_is_told_as_the_daemon_has_it() {
    let mut daemon = Daemon::start("");
    daemon.succeeds(&["exclude", "add", "8.8.9.0/24", "--reason", "asked by mail"]);
    let test = |daemon: &Daemon, more: &[&str]| {
        let output =
            daemon.prober(&of(&["exclude", "test", "--json", "8.8.8.1", "8.8.9.1", "10.0.0.1", "8.8.10.1"], more));
        assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "the last one is on no list");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        told.as_array().unwrap().iter().map(|line| line["by"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    let running = test(&daemon, &[]);
    assert!(running[0].ends_with("optout.txt") && running[2].contains("IANA special"), "{running:?}");
    assert_eq!((running[1].as_str(), running[3].as_str()), ("asked by mail", ""));
    assert_eq!(test(&daemon, &["--allow-special"])[2], "");
    daemon.end();
    let stopped = test(&daemon, &[]);
    assert_eq!((&stopped[0], &stopped[2], &stopped[3]), (&running[0], &running[2], &running[3]));
    assert!(stopped[1].contains("daemon.duckdb (asked by mail)"), "{stopped:?}");
    let of_the_database = test(&daemon, &["--db", "daemon.duckdb"]);
    assert_eq!((of_the_database[0].as_str(), &of_the_database[2..]), ("", &stopped[2..]));
    assert!(of_the_database[1].ends_with("daemon.duckdb (asked by mail)"), "{of_the_database:?}");
}

#[test]
fn who_is_not_visited_and_why_is_told_as_it_is_now() {
    let daemon = Daemon::start("[roll-out]\nsteps = [\"50%\", \"100%\"]\n");
    let held_back = |address: &str| -> Option<String> {
        let told: Outlook = serde_json::from_str(&daemon.succeeds(&["plan", "why", address, "--json"])).unwrap();
        assert_eq!((told.address.as_str(), told.scheme.as_str()), (address, "standard"));
        told.held_back
    };
    let file = format!("excluded ({}/optout.txt)", daemon.at().display());
    assert_eq!(held_back("8.8.8.1"), Some(file));
    daemon.succeeds(&["exclude", "add", "8.8.9.0/24", "--reason", "asked by mail"]);
    assert_eq!(held_back("8.8.9.1").as_deref(), Some("excluded (asked by mail)"));
    let told = daemon.succeeds(&["plan", "why", "8.8.9.1"]);
    assert_eq!(told.lines().nth(1), Some("not visited  excluded (asked by mail)"), "{told}");
    daemon.succeeds(&["exclude", "remove", "8.8.9.0/24"]);
    let outside = "outside of the 50 % of the targets that are watched so far";
    let of_all: Vec<_> = (1..=20).map(|last| held_back(&format!("8.8.9.{last}"))).collect();
    assert!(of_all.iter().all(|why| why.as_deref().is_none_or(|why| why == outside)), "{of_all:?}");
    let watched = 1 + of_all.iter().position(Option::is_none).expect("half of them are watched");
    assert!(of_all.contains(&Some(outside.to_owned())));
    std::fs::write(daemon.at().join("STOP"), "").unwrap();
    let socket = ["control", "--socket", "daemon.sock", "status", "--json"];
    let holds = || {
        let output = Command::new(env!("CARGO_BIN_EXE_prober")).args(socket).current_dir(daemon.at()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains("kill_switch\"")
    };
    assert!((0..MOST_ASKED).any(|_| holds()), "the kill switch is seen");
    assert_eq!(held_back(&format!("8.8.9.{watched}")).as_deref(), Some("nothing is sent (kill switch)"));
    assert!(daemon.fails(&["plan", "why", "8.9.0.1"]).contains("8.9.0.1 is not among the 65536 watched addresses"));
}

#[test]
fn its_database_is_asked_as_if_it_were_anybodys() {
    let mut daemon = Daemon::start("");
    daemon.succeeds(&["exclude", "add", "8.8.9.0/24", "--reason", "a, \"b\""]);
    let query = "SELECT ip(first) AS first, reason FROM exclusion";
    let formats = [
        &["sql", query][..],
        &["sql", query, "--format", "csv"],
        &["sql", query, "--json"],
        &["sql", ".schema exclusion"],
    ];
    let told = formats.map(|command| {
        let output = daemon.prober(&of(command, &["--db", "daemon.duckdb"]));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("daemon.duckdb is in use by the daemon; asking"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        String::from_utf8(output.stdout).unwrap()
    });
    assert_eq!(told[1], "first,reason\n8.8.9.0,\"a, \"\"b\"\"\"\n");
    // Without a name, where no other database is; or by the socket.
    assert_eq!(daemon.succeeds(formats[1]), told[1]);
    let by_socket = daemon.prober(&of(formats[1], &["--socket", "daemon.sock"]));
    assert_eq!((by_socket.stdout.as_slice(), by_socket.stderr.as_slice()), (told[1].as_bytes(), &b""[..]));
    // Never another one than is meant.
    drop(Store::open(&daemon.at().join("prober.duckdb"), Access::Write).unwrap());
    assert_eq!(daemon.succeeds(formats[1]), "first,reason\n");
    let other = daemon.fails(&of(formats[1], &["--socket", "daemon.sock", "--db", "prober.duckdb"]));
    assert!(other.contains("the daemon's database is "), "{other}");

    let asked = |sql: &str| daemon.fails(&["sql", sql, "--socket", "daemon.sock"]);
    assert!(asked("DELETE FROM exclusion").contains("only lets read"));
    assert!(asked("COPY exclusion TO 'x.csv'").contains("only lets read"));
    assert!(asked("FROM 'optout.txt'").contains("reads no files"));
    assert!(asked("SELECT 1; SELECT 2").contains("one query at a time"));
    assert!(daemon.fails(&["sql", "SELECT 1", "--timeout", "1h"]).contains("--timeout"));
    let cut = daemon.prober(&["sql", "FROM range(20000)", "--format", "csv", "--socket", "daemon.sock"]);
    assert_eq!(String::from_utf8(cut.stdout).unwrap().lines().count(), 10_001);
    assert!(String::from_utf8(cut.stderr).unwrap().contains("rows are missing"));
    daemon.end();
    let same = formats.map(|command| daemon.succeeds(&of(command, &["--db", "daemon.duckdb"])));
    assert_eq!(same, told);
}

#[test]
fn long_queries_hold_up_nobody_and_end_with_it() {
    let mut daemon = Daemon::start("");
    let endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * 7 + b.range) % 1000003 = 5";
    let long = ["sql", endless, "--timeout", "10m", "--socket", "daemon.sock"];
    let start = || daemon.command(&long).stderr(Stdio::piped()).spawn().unwrap();
    let mut readers = vec![start(), start()];
    let mut asked = 0..MOST_ASKED;
    let refusal = loop {
        asked.next().expect("two endless queries leave no room");
        let output = daemon.prober(&["sql", "SELECT 1", "--socket", "daemon.sock"]);
        if !output.status.success() {
            break String::from_utf8(output.stderr).unwrap();
        }
        // A reader that came while this short query was read was refused itself.
        for reader in &mut readers {
            if reader.try_wait().unwrap().is_some() {
                *reader = start();
            }
        }
    };
    assert!(refusal.contains("2 others read the database just now"), "{refusal}");
    // Whoever names the database hears the same, and what is short waits for nothing that is long.
    let busy = daemon.fails(&["sql", "SELECT 1", "--db", "daemon.duckdb"]);
    assert!(busy.contains("in use by ") && busy.contains("2 others read the database just now"), "{busy}");
    daemon.succeeds(&["exclude", "list"]);
    daemon.succeeds(&["exclude", "test", "8.8.8.8"]);
    daemon.succeeds(&["complaint", "list"]);
    // Whoever leaves makes room.
    let mut left = readers.remove(0);
    left.kill().unwrap();
    left.wait().unwrap();
    while !daemon.prober(&["sql", "SELECT 1", "--socket", "daemon.sock"]).status.success() {
        asked.next().expect("a reader that left makes room");
    }
    // Neither the service nor the socket waits for them.
    daemon.succeeds(&["exclude", "add", "8.8.9.0/24", "--reason", "x"]);
    daemon.end();
    for reader in readers {
        let output = reader.wait_with_output().unwrap();
        assert!(!output.status.success() && !output.stderr.is_empty());
    }
}

#[test]
fn what_stands_in_the_way_to_it_is_told() {
    let daemon = Daemon::start("");
    // Below a file nothing can be reached or looked for, not even by root.
    let file = daemon.at().join("daemon.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("/daemon.sock", "/optout.txt/daemon.sock");
    std::fs::write(&file, text).unwrap();
    let unreached = daemon.fails(&["sql", "SELECT 1"]);
    assert!(unreached.contains("it cannot be told whether a daemon runs") && unreached.contains("sudo"), "{unreached}");
    let held = daemon.fails(&["sql", "SELECT 1", "--db", "daemon.duckdb"]);
    assert!(held.contains("in use by ") && held.contains("cannot connect to the control socket"), "{held}");
    let hidden = daemon.fails(&["report", "--db", "optout.txt/daemon.duckdb"]);
    assert!(hidden.contains("cannot be looked for: "), "{hidden}");
    assert!(daemon.fails(&["report", "--db", "gone.duckdb"]).contains("not found"));
}

#[test]
fn nesting_without_end_does_it_no_harm() {
    let daemon = Daemon::start("");
    let nested = |depth: usize| format!("SELECT {}1{}", "abs(".repeat(depth), ")".repeat(depth));
    let parens = format!("SELECT {}1{}", "(".repeat(50_000), ")".repeat(50_000));
    let queries = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(900), ")".repeat(900));
    let sum = format!("SELECT {}1", "1+".repeat(20_000));
    let deep = [nested(300), nested(990), nested(20_000), parens, queries, sum];
    for sql in deep {
        let output = daemon.prober(&["sql", &sql, "--socket", "daemon.sock"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() || said.starts_with("prober: refused: sql: "), "{sql:.60}: {said:.300}");
        daemon.succeeds(&["sql", "SELECT 1", "--socket", "daemon.sock"]);
    }
    daemon.succeeds(&["sql", &nested(20), "--socket", "daemon.sock"]);
}

/// A finished scan and open ports, and a cluster.
const FOUND: &str = "
    INSERT INTO scan (id, started_at, ended_at, status, operator, host, program_version, command, settings, seed,
                      plan_fingerprint, targets, ports, probes_planned, shard_index, shard_count, rate_pps, engine, interface)
    VALUES (1, TIMESTAMP '2026-01-01 00:00:00', TIMESTAMP '2026-01-01 00:01:00', 'finished', 'me', 'here', '1', 'prober scan',
            '{}', 1, 1, 300, '80', 300, 0, 1, 100, 'packet', 'eth0');
    INSERT INTO open_tcp_port SELECT 134744064 + n // 2, CASE WHEN n % 2 = 0 THEN 80 ELSE 443 END, TIMESTAMP '2026-01-01'
    FROM range(40) t(n)";
const CLUSTER: &str = "INSERT INTO cluster VALUES (0, 'wired', 48, 0, 7, 1, 20, 40, TIMESTAMP '2026-01-01 00:00:00')";

/// What commands print, or the line with which they fail, and the page of a report.
fn seen(daemon: &Daemon, looks: &[&[&str]]) -> (Vec<String>, Option<String>) {
    let database = daemon.at().join("daemon.duckdb");
    let named = ["--db", database.to_str().unwrap()];
    let said = looks.iter().map(|look| {
        let output = daemon.prober(&of(look, &named));
        let said = if output.status.success() { output.stdout } else { output.stderr };
        String::from_utf8(said).unwrap().replace("refused: ", "")
    });
    let said = said.collect();
    let page = daemon.at().join("page.html");
    let drawn = std::fs::read_to_string(&page).ok();
    let _ = std::fs::remove_file(&page);
    (said, drawn)
}

#[test]
fn reports_and_plans_look_the_same_whether_it_runs_or_not() {
    let mut daemon = Daemon::start("");
    // A report holds the plan of clusters from now on, so those come later.
    let looks: [(&str, &[&[&str]]); 2] = [
        (
            FOUND,
            &[
                &["report"],
                &["report", "--scan", "1", "--json", "--html", "page.html"],
                &["report", "--scan", "7"],
                &["plan", "show", "--cluster", "3"],
                &["ports", "derive"],
                &["ports", "derive", "--coverage", "0.5", "--json"],
                &["ports", "derive", "--above", "100"],
            ],
        ),
        (CLUSTER, &[&["plan", "list"], &["plan", "list", "--json"], &["plan", "show", "--cluster", "3"]]),
    ];
    let mut stopped = Vec::new();
    for (rows, looks) in looks {
        daemon.end();
        let store = Store::open(&daemon.at().join("daemon.duckdb"), Access::Write).unwrap();
        store.connection().execute_batch(rows).unwrap();
        drop(store);
        stopped.push(seen(&daemon, looks));
        daemon.ends = Arc::default();
        daemon.run();
        assert_eq!(Some(&seen(&daemon, looks)), stopped.last());
    }
    let ((of_found, page), (of_cluster, _)) = (&stopped[0], &stopped[1]);
    assert!(of_found[4].contains("20 addresses with open ports"), "{of_found:?}");
    assert!(of_found[2].contains("no scan 7") && of_found[3].contains("there are no clusters yet"), "{of_found:?}");
    assert!(page.as_ref().is_some_and(|page| page.starts_with("<!")));
    assert!(of_cluster[2].contains("there is no cluster 3"), "{of_cluster:?}");
    let plan = ["plan", "show", "--cluster", "0", "--db", "daemon.duckdb"];
    assert!(daemon.succeeds(&plan).starts_with("Cluster 0: 1 wired networks"));
    assert!(daemon.fails(&of(&plan, &["--within", "9999"])).contains("--within 9999"));
    // By its socket, or where no other database is; never another one than is meant.
    assert_eq!(daemon.succeeds(&["plan", "list", "--socket", "daemon.sock"]), of_cluster[0]);
    assert_eq!(daemon.succeeds(&["plan", "list"]), of_cluster[0]);
    drop(Store::open(&daemon.at().join("prober.duckdb"), Access::Write).unwrap());
    assert_ne!(daemon.succeeds(&["plan", "list"]), of_cluster[0], "that of scans is another one");
    let other = daemon.fails(&["report", "--socket", "daemon.sock", "--db", "prober.duckdb"]);
    assert!(other.contains("the daemon's database is "), "{other}");
}
