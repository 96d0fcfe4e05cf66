//! The commands on the database, run as people run them: output, exit codes, one line per error.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use prober_userspace::io::store::{Access, Store};

fn prober(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("PROBER_DB")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with an empty database.
fn with_database() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(&folder.path().join("prober.duckdb"), Access::Write).unwrap());
    folder
}

/// Standard output of a command that must succeed.
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = prober(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The single line of a command that must fail.
fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = prober(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let line = text(&output.stderr);
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    assert!(line.starts_with("prober: "), "{line}");
    line
}

#[test]
fn exclusions_are_stored_listed_tested_and_removed() {
    let folder = with_database();
    let at = folder.path();
    succeeds(
        at,
        &[
            "exclude",
            "add",
            "--db",
            "prober.duckdb",
            "203.0.113.0/25",
            "198.51.100.1-198.51.100.9",
            "--reason",
            "asked by mail",
        ],
    );
    let list: serde_json::Value = serde_json::from_str(&succeeds(at, &["exclude", "list", "--json"])).unwrap();
    assert_eq!(list[0]["range"], "198.51.100.1-198.51.100.9");
    assert_eq!((&list[1]["addresses"], &list[1]["reason"]), (&128.into(), &"asked by mail".into()));
    let tested = prober(at, &["exclude", "test", "--allow-special", "--json", "203.0.113.7", "203.0.113.200"]);
    assert_eq!(tested.status.code(), Some(1));
    let tested: serde_json::Value = serde_json::from_slice(&tested.stdout).unwrap();
    assert_eq!((&tested[0]["excluded"], &tested[1]["excluded"]), (&true.into(), &false.into()));
    assert!(fails(at, &["exclude", "remove", "203.0.113.0/24"]).contains("nothing was removed"));
    succeeds(at, &["exclude", "remove", "203.0.113.0/25"]);
    let trail =
        succeeds(at, &["sql", "--format", "csv", "SELECT what, count(*) AS n FROM audit GROUP BY what ORDER BY what"]);
    assert_eq!(trail, "what,n\nexclusion.add,2\nexclusion.remove,1\n");
}

#[test]
fn what_is_meant_for_a_daemon_never_ends_up_elsewhere() {
    let folder = with_database();
    let at = folder.path();
    let shown = at.display();
    let excluding = ["exclude", "add", "203.0.113.0/25", "--reason", "asked by mail", "--config", "daemon.toml"];
    let complaining = ["complaint", "add", "by mail", "--config", "daemon.toml"];
    let configure = |socket: &str| {
        let text = format!(
            "[operator]\nname = \"Example\"\ncontact = \"mailto:scan@example.org\"\n[targets]\nranges = \"8.8.8.0/24\"\n\
             [store]\ndatabase = \"{shown}/daemon.duckdb\"\n[control]\nsocket = \"{shown}/{socket}\"\n"
        );
        std::fs::write(at.join("daemon.toml"), text).unwrap();
    };
    for command in [&excluding[..], &complaining] {
        // A database of the same name as the default one lies here, and is nobody's.
        assert!(fails(at, command).contains("name the database with --db"));
        configure("daemon.sock");
        assert!(fails(at, command).contains("daemon.duckdb: not found"));
        // Whether somebody listens behind a file cannot be told.
        configure("daemon.toml/daemon.sock");
        assert!(fails(at, command).contains("nothing was done"));
        std::fs::remove_file(at.join("daemon.toml")).unwrap();
    }
    assert!(!at.join("daemon.duckdb").exists());
    configure("daemon.sock");
    drop(Store::open(&at.join("daemon.duckdb"), Access::Write).unwrap());
    assert!(succeeds(at, &excluding).contains("daemon.duckdb"));
    assert!(succeeds(at, &complaining).contains("daemon.duckdb"));
    let kept = Store::open(&at.join("daemon.duckdb"), Access::Read).unwrap();
    assert_eq!((kept.exclusions().unwrap().len(), kept.complaints().unwrap().len()), (1, 1));
    assert!(Store::open(&at.join("prober.duckdb"), Access::Read).unwrap().exclusions().unwrap().is_empty());
}

#[test]
fn a_daemon_that_cannot_start_tells_each_problem_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = "[operator]\nname = \"Example\"\nphone = 110\n[extra]\nx = 1\n[control]\nlog-format = \"json\"\n";
    std::fs::write(at.join("daemon.toml"), config).unwrap();
    let said = |arguments: &[&str]| {
        let output = prober(at, &[&["daemon", "--config", "daemon.toml"], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let lines = said(&["--log-format", "text"]);
    assert_eq!(lines.matches("unknown key \"phone\"").count(), 1, "{lines}");
    assert!(lines.lines().last().unwrap().contains("problems, told above"), "{lines}");
    let lines = said(&[]);
    assert_eq!(lines.matches("phone").count(), 1, "{lines}");
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "error");
    }
}

#[test]
fn a_configuration_that_is_hardly_meant_is_usable() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = "[operator]\nname = \"Example\"\ncontact = \"mailto:scan@example.org\"\n[targets]\nranges = \"8.8.0.0/16\"\n\
                  [probing]\nscheme = \"standard\"\nrate = 1\nrate-per-24 = 0\nrate-per-address = 0\n";
    std::fs::write(at.join("daemon.toml"), config).unwrap();
    let said = succeeds(at, &["config", "check", "daemon.toml"]);
    assert!(said.contains("warning: daemon.toml:8: the plan needs "), "{said}");
    assert!(said.contains("daemon.toml: no problem; 65,536 addresses"), "{said}");
    let said = succeeds(at, &["config", "check", "daemon.toml", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["usable"], &said["problems"]), (&true.into(), &serde_json::json!([])));
    assert!(said["warnings"].as_array().unwrap().iter().any(|warning| warning["line"] == 8), "{said}");
}

