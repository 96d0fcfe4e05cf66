//! What is stored of those who asked for it goes, in the database of the running daemon.

use std::sync::mpsc::sync_channel;

use super::*;
use crate::io::control::ControlEvent;

/// Asks, does what the watch does meanwhile, and gives the answer.
fn forget(stage: &mut Stage, range: &str) -> ControlReply {
    let (reply, answer) = sync_channel(1);
    let command = ControlCommand::Forget { ranges: vec![range.to_owned()], who: "me".to_owned() };
    let event = ControlEvent { command, who: "tester".to_owned(), reply, waits: std::sync::Weak::new() };
    stage.service.answer(event, stage.moment());
    for wish in stage.service.forgotten() {
        wish.done.send(stage.service.store().forget_states(&wish.addresses).unwrap()).unwrap();
    }
    answer.recv().expect("everybody is answered")
}

#[test]
fn what_is_excluded_is_forgotten_and_nothing_else() {
    let mut stage = stage();
    let insert = "INSERT INTO banner SELECT 1, 134744072 + n * 256, 80, 'tcp', 'http', TIMESTAMP '2026-01-01 12:00:00',
            'answered', false, 'x', NULL, 1, 1, 1, 1 FROM range(2) AS r(n);
        INSERT INTO target_base SELECT 134744072 + n * 256, 1, 1, 1, 0, 0, 3, '80' FROM range(2) AS r(n)";
    stage.service.store().connection().execute_batch(insert).unwrap();
    // Long after the exclusions were read, so nothing is awaited.
    stage.now = Duration::from_hours(1);
    let ControlReply::Refused { reason } = forget(&mut stage, "8.8.8.8") else { panic!("there is no thread for it") };
    assert!(reason.contains("starting"), "{reason}");
    stage.service.start_nightly().unwrap();
    while !matches!(forget(&mut stage, "8.8.8.200"), ControlReply::Forgotten(_)) {
        std::thread::sleep(Duration::from_millis(10));
    }

    let ControlReply::Refused { reason } = forget(&mut stage, "8.8.8.8-8.8.9.8") else { panic!("a part is probed") };
    assert!(reason.starts_with("8.8.9.0-8.8.9.8 is not excluded") && !reason.contains('\n'), "{reason}");
    let rows = |stage: &Stage| {
        let sql = "SELECT string_agg(DISTINCT address, ' ' ORDER BY address) FROM (
                       SELECT address FROM banner UNION ALL SELECT address FROM target_base)";
        stage.service.store().connection().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(rows(&stage), "134744072 134744328");
    let ControlReply::Forgotten(forgotten) = forget(&mut stage, "8.8.8.0/24") else { panic!("it is excluded") };
    let expected = [("banner".to_owned(), 1), ("target_base".to_owned(), 1)].into();
    assert_eq!((forgotten.addresses, forgotten.rows), (256, expected));
    assert_eq!(rows(&stage), "134744328", "the neighbours' stay");
    assert_eq!(stage.audited("exclusion.forget"), 2);
    let sql = "SELECT detail FROM audit WHERE what = 'exclusion.forget' ORDER BY made_at DESC LIMIT 1";
    let detail: String = stage.service.store().connection().query_row(sql, [], |row| row.get(0)).unwrap();
    let expected = r#"{"complete":true,"ranges":["8.8.8.0/24"],"rows":{"banner":1,"target_base":1}}"#;
    assert_eq!(detail, expected, "no more than that");
}
