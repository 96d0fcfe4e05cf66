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
