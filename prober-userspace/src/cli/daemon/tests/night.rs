//! The work of a night, asked for, and what it hands over to the watch.

use super::*;

#[test]
fn a_night_now_learns_networks_and_hands_them_over() {
    let mut stage = stage();
    assert!(stage.command(ControlCommand::Nightly).is_err(), "there is no thread for it yet");
    assert_eq!(stage.audited("daemon.nightly"), 0);
    let insert = "INSERT INTO reply BY NAME
        SELECT 1 AS scan_id, now()::TIMESTAMP - INTERVAL 6 HOUR + to_seconds(s * 600) AS received_at,
            (20000 + hash(n, s) % 30000)::UINTEGER AS rtt_us, (134744072 + n * 256)::UINTEGER AS address, 80 AS port, 0 AS kind,
            0 AS probe, 0 AS detail, 60 AS ttl, 0 AS quoted_ttl
        FROM range(30) AS n(n), range(36) AS s(s)";
    stage.service.store().connection().execute_batch(insert).unwrap();
    stage.service.start_nightly().unwrap();
    let handed_over = |stage: &mut Stage| {
        for _ in 0..6_000 {
            if let Some(networks) = stage.look().networks {
                return networks.len();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the night never came to an end");
    };
    assert_eq!(handed_over(&mut stage), 30, "a start makes up for the last night");
    let wait = |stage: &mut Stage| {
        for _ in 0..6_000 {
            if !stage.command(ControlCommand::Status).unwrap().upkeep.nightly_under_way {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the night never came to an end");
    };
    wait(&mut stage);
    // A night may be over before the next is asked for.
    let mut nights = 0;
    let refusal = loop {
        match stage.command(ControlCommand::Nightly) {
            Ok(_) => nights += 1,
            Err(refusal) => break refusal,
        }
        assert!(nights < 1_000, "two nights at once");
    };
    assert!(nights > 0 && refusal.contains("under way"), "{nights} nights: {refusal}");
    wait(&mut stage);
    assert_eq!(handed_over(&mut stage), 30);
    assert!(stage.look().networks.is_none(), "once");
    assert!(stage.command(ControlCommand::Status).unwrap().upkeep.learnt_at_s.is_some());
    assert_eq!((stage.audited("daemon.nightly"), stage.audited("networks.learnt")), (nights, nights + 1));

    // A new start does not work it again, but knows when it was worked.
    let Stage { folder, service, .. } = stage;
    drop(service);
    let mut stage = start(folder);
    stage.service.start_nightly().unwrap();
    assert!(stage.command(ControlCommand::Status).unwrap().upkeep.learnt_at_s.is_some());
    stage.command(ControlCommand::Nightly).expect("none is under way");
    assert_eq!(handed_over(&mut stage), 30);
    wait(&mut stage);
    assert_eq!(stage.audited("networks.learnt"), nights + 2);
}

#[test]
fn ports_of_a_reload_wait_for_the_next_start_as_it_says() {
    let mut stage = stage();
    stage.service.start_nightly().unwrap();
    let handed_over = |stage: &mut Stage| {
        for _ in 0..6_000 {
            if let Some(known) = stage.look().known {
                return known.standard.clone();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the night never came to an end");
    };
    let of_the_start = handed_over(&mut stage);
    assert!(of_the_start.len() > 2);
    let text = configuration(stage.folder.path(), "[probing]\nports = [\"80\", \"60001\"]\n");
    write(stage.folder.path(), "daemon.toml", &text);
    stage.command(ControlCommand::Reload).unwrap();
    let is_begun = (0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        stage.command(ControlCommand::Nightly).is_ok()
    });
    assert!(is_begun, "the night never came to an end");
    assert_eq!(handed_over(&mut stage), of_the_start);
}
