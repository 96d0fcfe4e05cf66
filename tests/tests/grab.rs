//! `prober grab` against the lab's real servers: every banner right, from lists and from a stored scan.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use prober_tests::far_end::FarEndConfig;
use prober_tests::lab::Lab;
use prober_tests::servers::Servers;
use prober_tests::trial::prober::{Running, Scan, program};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(2);

/// What must stand in the banner of a server, and in which protocol.
fn expected(server: &str) -> (&'static str, &'static [&'static str]) {
    match server {
        "nginx" => ("http", &["HTTP/1.1 200 OK\r\nServer: nginx/", "<title>lab</title>"]),
        "lighttpd" => ("http", &["HTTP/1.1 200 OK\r\n", "Server: lighttpd/", "<title>LAB-100</title>"]),
        "openssh" => ("ssh", &["SSH-2.0-OpenSSH_", "\nkex: ", "\nhostkey_type: ssh-ed25519\nhostkey: SHA256:"]),
        "dropbear" => ("ssh", &["SSH-2.0-dropbear_", "\nkex: ", "\nhostkey_type: ssh-ed25519\nhostkey: SHA256:"]),
        "vsftpd" => ("ftp", &["220 LAB FTP ready.\r\n"]),
        "camera" => ("ftp", &["220 AXIS P1344 Network Camera 5.40.17 (Jan 01 2020) ready.\r\n"]),
        "telnetd" => ("telnet", &["options: ", "LAB-100", "login: "]),
        "mosquitto" => ("mqtt", &["connack: 0 (accepted)"]),
        "gst-rtsp-server" => ("rtsp", &["RTSP/1.0 200 OK\r\n", "Server: GStreamer RTSP server"]),
        "snmpd" => ("snmp", &["SNMPv3\nengine_id: 8000", "enterprise: 8072\n", "engine_boots: "]),
        other => panic!("nothing is known of {other}"),
    }
}

fn grab(lab: &Lab, folder: &Path, arguments: &[&str]) -> Value {
    let mut command = lab.command(&program().unwrap().to_string_lossy());
    command.args(["grab", "--json", "--quiet", "--allow-special", "--rate", "max", "--rate-per-24", "0", "--db"]);
    command.arg(folder.join("scan.duckdb")).args(arguments);
    Running::start(command, folder).unwrap().ended_within(PATIENCE).unwrap().summary().unwrap()
}

fn text(database: &Path, sql: &str) -> String {
    let connection = duckdb::Connection::open(database).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn every_real_server_gives_its_banner() {
    let directory = tempfile::tempdir().unwrap();
    let (folder, files) = (directory.path(), directory.path().join("servers"));
    let mut lab = Lab::reflector(&FarEndConfig::default()).unwrap();
    lab.serve(&files).unwrap();
    let mut pairs = String::new();
    for service in Servers::services() {
        let [a, b, c, _] = service.network.octets();
        let transport = if service.udp { "U:" } else { "" };
        writeln!(pairs, "{a}.{b}.{c}.9 {transport}{}", service.port).unwrap();
    }
    std::fs::write(folder.join("pairs.txt"), pairs).unwrap();
    let summary = grab(&lab, folder, &["-w", "pairs.txt"]);
    let services = Servers::services();
    assert_eq!(summary["grabbed"], services.len(), "{summary}");
    assert_eq!(summary["by_outcome"]["answered"], services.len(), "{summary}");
    assert_eq!(summary["connections"], services.len(), "one connection each: {summary}");
    let database = folder.join("scan.duckdb");
    for service in services {
        let (protocol, words) = expected(service.name);
        let [a, b, c, _] = service.network.octets();
        let of = format!("FROM banner_latest WHERE ip = '{a}.{b}.{c}.9' AND port = {}", service.port);
        assert_eq!(text(&database, &format!("SELECT protocol {of}")), protocol);
        let banner = text(&database, &format!("SELECT text {of}"));
        for word in words {
            assert!(banner.contains(word), "{}: {banner}", service.name);
        }
    }
    // The hash is the one that OpenSSH itself prints.
    let key = files.join("web-openssh/host_key.pub");
    let printed = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    let hash = printed.split_whitespace().nth(1).unwrap();
    let banner = text(&database, "SELECT text FROM banner_latest WHERE ip = '20.1.1.9' AND port = 22");
    assert!(banner.contains(&format!("hostkey: {hash}\n")), "{hash} is not in {banner}");
}

#[test]
fn the_open_ports_of_a_scan_are_grabbed_and_the_excluded_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let mut lab = Lab::reflector(&FarEndConfig::default()).unwrap();
    lab.serve(&folder.join("servers")).unwrap();
    let scan = Scan::new(folder, &["20.1.1.0/28", "-p", "21,22,80", "--allow-special", "-c", "500ms"]);
    let found = scan.complete(&lab, PATIENCE).unwrap();
    assert_eq!(found["rows_stored"], 48, "{found}");
    std::fs::write(folder.join("optout.txt"), "20.1.1.8/29\n").unwrap();
    let before = lab.counts().unwrap().frames;
    let planned = grab(&lab, folder, &["--scan", "last", "-b", "optout.txt", "--dry-run"]);
    assert_eq!((&planned["targets"], &planned["excluded"]), (&24.into(), &24.into()), "{planned}");
    assert_eq!(lab.counts().unwrap().frames, before, "a dry run sends nothing");
    let summary = grab(&lab, folder, &["--scan", "last", "-b", "optout.txt"]);
    assert_eq!((&summary["scan"], &summary["grabbed"]), (&1.into(), &24.into()), "{summary}");
    assert_eq!(summary["by_protocol"], serde_json::json!({ "ftp": 8, "http": 8, "ssh": 8 }));
    assert_eq!(summary["excluded_before_connect"], 0);
    let database = folder.join("scan.duckdb");
    let highest = "SELECT ip(max(address)) FROM banner WHERE scan_id = 1";
    assert_eq!(text(&database, highest), "20.1.1.7");
}

/// Banners beside the scan, as fast as the lab gives them.
const GRAB: [&str; 7] = ["--grab", "--grab-rate", "max", "--grab-rate-per-24", "0", "--grab-timeout", "2s"];

#[test]
fn at_the_end_of_a_scan_the_devices_it_met_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let mut lab = Lab::reflector(&FarEndConfig::default()).unwrap();
    lab.serve(&folder.join("servers")).unwrap();
    std::fs::write(folder.join("optout.txt"), "20.1.3.8/29\n").unwrap();
    let plan = ["20.1.1.0/28", "20.1.3.0/28", "-p", "21,22,80", "-b", "optout.txt", "--allow-special", "-c", "500ms"];
    let scan = Scan::new(folder, &plan).and(&GRAB);
    let found = scan.complete(&lab, PATIENCE).unwrap();
    // Nginx, OpenSSH and vsftpd on 16 addresses; lighttpd, the camera and no SSH on 8.
    assert_eq!(found["rows_stored"], 3 * 16 + 3 * 8, "{found}");
    let grab = &found["last"]["grab"];
    let counts = |name: &str| grab[name].as_u64().unwrap();
    assert_eq!((counts("found"), counts("asked"), counts("grabbed")), (64, 64, 64), "{found}");
    assert_eq!((counts("waiting"), counts("dropped")), (0, 0), "{found}");
    assert_eq!(found["devices"], 8, "{found}");
    let database = folder.join("scan.duckdb");
    let named = "SELECT string_agg(DISTINCT concat_ws(' ', maker, model, kind, firmware_version, scan_id), '; ') FROM device WHERE level = 4";
    assert_eq!(text(&database, named), "Axis P1344 camera 5.40.17 1");
    let asked = "SELECT concat_ws(' ', count(*), count(DISTINCT (address, port)), count(text_hash), count(*) FILTER (scan_id = 1))
                 FROM banner";
    assert_eq!(text(&database, asked), "64 64 64 64");
    assert_eq!(text(&database, "SELECT ip(max(address)) FROM banner"), "20.1.3.7");
    assert_eq!(text(&database, "SELECT accounted::VARCHAR FROM scan_summary"), "true");
    let counter = "SELECT value::VARCHAR FROM scan_counter WHERE name = 'grab_said'";
    assert_eq!(text(&database, counter), "64");
}

