//! Matching against the naive loop on real banners and on many made up ones, and the commands on devices as people run
//! them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use prober_userspace::device::aggregate::Aggregator;
use prober_userspace::device::database::{Database, KeywordId};
use prober_userspace::device::generator::BannerGenerator;
use prober_userspace::device::matcher::{Matcher, Scratch};
use prober_userspace::device::starter;
use regex::bytes::{Regex, RegexBuilder};

/// The data beside the workspace.
fn data(name: &str) -> PathBuf {
    // Asked when it runs: a checkout may have been moved since it was built.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells tests where their package is");
    let path = Path::new(&own).join("../../shared/data/device").join(name);
    assert!(path.exists(), "{} is missing: this test needs the data beside the workspace", path.display());
    path
}

fn banners(name: &str) -> Vec<String> {
    let file = std::fs::File::open(data(name)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    let banner = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["banner"].as_str().unwrap().to_owned()
    };
    text.lines().map(banner).collect()
}

/// The oracle: every pattern on every banner.
struct Naive(Vec<Regex>);

impl Naive {
    fn of(database: &Database) -> Self {
        let build = |text: &String| RegexBuilder::new(text).unicode(false).build().unwrap();
        Self(database.patterns().iter().map(build).collect())
    }

    fn hits(&self, banner: &[u8]) -> Vec<KeywordId> {
        let hit = |(number, regex): (usize, &Regex)| regex.is_match(banner).then_some(KeywordId(number as u32));
        self.0.iter().enumerate().filter_map(hit).collect()
    }
}

/// Runs `check` on every index in two threads.
fn in_two(count: usize, check: impl Fn(usize, &mut Scratch) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let check = &check;
            scope.spawn(move || {
                let mut scratch = Scratch::default();
                (half..count).step_by(2).for_each(|number| check(number, &mut scratch));
            });
        }
    });
}

#[test]
fn real_banners_are_matched_as_the_naive_loop_matches_them() {
    let (database, _) = Database::load(starter::files());
    let (matcher, naive) = (Matcher::new(&database), Naive::of(&database));
    let banners = [banners("banners.jsonl.gz"), banners("negatives.jsonl.gz")].concat();
    assert!(banners.len() > 4_000);
    in_two(banners.len(), |number, scratch| {
        let banner = banners[number].as_bytes();
        assert_eq!(matcher.hits(banner, scratch), naive.hits(banner), "{:?}", banners[number]);
    });
}

#[test]
fn made_up_banners_are_matched_as_the_naive_loop_matches_them() {
    const SEED: u64 = 20_260;
    let (database, _) = Database::load(starter::files());
    let (matcher, naive) = (Matcher::new(&database), Naive::of(&database));
    let mut generator = BannerGenerator::new(&database, SEED);
    let banners: Vec<Vec<u8>> =
        (0..100_000).map(|number| if number % 2 == 0 { generator.hostile() } else { generator.distinct() }).collect();
    in_two(banners.len(), |number, scratch| {
        assert_eq!(
            matcher.hits(&banners[number], scratch),
            naive.hits(&banners[number]),
            "seed {SEED}, banner {number}"
        );
    });
}

#[test]
fn a_group_has_the_hits_of_each_of_its_banners() {
    let (database, _) = Database::load(starter::files());
    let matcher = Matcher::new(&database);
    let mut generator = BannerGenerator::new(&database, 20_261);
    let mut scratch = Scratch::default();
    for _ in 0..5_000 {
        let device = generator.device().unwrap();
        let (one, two) = (generator.of_device(device), generator.of_device(device));
        let mut aggregator = Aggregator::default();
        aggregator.add(prober_common::address::V4(1), &one);
        aggregator.add(prober_common::address::V4(2), &two);
        if aggregator.finish().groups().len() == 1 {
            let hits = matcher.hits(&one, &mut scratch).to_vec();
            assert_eq!(hits, matcher.hits(&two, &mut scratch), "{:?}", String::from_utf8_lossy(&one));
        }
    }
}

#[test]
fn no_device_is_seen_in_firm_negatives() {
    let folder = tempfile::tempdir().unwrap();
    let path = data("negatives.jsonl.gz");
    let output = prober(folder.path(), &["device", "check", "--negatives", path.to_str().unwrap()], "");
    assert!(output.status.success(), "{}", text(&output.stdout));
}

