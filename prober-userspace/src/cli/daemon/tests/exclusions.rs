//! Exclusions of the running daemon: files, what operators enter, and what a restart finds.

use super::*;
use crate::target::address_set::AddressSet;

#[test]
fn garbage_in_the_exclusions_is_told_everywhere_and_changes_nothing() {
    let mut stage = stage();
    write(stage.folder.path(), "optout.txt", "8.8.8.0/24\n8.8.9.0/240\n");
    stage.pass(Duration::from_millis(100));
    stage.pass(Duration::from_millis(400));
    let status = stage.command(ControlCommand::Status).unwrap();
    assert!(status.exclusions.problem.expect("it is told").contains("optout.txt:2: "));
    assert!(current(&stage).contains(OUT));
    assert_eq!(stage.audited("exclusions.refused"), 1);
    assert!(stage.service.shown().metrics().body.contains("prober_exclusions_refused 1\n"));

    write(stage.folder.path(), "optout.txt", "8.8.8.0/24\n8.8.9.0/24\n");
    stage.pass(Duration::from_millis(100));
    assert!(current(&stage).contains(ASKED), "more counts at once");
    stage.pass(Duration::from_millis(400));
    assert_eq!(stage.command(ControlCommand::Status).unwrap().exclusions.problem, None);
}

#[test]
fn who_asks_is_left_out_at_once_and_for_good() {
    let mut stage = stage();
    let exclude = |range: &str| ControlCommand::Exclude {
        ranges: vec![range.to_owned()],
        reason: "asked by mail".to_owned(),
        who: "me".to_owned(),
    };
    assert!(stage.command(exclude("8.8.9.0/33")).is_err());
    stage.command(exclude("8.8.9.0/24")).unwrap();
    assert!(current(&stage).contains(ASKED));
    stage.command(ControlCommand::Reload).unwrap();
    assert!(current(&stage).contains(ASKED), "a reload keeps it");
    let Stage { folder, service, .. } = stage;
    drop(service);
    assert!(current(&start(folder)).contains(ASKED), "and so does a restart");
}

#[test]
fn a_list_that_is_emptied_while_nobody_looks_is_compared_with_the_last_that_was_in_force() {
    let mut stage = stage();
    let lines: Vec<String> = (0..100).map(|n| format!("8.8.{}.0/24\n", 2 * n)).collect();
    write(stage.folder.path(), "optout.txt", &lines.concat());
    stage.look();
    stage.pass(Duration::from_millis(400));
    let range = "8.8.9.0/24".to_owned();
    let exclude = ControlCommand::Exclude { ranges: vec![range], reason: "asked".to_owned(), who: "me".to_owned() };
    stage.command(exclude).unwrap();
    // A target that leaves was excluded by nobody.
    let text = configuration(stage.folder.path(), STEPS).replace("8.8.0.0/16", "8.8.0.0/17");
    write(stage.folder.path(), "daemon.toml", &text);
    stage.command(ControlCommand::Reload).unwrap();
    let recorded =
        |stage: &Stage| -> AddressSet { super::super::kept_exclusions::excluded_last(stage.service.store()).unwrap() };
    let left = V4(0x0808_ff01);
    assert!(current(&stage).contains(left));
    assert!(recorded(&stage).contains(ASKED) && !recorded(&stage).contains(left));

    // As after a kill: nothing is told at the end.
    let restarted = |stage: Stage| {
        let Stage { folder, service, .. } = stage;
        drop(service);
        start(folder)
    };
    write(stage.folder.path(), "optout.txt", "# nobody\n");
    let mut stage = restarted(stage);
    assert_eq!(current(&stage).addresses().intersect(&recorded(&stage)).len(), recorded(&stage).len());
    assert!(current(&stage).contains(V4(0x0808_c601)), "of the last line, which the last start did not know");
    let problem = stage.command(ControlCommand::Status).unwrap().exclusions.problem.expect("it is told");
    assert!(problem.contains("25600 of the 25856 addresses"), "{problem}");
    stage.command(ControlCommand::Reload).unwrap();
    let mut stage = restarted(stage);
    assert_eq!(stage.command(ControlCommand::Status).unwrap().exclusions.problem, None, "a reload said so");
    assert!(!current(&stage).contains(OUT) && current(&stage).contains(ASKED));
}
