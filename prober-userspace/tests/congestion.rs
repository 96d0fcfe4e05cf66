//! Plans and simulators as people run them; and loads from traces that an independent simulator of radio networks made.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use duckdb::Connection;
use prober_userspace::io::store::{Access, Store};
use prober_userspace::network::congestion::load::estimate_slot;
use prober_userspace::network::congestion::medium::Medium;
use prober_userspace::network::congestion::service::ServiceTime;
use prober_userspace::simulate::accuracy::{AccuracyConfig, cases, groups, summed_up};

fn prober(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("PROBER_DB")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = prober(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = prober(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    line
}

/// Answers of eight days, weekend included, every 200 s from each of 60 networks: busy but for six hours, which differ
/// between the halves.
const ANSWERS: &str = "
    INSERT INTO reply
    SELECT 1, moment, 20000 + (hash(n, s) % 200)::UINTEGER
               + CASE WHEN hour(moment) // 6 <> CASE WHEN n < 30 THEN 1 ELSE 3 END
                      THEN (hash(s, n) % 60000)::UINTEGER + 8000 ELSE 0 END,
           (167772160 + n * 256 + s % 3)::UINTEGER, NULL, 80, 0, 0, 60, 0, 0
    FROM range(60) AS a(n), (SELECT s, now()::TIMESTAMP - INTERVAL 9 DAY + to_seconds(s * 200) AS moment
                             FROM range(3456) AS b(s));";

/// A folder with a database that holds the answers.
fn with_answers() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(&folder.path().join("prober.duckdb"), Access::Write).unwrap());
    let database = Connection::open(folder.path().join("prober.duckdb")).unwrap();
    database.execute_batch(ANSWERS).unwrap();
    (folder, database)
}

#[test]
fn answers_become_profiles_clusters_and_plans() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    drop(Store::open(&at.join("prober.duckdb"), Access::Write).unwrap());
    assert!(fails(at, &["plan", "show", "--cluster", "0"]).contains("prober plan update"));
    Connection::open(at.join("prober.duckdb")).unwrap().execute_batch(ANSWERS).unwrap();
    let done = succeeds(at, &["plan", "update", "--medium", "wlan", "--json"]);
    assert_eq!((&done["networks"], &done["addresses"], &done["clusters"]), (&60.into(), &180.into(), &2.into()));
    assert_eq!((&done["learnt"], &done["absurd"], &done["stepped_clock"]), (&207_360.into(), &0.into(), &0.into()));
    let list = succeeds(at, &["plan", "list", "--json"]);
    assert_eq!((&list[0]["networks"], &list[1]["networks"]), (&30.into(), &30.into()));
    let shown = succeeds(at, &["plan", "show", "--cluster", "0", "--ports", "50", "--json"]);
    let slots = shown["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 48);
    let planned: f64 = slots.iter().map(|slot| slot["probes"].as_f64().unwrap()).sum();
    assert!((planned - 150.0).abs() < 1e-6, "{planned}");
    let busy: Vec<_> = slots.iter().filter(|slot| slot["load"].as_f64().unwrap() > 0.5).collect();
    let chosen = |slot: &&&serde_json::Value| slot["used"] == "quiet" || slot["used"] == "forced";
    assert!(busy.len() >= 4 && busy.iter().filter(chosen).count() == 0, "{busy:?}");
    assert!(fails(at, &["plan", "show", "--cluster", "7"]).contains("no cluster 7"));
}

#[test]
fn kinds_and_zones_of_networks_count_and_clusters_keep_their_numbers() {
    let (folder, database) = with_answers();
    let at = folder.path();
    // One address in each of the last thirty networks, taken for LoRa before and for LTE now.
    database
        .execute_batch(
            "INSERT INTO network_estimate
             SELECT 167772160 + n * 256, t, 0.9, '{}', 9, NULL, NULL, NULL, NULL, false, 'built-in', 1, now(), 1
             FROM range(30, 60) AS a(n), (VALUES ('lora'), ('lte')) AS b(t);
             UPDATE network_estimate SET estimated_at = TIMESTAMP '2001-01-01' WHERE network_type = 'lora'",
        )
        .unwrap();
    drop(database);
    std::fs::write(at.join("offsets.csv"), "10.0.0.0/8,+09:00\n10.0.0.0/20,-05:00\n").unwrap();
    let update = ["plan", "update", "--medium", "wlan", "--offsets", "offsets.csv", "--json"];
    let done = succeeds(at, &update);
    assert_eq!((&done["estimated_media"], &done["clusters"], &done["kept"]), (&30.into(), &3.into(), &0.into()));
    let kinds = |list: &serde_json::Value| {
        let row = |row: &serde_json::Value| {
            format!("{} {} {} {}", row["cluster"], row["medium"], row["utc_offset_s"], row["networks"])
        };
        let mut rows: Vec<String> = list.as_array().unwrap().iter().map(row).collect();
        rows.sort();
        rows
    };
    let first = kinds(&succeeds(at, &["plan", "list", "--json"]));
    let without_number: Vec<&str> = first.iter().map(|row| &row[2..]).collect();
    for expected in ["\"wlan\" -18000 16", "\"wlan\" 32400 14", "\"lte\" 32400 30"] {
        assert!(without_number.contains(&expected), "{first:?}");
    }
    Connection::open(at.join("prober.duckdb"))
        .unwrap()
        .execute_batch(
            "UPDATE cluster SET cluster_id = cluster_id + 40; UPDATE cluster_member SET cluster_id = cluster_id + 40",
        )
        .unwrap();
    let again = succeeds(at, &update);
    assert_eq!((&again["clusters"], &again["kept"]), (&3.into(), &3.into()));
    let second = kinds(&succeeds(at, &["plan", "list", "--json"]));
    for (before, now) in first.iter().zip(&second) {
        assert_eq!(format!("4{before}"), *now);
    }
}