#[test]
fn exclusion_files_are_checked_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("good.txt"), "10.0.0.0/8 # ours\n10.1.0.0/16\n").unwrap();
    std::fs::write(at.join("bad.txt"), "10.0.0.0/8\n\n10.0.0.0/33\n").unwrap();
    let checked: serde_json::Value =
        serde_json::from_str(&succeeds(at, &["exclude", "check", "--json", "good.txt"])).unwrap();
    assert_eq!((&checked[0]["ranges"], &checked[0]["addresses"]), (&2.into(), &(1 << 24).into()));
    assert!(fails(at, &["exclude", "check", "good.txt", "bad.txt"]).contains("bad.txt:3: "));
    assert!(fails(at, &["exclude", "check", "none.txt"]).contains("none.txt"));
}

#[test]
fn queries_print_as_asked_and_fail_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(fails(at, &["sql", "SELECT 1"]).contains("prober.duckdb: not found"));
    drop(Store::open(&at.join("prober.duckdb"), Access::Write).unwrap());
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "203.0.113.1", "--reason", "x"]);
    let query =
        "SELECT ip(first) AS ip, 1.5::DOUBLE AS x, NULL AS nothing, [1, 2] AS list, 'a,\"b' AS t FROM exclusion";
    assert_eq!(
        succeeds(at, &["sql", "--format", "csv", query]),
        "ip,x,nothing,list,t\n203.0.113.1,1.5,,\"[1, 2]\",\"a,\"\"b\"\n"
    );
    let json: serde_json::Value = serde_json::from_str(&succeeds(at, &["sql", "--format", "json", query])).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{ "ip": "203.0.113.1", "x": 1.5, "nothing": null, "list": [1, 2], "t": "a,\"b" }])
    );
    assert_eq!(succeeds(at, &["sql", "--format", "json", "FROM reply"]), "[\n]\n");
    assert!(succeeds(at, &["sql", ".tables"]).contains("scan_summary"));
    assert!(succeeds(at, &["sql", ".schema reply"]).contains("microseconds; resolution 8 us"));
    assert!(fails(at, &["sql", "SELEC 1"]).contains("syntax error"));
    assert!(fails(at, &["sql", "SELECT bytes FROM reply"]).contains("bytes"));
    assert!(fails(at, &["sql", "DELETE FROM exclusion"]).contains("read-only"));
    assert!(fails(at, &["sql", ".nonsense"]).contains(".help"));
    assert!(fails(at, &["report"]).contains("holds no scan yet"));
    assert!(fails(at, &["export", "--to", "x.csv", "--scan", "3"]).contains("no scan 3"));
}

#[test]
fn bad_files_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("garbage.duckdb"), "not a database").unwrap();
    for command in [
        &["report", "--db", "garbage.duckdb"][..],
        &["exclude", "add", "10.0.0.1", "--reason", "x", "--db", "garbage.duckdb"],
    ] {
        assert!(fails(at, command).contains("not a DuckDB database; name another file with --db"));
    }
    for missing in ["missing.duckdb", "missing/x.duckdb"] {
        assert!(fails(at, &["exclude", "add", "10.0.0.1", "--reason", "x", "--db", missing]).contains("not found"));
        assert!(!at.join(missing).exists());
    }
}

