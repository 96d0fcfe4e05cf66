//! Network types and causes: the tables of places left out, and the commands as people run them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use prober_userspace::io::trace::read_traces;
use prober_userspace::network::evaluation::Evaluation;
use prober_userspace::network::learn::{LabelledRow, Origin, judge};
use prober_userspace::network::model::{Model, ModelKind};
use prober_userspace::network::posterior::CONFIDENCE_MIN;
use prober_userspace::simulate::standards;

/// The data beside the workspace.
fn data(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/rtt").join(name);
    assert!(path.exists(), "{} is missing: this test needs the data beside the workspace", path.display());
    path
}

fn prober(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_prober")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = prober(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The single line of a command that must fail.
fn fails(arguments: &[&str]) -> String {
    let output = prober(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    line
}

fn table(evaluation: &Evaluation) -> String {
    let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}", 100.0 * share));
    let mut text = format!(
        "{} terminals, {:.1} % right, {:.1} % unknown, calibration error {:.2}\n",
        evaluation.terminals,
        100.0 * evaluation.accuracy,
        100.0 * evaluation.unknown,
        evaluation.calibration_error
    );
    for (class, row) in evaluation.classes.iter().zip(&evaluation.confusion) {
        let (idle, loaded) = (percent(class.recall_idle), percent(class.recall_loaded));
        let (recall, precision) = (percent(Some(class.recall)), percent(class.precision));
        writeln!(text, "{:16} {recall:>3} {precision:>3} {idle:>3} {loaded:>3}  {row:?}", class.class).unwrap();
    }
    for field in &evaluation.field {
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        let (right, wrong, unknown) = (percent(field.right), percent(field.wrong), percent(field.unknown));
        let (name, probes, error) = (&field.collection, field.probes, field.calibration_error);
        writeln!(
            text,
            "{name:28} {probes:>3} probes: {right:>3} right {wrong:>3} wrong {unknown:>3} unknown, error {error:.2}"
        )
        .unwrap();
    }
    text
}

/// Trains on parts of the scenarios and judges the others.
fn left_out(kind: ModelKind, file: &str, folds: usize) -> Evaluation {
    let traces = read_traces(&data(file)).unwrap();
    let classes = kind.classes(&traces);
    let mut rows = kind.rows(&traces, &classes, Origin::Judged);
    if kind != ModelKind::Cause {
        let standard = kind.rows(&standards::series(100, 1), &classes, Origin::Given).into_iter();
        rows.extend(standard.map(|row| LabelledRow { weight: 0.5 * row.weight, ..row }));
    }
    let left_out = kind.recipe(classes.len(), folds, 2).leave_out(&rows);
    let judged = rows.iter().zip(&left_out.posteriors).filter(|(row, _)| row.origin == Origin::Judged);
    let whole = judged.filter(|(row, _)| row.is_whole);
    let judged: Vec<_> = whole.map(|(row, posterior)| judge(posterior, row, CONFIDENCE_MIN)).collect();
    Evaluation::of(&judged, &classes)
}

/// Few folds, so that it is quick: with ten, as `train` has them, there is more to learn from.
#[test]
fn scenarios_left_out_of_training_are_judged_as_before() {
    let mut tables = String::new();
    for (kind, file, folds) in [
        (ModelKind::NetworkLive, "ns3_type_train.csv.gz", 5),
        (ModelKind::Network, "ns3_type_train.csv.gz", 3),
        (ModelKind::Cause, "ns3_cause_train.csv.gz", 5),
    ] {
        let evaluation = left_out(kind, file, folds);
        writeln!(tables, "{kind:?}, {folds} folds: recall, precision, idle, loaded; named\n{}", table(&evaluation))
            .unwrap();
    }
    insta::assert_snapshot!(tables);
}

/// What `train` found with ten folds and wrote beside the trees.
#[test]
fn the_models_that_come_with_the_program_say_how_good_they_are() {
    let mut tables = String::new();
    for (kind, text) in [
        (ModelKind::NetworkLive, include_str!("../models/network_live.json")),
        (ModelKind::Network, include_str!("../models/network.json")),
        (ModelKind::Cause, include_str!("../models/cause.json")),
    ] {
        let model = Model::read(text, kind, &kind.feature_names()).unwrap();
        let training = &model.training;
        writeln!(
            tables,
            "{kind:?}, {} places, {} folds\n{}",
            training.places,
            training.folds,
            table(&model.evaluation)
        )
        .unwrap();
    }
    insta::assert_snapshot!(tables);
}

#[test]
fn evaluate_prints_what_its_help_promises() {
    for (command, file) in [("network", "ns3_type_train.csv.gz"), ("cause", "ns3_cause_train.csv.gz")] {
        let figures = json(&[command, "evaluate", "--traces", data(file).to_str().unwrap(), "--json"]);
        // On what it was trained with: only a model that was mixed up does badly here.
        assert!(figures["accuracy"].as_f64().unwrap() > 0.95, "{figures}");
        assert!(figures["calibration_error"].as_f64().unwrap() < 0.2);
        let classes = figures["classes"].as_array().unwrap();
        let confusion = figures["confusion"].as_array().unwrap();
        assert_eq!(classes.len(), confusion.len());
        let columns = figures["confusion_columns"].as_array().unwrap().len();
        assert!(confusion.iter().all(|row| row.as_array().unwrap().len() == columns));
    }
}

#[test]
fn a_model_judged_on_what_it_was_trained_on_says_so() {
    let path = data("ns3_cause_train.csv.gz");
    let output = prober(&["cause", "evaluate", "--traces", path.to_str().unwrap(), "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("warning: the model was trained on") && said.contains("ns3_cause_train.csv.gz"), "{said}");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["trained_on"], true);
}

/// Whatever the trees say: delays that no network was seen to have are no evidence for any.
#[test]
fn what_is_like_nothing_learnt_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strange.csv");
    let mut text = "scenario,terminal,t_send_s,rtt_ms,port,ttl_seen\n".to_owned();
    for index in 0..60 {
        let (saw, steps) = (if index % 2 == 0 { 0.001 } else { 500_000.0 }, 300_000.0 + 0.0001 * f64::from(index));
        writeln!(text, "a,saw,{index},{saw},80,57\nb,nothing,{index},{steps},80,57").unwrap();
    }
    fs::write(&path, text).unwrap();
    let types = json(&["network", "estimate", "--traces", path.to_str().unwrap(), "--json"]);
    for estimate in types["estimates"].as_array().unwrap() {
        assert!(estimate["network_type"].is_null(), "{estimate}");
    }
}

#[test]
fn short_series_are_judged_once_each() {
    let path = data("ns3_type_train.csv.gz");
    let figures = json(&["network", "evaluate", "--traces", path.to_str().unwrap(), "--probes", "5", "--json"]);
    let terminals = figures["terminals"].as_u64().unwrap();
    let answered = read_traces(&path).unwrap().iter().filter(|trace| trace.access.is_some()).count() as u64;
    assert!(terminals <= answered && terminals > answered * 9 / 10, "{terminals} of {answered}");
}

#[test]
fn odd_traces_are_estimated_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.csv");
    let mut text = "scenario,terminal,t_send_s,rtt_ms,port\n".to_owned();
    for index in 0..40 {
        writeln!(text, "a,alone,{index},,80\nb,silent,{index},,80\nb,equal,{index},5,80").unwrap();
        writeln!(text, "c,many,{index},{index}.5,{index}").unwrap();
    }
    text.push_str("d,one,7,3.25,443\ne,zero,1,0,1\ne,zero,1,0,1\n");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let types = json(&["network", "estimate", "--traces", path, "--json"]);
    let types = types["estimates"].as_array().unwrap();
    assert_eq!(types.len(), 6);
    let posterior = |estimate: &serde_json::Value| -> f64 {
        let shares = estimate["posterior"].as_array().unwrap();
        shares.iter().map(|share| share["probability"].as_f64().expect("a number, not NaN")).sum()
    };
    assert!(types.iter().all(|estimate| (posterior(estimate) - 1.0).abs() < 1e-6));
    let of = |name| types.iter().find(|estimate| estimate["terminal"] == name).unwrap();
    assert!(of("silent")["network_type"].is_null());
    assert!(of("one")["confidence"].as_f64().unwrap() < 0.9, "one reply cannot make sure");
    let causes = json(&["cause", "estimate", "--traces", path, "--json"]);
    let causes = causes["estimates"].as_array().unwrap();
    assert!(causes.iter().all(|estimate| (posterior(estimate) - 1.0).abs() < 1e-6));
    let few = causes.iter().find(|estimate| estimate["terminal"] == "one").unwrap();
    assert!(few["cause"].is_null() && few["explanation"].as_str().unwrap().contains("at least"), "{few}");
    let silent = causes.iter().find(|estimate| estimate["terminal"] == "silent").unwrap();
    assert_eq!(silent["cause"], "disconnected");
    assert_eq!(silent["explanation"], "no port ever answered, though neighbours do");
    let alone = causes.iter().find(|estimate| estimate["terminal"] == "alone").unwrap();
    assert!(alone["cause"].is_null() && alone["explanation"].as_str().unwrap().contains("neighbours"), "{alone}");
}

#[test]
fn what_cannot_be_used_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.csv", "terminal,t_send_s,rtt_ms\na,1,2\n");
    let negative = write("negative.csv", "terminal,t_send_s,rtt_ms\na,1,2\na,2,-1\n");
    let bare = write("bare.csv", "terminal,rtt_ms\na,1\n");
    assert!(fails(&["network", "estimate", "--traces", &negative]).contains("negative.csv:3: `rtt_ms` is -1"));
    assert!(fails(&["cause", "estimate", "--traces", &bare]).contains("no column `t_send_s`"));
    assert!(fails(&["network", "evaluate", "--traces", &good]).contains("`network_type`"));
    assert!(fails(&["cause", "train", "--traces", &good, "--out", "x"]).contains("`cause`"));
    assert!(fails(&["network", "estimate", "--traces", "nowhere.csv"]).contains("nowhere.csv"));
    assert!(fails(&["network", "estimate", "--traces", &good, "--confidence", "1.5"]).contains("between 0 and 1"));
    let cut_off = write("cut_off.csv", "terminal,t_send_s,rtt_ms\na,1,2\na,2\n");
    assert!(fails(&["network", "estimate", "--traces", &cut_off]).contains("cut_off.csv:3: it has 2 columns"));
    let alike = write("alike.csv", "scenario,terminal,t_send_s,rtt_ms,network_type\na,a,1,2,wired\nb,b,1,2,wired\n");
    let one_class = fails(&["network", "evaluate", "--leave-out", "--traces", &alike]);
    assert!(one_class.contains("all labelled terminals are `wired`"), "{one_class}");
    let together =
        write("together.csv", "scenario,terminal,t_send_s,rtt_ms,network_type\na,a,1,2,wired\na,b,1,2,lora\n");
    let one_place = fails(&["network", "train", "--traces", &together, "--out", "x"]);
    assert!(one_place.contains("one place (`a`)"), "{one_place}");
    let older = write("older.json", r#"{"version": 0, "kind": "network"}"#);
    assert!(fails(&["network", "estimate", "--traces", &good, "--model", &older]).contains("model version 0"));
    let strange = write("strange.json", "[]");
    assert!(fails(&["network", "estimate", "--traces", &good, "--model", &strange]).contains("no model file"));
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/cause.json");
    assert!(fails(&["network", "estimate", "--traces", &good, "--model", other.to_str().unwrap()]).contains("kind"));
}