#[test]
fn a_mistyped_database_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(fails(at, &["plan", "update", "--db", "mistyped.duckdb"]).contains("not found"));
    assert!(!at.join("mistyped.duckdb").exists());
}

#[test]
fn addresses_that_answered_once_say_nothing_of_their_network_and_take_nothing_away() {
    let (folder, database) = with_answers();
    let at = folder.path();
    drop(database);
    assert_eq!(succeeds(at, &["plan", "update", "--json"])["too_few"], 0);
    let database = Connection::open(at.join("prober.duckdb")).unwrap();
    database
        .execute_batch(
            "DELETE FROM reply;
             INSERT INTO reply SELECT 1, now()::TIMESTAMP - INTERVAL 1 HOUR, 20000 + (hash(n) % 500000)::UINTEGER,
                 (167772160 + n)::UINTEGER, NULL, 80, 0, 0, 60, 0, 0 FROM range(5000) AS a(n);",
        )
        .unwrap();
    drop(database);
    assert!(fails(at, &["plan", "update"]).contains("the clusters stay as they are"));
    assert!(succeeds(at, &["plan", "show", "--cluster", "0", "--json"]).is_object());
}

#[test]
fn the_day_of_a_stepped_clock_teaches_nothing() {
    let (folder, database) = with_answers();
    let at = folder.path();
    database
        .execute_batch(
            "INSERT INTO scan (id, started_at, status, operator, host, program_version, command, settings, seed,
                 plan_fingerprint, targets, ports, probes_planned, shard_index, shard_count, rate_pps, engine, interface)
             VALUES (1, now(), 'finished', '', '', '', '', '{}', 1, 1, 1, '80', 1, 0, 1, 1, 'packet', 'x');
             INSERT INTO scan_rate SELECT 1, now()::TIMESTAMP - INTERVAL 3 DAY + to_seconds(s + CASE WHEN s > 30 THEN 7200 ELSE 0 END),
                 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM range(60) AS a(s);",
        )
        .unwrap();
    drop(database);
    let done = succeeds(at, &["plan", "update", "--json"]);
    // One of eight days.
    assert_eq!((&done["learnt"], &done["stepped_clock"]), (&(207_360 / 8 * 7).into(), &(207_360 / 8).into()));
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (arguments, part) in [
        (&["plan", "update", "--slots", "7"][..], "24, 48 or 96"),
        (&["plan", "update", "--utc-offset", "JST"], "+09:00"),
        (&["plan", "update", "--medium", "wimax"], "wired, wlan"),
        (&["plan", "update", "--half-life", "0"], "above 0"),
        (&["plan", "show", "--cluster", "0", "--within", "9999"], "336"),
        (&["plan", "list"], "not found"),
        (&["simulate", "clusters", "--networks", "0"], "1,000,000"),
        (&["simulate", "throughput", "--probes", "1"], "10,000"),
    ] {
        let line = fails(at, arguments);
        assert!(line.contains(part), "{arguments:?}: {line}");
    }
}

/// Seeds that nothing was chosen on. The figure that the project promises is 15 % over all.
#[test]
fn others_throughput_is_estimated_on_networks_never_seen() {
    let groups = groups(&cases(AccuracyConfig { access_points: 32, seed: 4711, ..AccuracyConfig::default() }));
    let all = &groups[0];
    assert!(all.median_error <= 0.16 && all.covered > 0.75, "{all:?}");
    assert!(groups.iter().filter(|group| group.group.starts_with("medium")).all(|group| group.median_error < 0.35));
    assert!(all.bias.abs() < 0.04, "{all:?}");
}

/// The load is no formula of ours here: ns-3's radios and queues under 95 to 150 % of what they carry, against lightly
/// loaded ones. (Its files for network types say only that there is any other traffic, mostly far from the bottleneck:
/// there no feature of the delays ranks better than 0.75.)
#[test]
fn congested_cells_of_ns_3_rank_above_quiet_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/rtt/ns3_cause_train.csv.gz");
    assert!(path.exists(), "{} is missing: this test needs the data beside the workspace", path.display());
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut terminals: BTreeMap<(&str, &str), (&str, Vec<f64>)> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cell: Vec<&str> = line.split(',').collect();
        let Ok(rtt_ms) = cell[9].parse::<f64>() else { continue };
        terminals.entry((cell[0], cell[1])).or_insert_with(|| (cell[4], Vec::new())).1.push(rtt_ms / 1e3);
    }
    let service = ServiceTime::of(Medium::Wlan, 60.0);
    let loads = |cause: &str| {
        let of_cause = terminals.values().filter(|(of, delays)| *of == cause && delays.len() >= 10);
        let load = |delays: &[f64]| {
            let floor = delays.iter().copied().fold(f64::INFINITY, f64::min);
            estimate_slot(&service, &summed_up(delays, floor, &service)).load
        };
        of_cause.map(|(_, delays)| load(delays)).collect::<Vec<f64>>()
    };
    let (busy, quiet) = (loads("congestion"), loads("normal"));
    // Probability that a busy one ranks above a quiet one (Mann-Whitney).
    let above: usize = busy.iter().map(|one| quiet.iter().filter(|other| *other < one).count()).sum();
    let share = above as f64 / (busy.len() * quiet.len()) as f64;
    assert!(busy.len() >= 20 && quiet.len() >= 20 && share > 0.97, "{share}");
}