#[test]
fn a_database_in_use_names_its_user() {
    let folder = with_database();
    let at = folder.path();
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "203.0.113.1", "--reason", "x"]);
    // Reads its query from standard input, with the database open meanwhile.
    let mut holder = Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(["sql", "-", "--db", "prober.duckdb"])
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = holder.id();
    let inode = std::fs::metadata(at.join("prober.duckdb")).unwrap().ino();
    let holds = |lock: &str| {
        let mut fields = lock.split_whitespace().skip(4);
        fields.next() == Some(&pid.to_string())
            && fields.next().is_some_and(|file| file.ends_with(&format!(":{inode}")))
    };
    while !std::fs::read_to_string("/proc/locks").unwrap().lines().any(holds) {
        assert!(holder.try_wait().unwrap().is_none(), "it holds the database until it has its query");
    }
    let refused = prober(at, &["exclude", "add", "--db", "prober.duckdb", "203.0.113.2", "--reason", "x"]);
    assert!(!refused.status.success(), "the database is locked");
    let refused = text(&refused.stderr);
    assert!(refused.contains(&format!("(PID {pid})")) && refused.contains("wait until it ends"), "{refused}");
    assert_eq!(refused.trim_end().lines().count(), 1, "{refused}");
    holder.stdin.take().unwrap().write_all(b"SELECT 2").unwrap();
    assert!(holder.wait().unwrap().success());
}

#[test]
fn stored_exclusions_are_left_out_of_the_plan() {
    let folder = with_database();
    let at = folder.path();
    let plan = ["scan", "198.18.0.0/24", "--allow-special", "--target-ports", "80", "--dryrun"];
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "198.18.0.0/25", "--reason", "x"]);
    let shown = succeeds(at, &plan);
    assert!(shown.contains("128"), "{shown}");
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "198.18.0.0/24", "--reason", "x"]);
    assert!(fails(at, &plan).contains("excluded"));
}

#[test]
fn what_would_go_wrong_later_is_refused_at_once() {
    let folder = with_database();
    let at = folder.path();
    let line = fails(at, &["scan", "8.8.8.0/24", "-p", "80", "--shard", "0/2", "--dry-run"]);
    assert!(line.contains("--shard needs --seed"), "{line}");
    let line = fails(at, &["scan", "8.8.8.8", "-p", "80", "--shard", "5/10", "-e", "1", "--dry-run"]);
    assert!(line.contains("shard 5/10 of 1 targets is empty"), "{line}");
    let line = fails(at, &["scan", "8.8.8.8", "-p", "U:6000", "--dry-run"]);
    assert!(line.contains("no UDP probe for port 6000"), "{line}");
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "203.0.113.0/25", "--reason", "asked"]);
    let line = fails(at, &["export", "--to", "replies.txt"]);
    assert!(line.contains("no format for files that end in .txt"), "{line}");
    assert!(!at.join("replies.txt").exists());
    let misspelt = Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(["scan", "8.8.8.8", "-p", "80", "--dry-run"])
        .env("PROBER_BLOCKLIST_FILES", "optout.txt")
        .current_dir(at)
        .output()
        .unwrap();
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(text(&misspelt.stderr).contains("unknown variable PROBER_BLOCKLIST_FILES"));
}

#[test]
fn grab_asks_and_stores_and_leaves_printers_and_the_excluded_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let greeter = std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        client.write_all(b"220 Example NAS FTP\r\n").unwrap();
        // Until the other side has gone.
        let _ = std::io::Read::read(&mut client, &mut [0; 16]);
    });
    let target = format!("127.0.0.1:{port}");
    assert!(fails(at, &["grab"]).contains("no targets"));
    assert!(fails(at, &["grab", "192.0.2.1:9100", "--allow-special"]).contains("printers"));
    assert!(fails(at, &["grab", &target]).contains("excluded"));
    let summary = succeeds(at, &["grab", &target, "--allow-special", "--json", "--quiet"]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["grabbed"], &summary["ending"]), (&1.into(), &"complete".into()), "{summary}");
    greeter.join().unwrap();
    let stored = succeeds(at, &["sql", "--format", "csv", "SELECT ip, protocol, outcome FROM banner_latest"]);
    assert_eq!(stored, "ip,protocol,outcome\n127.0.0.1,ftp,answered\n");
    succeeds(at, &["exclude", "add", "--db", "prober.duckdb", "127.0.0.1", "--reason", "x"]);
    assert!(fails(at, &["grab", &target, "--allow-special"]).contains("excluded"));
}

#[test]
fn grab_takes_a_scan_or_targets_and_its_help_fits() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("pairs.txt"), "192.0.2.1:80\n").unwrap();
    for targets in [&["192.0.2.1:80"][..], &["-w", "pairs.txt"], &["-p", "80"]] {
        let arguments = [&["grab", "--scan", "last", "--dry-run"][..], targets].concat();
        assert!(fails(at, &arguments).contains("cannot be used with"));
    }
    assert!(fails(at, &["grab", "192.0.2.1:80", "--again"]).contains("cannot be used with"));
    assert!(fails(at, &["grab", "--again"]).contains("--scan"));
    // A line that does not fit is broken again, in the middle.
    let help = succeeds(at, &["grab", "--help"]);
    let examples = help.split_once("Examples:").unwrap().1;
    assert!(examples.contains("\nconnection to a host at a time. A host"), "{examples}");
}