fn prober(folder: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_prober"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("PROBER_DB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read closes its end.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const GOOD: &str = "maker = 'Exampler'\n[[device]]\nname = 'Exampler X9'\nkind = 'camera'\nmodel = 'X9'\nsource = 's'\n\
                    ports = '80,554'\nversion = 'X9/([0-9.]+)'\nkeywords = [{ regex = 'Exampler-X9/', weight = 1.0 }]\n\
                    examples = ['Server: Exampler-X9/1.0']\n";
const BANNERS: &str = "{\"address\": \"192.0.2.1\", \"port\": 80, \"banner\": \"Server: Exampler-X9/1.5\\r\\n\"}\n\n\
                       {\"address\": \"192.0.2.2\", \"banner\": \"nothing \\u0000\"}\n";

#[test]
fn banners_are_matched_and_stored() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("own")).unwrap();
    std::fs::write(at.join("own/x.toml"), GOOD).unwrap();
    let arguments = ["device", "match", "-", "--signatures", "own", "--json", "--store", "--db", "x.duckdb"];
    let output = prober(at, &arguments, BANNERS);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&row["address"], &row["model"]), (&"192.0.2.1".into(), &"X9".into()));
    assert_eq!((&row["version"], &row["keywords"][0]), (&"1.5".into(), &"Exampler-X9/".into()));
    let sql = "SELECT ip, model, firmware_version FROM device";
    let stored = prober(at, &["sql", "--db", "x.duckdb", "--format", "csv", sql], "");
    assert_eq!(text(&stored.stdout), "ip,model,firmware_version\n192.0.2.1,X9,1.5\n");
    let by_ports = ["device", "match", "-", "--signatures", "own", "--no-starter", "--banner-share", "0.5", "--json"];
    assert!(prober(at, &by_ports, BANNERS).stdout.is_empty());
    for (input, fault) in [("{\"banner\": 1}\n", "-:1"), ("{}\n{", "-:1"), ("\n\nx", "-:3")] {
        let refused = prober(at, &["device", "match", "-"], input);
        assert!(!refused.status.success() && text(&refused.stderr).contains(fault), "{}", text(&refused.stderr));
    }
    assert!(!prober(at, &["device", "match", "--db", "x.duckdb"], "").status.success());
}

#[test]
fn a_bad_file_is_named_and_the_others_load_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("own")).unwrap();
    std::fs::write(at.join("own/a.toml"), GOOD).unwrap();
    std::fs::write(at.join("own/b.toml"), GOOD.replace("X9", "X8").replace("'Exampler-X8/'", "'('")).unwrap();
    std::fs::write(at.join("own/c.toml"), [0xff, 0xfe]).unwrap();
    let list = ["device", "list", "--signatures", "own", "--no-starter", "--json"];
    let refused = prober(at, &list, "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("c.toml") && text(&refused.stderr).contains("--keep-going"));
    std::fs::remove_file(at.join("own/c.toml")).unwrap();
    let refused = text(&prober(at, &list, "").stderr);
    assert!(refused.contains("b.toml:9: ") && refused.contains("unclosed group"), "{refused}");
    let kept = prober(at, &[&list[..], &["--keep-going"]].concat(), "");
    let rows: serde_json::Value = serde_json::from_slice(&kept.stdout).unwrap();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["model"]), (1, &"X9".into()));
    assert!(text(&kept.stderr).contains("b.toml:9: "));
    let checked = prober(at, &["device", "check", "own", "--json"], "");
    assert_eq!(checked.status.code(), Some(1));
    let findings: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&findings[0]["line"], &findings[0]["rule"]), (&9.into(), &"format".into()));
    assert!(prober(at, &["device", "check", "own/a.toml"], "").status.success());
}

