//! Files that are read, and files that are refused.

use std::fs;

use super::*;
use crate::model::access::AccessType;
use crate::model::trace::{Answer, Role, TraceProbe};

const GOOD: &str = "\
scenario,terminal,network_type,background,cause,hop_count,ttl_seen,port,t_send_s,rtt_ms,reply
a,t1,wlan,1,congestion,7,57,443,2.25,12.25,synack
a,t1,wlan,1,congestion,7,,22,1.5,,none
a,gw,gateway,1,,6,250,80,2,8,rst
";

fn read_text(text: &str) -> Result<Vec<Trace>, TraceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.csv");
    fs::write(&path, text).unwrap();
    read_traces(&path)
}

/// What is said of the line, and its number.
fn refusal(text: &str) -> (u64, String) {
    match read_text(text) {
        Err(TraceError::Line { line, what, .. }) => (line, what),
        other => panic!("a refused line was expected, not {other:?}"),
    }
}

#[test]
fn probes_are_sorted_by_time_and_gateways_known() {
    let traces = read_text(GOOD).unwrap();
    assert_eq!(traces.len(), 2);
    assert_eq!((traces[0].terminal.as_str(), traces[0].role), ("gw", Role::Gateway));
    let terminal = &traces[1];
    assert_eq!((terminal.access, terminal.background), (Some(AccessType::Wlan), Some(true)));
    assert_eq!(terminal.probes.iter().map(|probe| probe.port).collect::<Vec<_>>(), [22, 443]);
    let lost = TraceProbe { sent_s: 1.5, rtt_ms: None, port: 22, ttl: None, answer: Answer::Silent };
    assert_eq!(terminal.probes[0], lost);
}

#[test]
fn replies_alone_do_not_turn_into_silence_that_is_known() {
    let known = |text: &str| read_text(text).unwrap()[0].has_silence;
    assert!(!known("terminal,t_send_s,rtt_ms\na,1,2\na,2,2\n"));
    assert!(known("terminal,t_send_s,rtt_ms\na,1,2\na,2,\n"));
    assert!(known("terminal,t_send_s,rtt_ms,silence_known\na,1,2,1\n"));
    assert!(!known("terminal,t_send_s,rtt_ms,silence_known\na,1,2,0\nb,1,,1\n"));
    assert!(refusal("terminal,t_send_s,rtt_ms,silence_known\na,1,2,perhaps\n").1.contains("silence_known"));
    let mut traces = read_text("terminal,t_send_s,rtt_ms\n00123,1,2\n00124,2,\n").unwrap();
    traces[0].has_silence = false;
    let folder = tempfile::tempdir().unwrap();
    for name in ["traces.csv", "traces.parquet"] {
        let path = folder.path().join(name);
        write_traces(&path, &traces).unwrap();
        assert_eq!(read_traces(&path).unwrap(), traces, "{name}: names that look like numbers stay names");
    }
}

#[test]
fn times_out_of_order_are_refused_with_their_line_unless_any_order_will_do() {
    let text = "terminal,t_send_s,rtt_ms\na,0,1\nb,9,1\na,8,1\na,7.5,1\nb,10,1\na,6.5,1\n";
    let (line, what) = refusal(text);
    assert_eq!(line, 7);
    assert!(what.starts_with("`t_send_s` is 6.5, yet a line before is of `a` at 8;"), "{what}");
    assert!(what.contains("--sort-by-time"), "{what}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.csv");
    fs::write(&path, text).unwrap();
    let traces = read_traces_in(&path, LineOrder::Any).unwrap();
    let times: Vec<f64> = traces[0].probes.iter().map(|probe| probe.sent_s).collect();
    assert_eq!(times, [0.0, 6.5, 7.5, 8.0]);
    // What is written of it is in order.
    let sorted = folder.path().join("sorted.parquet");
    write_traces(&sorted, &traces).unwrap();
    assert_eq!(read_traces(&sorted).unwrap(), traces);
}

#[test]
fn every_kind_of_file_gives_the_same_traces() {
    let traces = read_text(GOOD).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["traces.csv", "traces.csv.gz", "traces.parquet"] {
        let path = folder.path().join(name);
        assert_eq!(write_traces(&path, &traces).unwrap(), 3);
        assert_eq!(read_traces(&path).unwrap(), traces, "{name}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing half-written is left");
}

#[test]
fn a_column_that_is_missing_is_named() {
    let (line, what) = refusal("terminal,rtt_ms\nt,1\n");
    assert_eq!(line, 1);
    assert!(what.contains("`t_send_s`"), "{what}");
}

#[test]
fn what_cannot_be_true_is_refused_with_its_line() {
    for (cells, said) in [
        ("t,1,-0.5,wlan,80,synack", "`rtt_ms` is -0.5"),
        ("t,1,99999999,wlan,80,synack", "between 0 and 600000"),
        ("t,1,inf,wlan,80,synack", "`rtt_ms` is inf"),
        ("t,1,fast,wlan,80,synack", "not a number"),
        ("t,soon,1,wlan,80,synack", "not a number of seconds"),
        ("t,nan,1,wlan,80,synack", "not a time"),
        ("t,1,1,wimax,80,synack", "`wimax` is no network type"),
        ("t,1,1,wlan,70000,synack", "`port` is `70000`"),
        ("t,1,1,wlan,80,perhaps", "`perhaps` is no reply"),
        ("t,1,1,wlan,80,none", "yet there is an `rtt_ms`"),
        ("t,-1,1,wlan,80,synack", "times begin at 0"),
        ("a,1e12,1,wlan,80,synack", "more than ten years"),
        ("t,1,,wlan,80,synack", "yet there is no `rtt_ms`"),
        ("t,1", "it has 2 columns, the heading has 6"),
        ("t,1,1,wlan,80,synack,9", "it has 7 columns"),
        (",1,1,wlan,80,synack", "`terminal` is empty"),
        ("a,1,1,wired,80,synack", "had another network type"),
    ] {
        let text = format!("terminal,t_send_s,rtt_ms,network_type,port,reply\na,0,1,wlan,80,synack\n{cells}\n");
        let (line, what) = refusal(&text);
        assert_eq!(line, 3, "{cells}");
        assert!(what.contains(said), "{cells}: {what}");
    }
}

#[test]
fn columns_of_public_collections_are_understood() {
    let text = "dataset,access,condition,terminal,t_s,rtt_ms,lost,extra\n\
                field,5g,idle,0,20251015_121225,80.5,0,gap=1\nfield,5g,idle,0,20251015_121226,,1,\n\
                other,802.15.4,,A,,25,0,\n";
    let traces = read_text(text).unwrap();
    assert_eq!(traces[0].terminal, "idle/0");
    assert_eq!(traces[0].access, Some(AccessType::Lte));
    assert!((traces[0].probes[1].sent_s - traces[0].probes[0].sent_s - 1.0).abs() < 1e-6);
    assert_eq!(traces[1].access, Some(AccessType::Wisun));
}

#[test]
fn nothing_and_no_file_are_errors() {
    assert!(matches!(read_text(""), Err(TraceError::Empty { .. })));
    assert!(matches!(read_text("terminal,t_send_s,rtt_ms\n"), Err(TraceError::Empty { .. })));
    assert!(matches!(read_traces(Path::new("/nonexistent/file.csv")), Err(TraceError::Read { .. })));
    assert!(matches!(read_traces(Path::new("/nonexistent/file.parquet")), Err(TraceError::Read { .. })));
}