#[test]
fn a_stop_ends_the_banners_with_the_scan() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let mut lab = Lab::reflector(&FarEndConfig::default()).unwrap();
    lab.serve(&folder.join("servers")).unwrap();
    // Slow: the banners would take minutes.
    let plan = ["20.1.1.0/24", "-p", "80", "--allow-special", "-c", "500ms", "--grab", "--grab-rate", "2"];
    let scan = Scan::new(folder, &plan).and(&["--status-json", "status.jsonl"]);
    let mut running = scan.start(&lab).unwrap();
    let database = scan.database();
    running
        .until("all replies are stored", PATIENCE, || {
            let lines = std::fs::read_to_string(folder.join("status.jsonl")).unwrap_or_default();
            let last = lines.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
            Ok(last.is_some_and(|sample| sample["phase"] == "grabbing"))
        })
        .unwrap();
    running.signal(2).unwrap();
    let summary = running.ended_within(PATIENCE).unwrap().summary().unwrap();
    assert_eq!((&summary["ending"], &summary["rows_stored"]), (&"complete".into(), &256.into()), "{summary}");
    let status = &summary["last"]["grab"];
    let count = |name: &str| status[name].as_u64().unwrap();
    assert_eq!(count("found"), 256, "{summary}");
    assert_eq!(count("found"), count("asked") + count("waiting") + count("dropped"), "{summary}");
    assert!(count("waiting") > 0, "{summary}");
    assert_eq!(text(&database, "SELECT accounted::VARCHAR FROM scan_summary"), "true");
    // What was left can be taken up: that, and nothing else.
    let said: u64 = text(&database, "SELECT count(DISTINCT address)::VARCHAR FROM banner").parse().unwrap();
    let left = grab(&lab, folder, &["--scan", "last"]);
    assert_eq!((&left["grabbed"], &left["asked_before"]), (&(256 - said).into(), &said.into()), "{left}");
    let nothing = grab(&lab, folder, &["--scan", "last"]);
    assert_eq!((&nothing["planned"], &nothing["connections"]), (&0.into(), &0.into()), "{nothing}");
    let again = grab(&lab, folder, &["--scan", "last", "--again"]);
    assert_eq!(again["grabbed"], 256, "{again}");
}