#[test]
fn what_is_exported_and_imported_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let done = |arguments: &[&str]| {
        let output = prober(at, arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    done(&["device", "export", "--format", "toml", "-o", "all"]);
    let count = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap().as_array().unwrap().len();
    let exported = count(&done(&["device", "list", "--signatures", "all", "--no-starter", "--json"]));
    assert_eq!(exported, count(&done(&["device", "export", "--format", "json"])));
    assert!(done(&["device", "export", "--format", "csv"]).lines().count() > exported);
    std::fs::write(
        at.join("probes"),
        "match http m|^HTTP/1\\.1 200 .*\\r\\nServer: Exampler| p/Exampler/ d/webcam/\nmatch x m|(?=a)|\n",
    )
    .unwrap();
    let said = done(&["device", "import", "nmap", "probes", "-o", "imported"]);
    assert!(said.contains("1 devices") && said.contains("left out: 1"), "{said}");
    assert_eq!(count(&done(&["device", "list", "--signatures", "imported", "--no-starter", "--json"])), 1);
    assert!(!prober(at, &["device", "import", "recog", "probes", "-o", "imported"], "").status.success());
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_mass_of_banners_is_reduced_and_hardly_a_device_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (banners, negatives) = (data("banners.jsonl.gz"), data("negatives.jsonl.gz"));
    let arguments =
        ["device", "reduce", "--banners", banners.to_str().unwrap(), "--negatives", negatives.to_str().unwrap()];
    let reduced = json(&prober(folder.path(), &[&arguments[..], &["--fill", "111674", "--json"]].concat(), ""));
    let figure = |name: &str| reduced[name].as_f64().unwrap();
    assert!(figure("left_share") <= 0.073, "{reduced}");
    assert!(figure("lost_share") <= 0.005, "{reduced}");
    // The real ones alone, each of which is there once.
    let real = json(&prober(folder.path(), &[&arguments[..], &["--json"]].concat(), ""));
    assert!(real["lost_share"].as_f64().unwrap() <= 0.005, "{real}");
}

/// Six cameras with serial numbers of their own, an ordinary server and a known device.
fn unlabelled() -> String {
    let mut lines = String::new();
    for number in 0..6 {
        let banner = format!("220 Frobnicam ZX-77 camera FTP ready, S/N 00{number}A{number}7C{number}");
        lines +=
            &serde_json::json!({ "address": format!("192.0.2.{number}"), "port": 21, "banner": banner }).to_string();
        lines += "\n";
    }
    lines += "{\"address\": \"192.0.2.50\", \"port\": 21, \"banner\": \"220 (vsFTPd 3.0.3)\"}\n";
    lines
        + "{\"address\": \"192.0.2.60\", \"banner\": \"220 AXIS P1344 Network Camera 5.40.17 (Jan 01 2020) ready.\"}\n"
}

#[test]
fn unknown_banners_are_grouped_and_become_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("scan.jsonl"), unlabelled()).unwrap();
    let found = json(&prober(at, &["device", "groups", "--banners", "scan.jsonl", "--json"], ""));
    let left: Vec<(u64, u64)> = found["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["took"].as_u64().unwrap(), stage["left"].as_u64().unwrap()))
        .collect();
    // Filter; normalise and aggregate; group; without the known one.
    assert_eq!((left[0], left[2].1, left[3]), ((8, 7), 2, (2, 1)), "{found}");
    assert_eq!(found["filtered"]["server"], 1);
    let group = &found["groups"][0];
    assert_eq!((&group["addresses"], &group["ports"]), (&6.into(), &"T:21".into()), "{found}");
    assert_eq!(group["proposal"]["kind"], "camera", "{found}");

    let built = prober(at, &["device", "build", "--banners", "scan.jsonl", "--auto", "-o", "own"], "");
    assert!(built.status.success(), "{}", text(&built.stderr));
    let listed = json(&prober(at, &["device", "list", "--signatures", "own", "--no-starter", "--json"], ""));
    assert_eq!(listed[0]["kind"], "camera", "{listed}");
    let none = ["device", "groups", "--banners", "scan.jsonl", "--signatures", "own", "--json"];
    assert_eq!(json(&prober(at, &none, ""))["groups"].as_array().unwrap().len(), 0);
}

#[test]
fn the_grid_is_drawn_and_what_is_stored_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("scan.jsonl"), unlabelled()).unwrap();
    let stored = prober(at, &["device", "match", "scan.jsonl", "--store", "--db", "x.duckdb"], "");
    assert!(stored.status.success(), "{}", text(&stored.stderr));
    let labelled = "{\"banner\": \"220 AXIS P1344 Network Camera 5.40.17 (Jan 01 2020) ready.\", \"vendor\": \"Axis\", \"model\": \"P1344\"}\n";
    std::fs::write(at.join("labelled.jsonl"), labelled).unwrap();
    let arguments =
        ["device", "evaluate", "--banners", "labelled.jsonl", "--plot", "plots", "--database", "x.duckdb", "--json"];
    let judged = json(&prober(at, &arguments, ""));
    assert_eq!(judged["grid"].as_array().unwrap().len(), 55);
    assert_eq!(
        (&judged["stored"]["estimated"], &judged["stored"]["by_kind"][0]["name"]),
        (&1.into(), &"camera".into())
    );
    assert!(at.join("plots/false-positives.svg").exists() && at.join("plots/index.html").exists());
    let alone = json(&prober(at, &["device", "evaluate", "--database", "x.duckdb", "--json"], ""));
    assert_eq!(alone["stored"], judged["stored"]);
    // Nothing to do again with the same signatures; with others there is.
    let again = ["device", "match", "--db", "x.duckdb", "--store", "--if-changed"];
    assert!(text(&prober(at, &again, "").stderr).contains("already"));
    std::fs::create_dir(at.join("own")).unwrap();
    std::fs::write(at.join("own/x.toml"), GOOD).unwrap();
    let changed = prober(at, &[&again[..], &["--signatures", "own"]].concat(), "");
    assert!(!text(&changed.stderr).contains("already"), "{}", text(&changed.stderr));
}

#[test]
fn lines_that_cannot_be_read_are_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let good = r#"{"banner": "220 Frobnicam ZX-77", "maker": "Frob", "model": "ZX-77", "kind": "gizmo", "port": 21}"#;
    let lines = format!("{good}\n{{\"banner\": 1}}\nnothing\n{{\"banner\": \"x\"}}\n");
    std::fs::write(folder.path().join("some.jsonl"), lines).unwrap();
    let output = prober(folder.path(), &["device", "evaluate", "--banners", "some.jsonl", "--json"], "");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("some.jsonl:2: ") && said.contains("2 lines in all") && said.contains("gizmo (1)"), "{said}");
    assert!(!said.contains("line 1 "), "{said}");
    let figures = json(&output);
    assert_eq!((&figures["banners"], &figures["unlabelled"]), (&1.into(), &1.into()));
    std::fs::write(folder.path().join("none.jsonl"), "nothing\n").unwrap();
    std::fs::write(folder.path().join("blank.jsonl"), "").unwrap();
    for file in ["none.jsonl", "blank.jsonl"] {
        let output = prober(folder.path(), &["device", "evaluate", "--banners", file], "");
        assert!(!output.status.success() && text(&output.stderr).lines().count() == 1, "{}", text(&output.stderr));
    }
}

#[test]
fn negatives_count_with_their_ports() {
    let folder = tempfile::tempdir().unwrap();
    let signature = "maker = 'Frob'\n[[device]]\nname = 'Frob ZX'\nkind = 'camera'\nsource = 's'\nports = '21'\n\
                     keywords = [{ regex = 'Frobnicam', weight = 0.8 }]\n";
    std::fs::write(folder.path().join("frob.toml"), signature).unwrap();
    let line = |banner: &str| format!("{{\"banner\": \"{banner}\", \"maker\": \"Frob\", \"port\": 21}}\n");
    std::fs::write(folder.path().join("yes.jsonl"), line("Frobnicam")).unwrap();
    std::fs::write(folder.path().join("no.jsonl"), line("Frobnicam's files")).unwrap();
    let arguments = ["device", "evaluate", "--banners", "yes.jsonl", "--negatives", "no.jsonl", "--json"];
    let arguments = [&arguments[..], &["--no-starter", "--signatures", "frob.toml"]].concat();
    let figures = json(&prober(folder.path(), &arguments, ""));
    let at = |share: f64| {
        let cells = figures["grid"].as_array().unwrap();
        let cell = cells.iter().find(|cell| cell["banner_share"] == share && cell["threshold"] == 0.9).unwrap();
        cell["false_positives"].clone()
    };
    // The keyword alone is worth 0.8, with the port 0.9.
    assert_eq!((at(1.0), at(0.5)), (0.into(), 1.into()));
}

#[test]
fn signature_files_that_were_edited_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scan.jsonl"), unlabelled()).unwrap();
    let build = |more: &[&str]| {
        let arguments = ["device", "build", "--auto", "--banners", "scan.jsonl", "-o", "own", "--json"];
        prober(folder.path(), &[&arguments[..], more].concat(), "")
    };
    let output = build(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(json(&output).is_array());
    assert!(text(&output.stderr).contains("without --negatives"), "{}", text(&output.stderr));
    assert!(build(&[]).status.success());
    let file = std::fs::read_dir(folder.path().join("own")).unwrap().next().unwrap().unwrap().path();
    let edited = std::fs::read_to_string(&file).unwrap() + "# mine\n";
    assert!(edited.contains("nobody looked at it"), "{edited}");
    std::fs::write(&file, &edited).unwrap();
    assert!(!build(&[]).status.success());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), edited);
    assert!(build(&["--force"]).status.success());
    assert_ne!(std::fs::read_to_string(&file).unwrap(), edited);
}
