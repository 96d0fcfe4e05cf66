//! Roll-outs by simulation: calm worlds, rising errors, complaints, restarts.

use super::*;
use crate::target::splitmix::{nth, unit};

const HOUR_S: f64 = 3_600.0;

fn config() -> RolloutConfig {
    RolloutConfig {
        steps: vec![0.01, 0.1, 0.5, 1.0],
        step_time: Duration::from_hours(24),
        most_errors: 0.05,
        most_complaints: 3,
    }
}

/// All of whose shares are seen at once.
fn start() -> Rollout {
    let mut rollout = Rollout::new(config(), RolloutState { key: 7, ..RolloutState::default() });
    rollout.note_seen(true);
    rollout
}

/// So many errors among so many probes, as chance has it.
fn errors(seed: u64, probes: u64, share: f64) -> u64 {
    (0..probes).filter(|&probe| unit(nth(seed, probe)) < share).count() as u64
}

#[test]
fn shares_are_nested_of_their_size_and_depend_on_the_key() {
    let addresses = || (0..1_000_000_u32).map(|number| V4(0x0a00_0000 + number));
    let shares = [0.01, 0.1, 0.5, 1.0].map(|size| Share::new(7, size));
    let counts = shares.map(|share| addresses().filter(|address| share.holds(*address)).count() as f64 / 1e6);
    for (count, size) in counts.iter().zip([0.01, 0.1, 0.5, 1.0]) {
        assert!((count - size).abs() < 0.002, "{count} for {size}");
    }
    assert!(addresses().all(|address| shares.windows(2).all(|pair| !pair[0].holds(address) || pair[1].holds(address))));
    let both = addresses().filter(|address| shares[1].holds(*address) && Share::new(8, 0.1).holds(*address)).count();
    assert!((8_000..12_000).contains(&both), "{both}");
    assert!(!addresses().any(|address| Share::new(7, 0.0).holds(address)));
}

#[test]
fn a_calm_world_is_reached_in_full_after_the_steps() {
    for seed in 0..20 {
        let mut rollout = start();
        let mut grown = Vec::new();
        for hour in 0..30 * 24 {
            match rollout.watched(HOUR_S, 2_000, errors(nth(seed, hour), 2_000, 0.02), 2_000.0) {
                Some(RolloutChange::Grew { to, .. }) => grown.push((hour, to)),
                Some(halted) => panic!("seed {seed}, hour {hour}: {halted}"),
                None => {}
            }
        }
        assert_eq!(grown, [(23, 0.1), (47, 0.5), (71, 1.0)], "seed {seed}");
    }
}

#[test]
fn rising_errors_stop_it_soon_and_at_any_step() {
    for (seed, begins_h, share) in [(1, 5, 0.2), (2, 30, 0.08), (3, 60, 0.5), (4, 400, 0.1)] {
        let mut rollout = start();
        let stopped_h = (0..1_000).find(|&hour| {
            let share = if hour < begins_h { 0.01 } else { share };
            let change = rollout.watched(HOUR_S, 2_000, errors(nth(seed, hour), 2_000, share), 2_000.0);
            matches!(change, Some(RolloutChange::Halted(_)))
        });
        let delay_h = stopped_h.expect("it must stop") - begins_h;
        assert!(delay_h <= 12, "{delay_h} h after errors rose to {share}");
        assert!(rollout.halt().is_some());
        assert_eq!(rollout.watched(1e9, 1_000_000, 0, 1_000_000.0), None, "it stays stopped");
    }
}

#[test]
fn errors_that_double_stop_it_below_the_limit() {
    let mut rollout = start();
    let mut halted = None;
    for hour in 0..60 {
        let share = if hour < 24 { 0.005 } else { 0.03 };
        if let Some(RolloutChange::Halted(halt)) = rollout.watched(HOUR_S, 5_000, errors(hour, 5_000, share), 5_000.0) {
            halted = Some(halt);
            break;
        }
    }
    assert!(matches!(halted, Some(Halt::ErrorsRose { .. })), "{halted:?}");
}

#[test]
fn a_few_errors_at_the_very_start_do_not_stop_it() {
    let mut rollout = start();
    assert_eq!(rollout.watched(1.0, 10, 3, 10.0), None);
    assert_eq!(rollout.watched(1.0, 0, 0, 0.0), None);
}

#[test]
fn complaints_stop_it_and_resuming_goes_a_step_back() {
    let mut rollout = start();
    assert!(matches!(rollout.watched(25.0 * HOUR_S, 1_000, 0, 1_000.0), Some(RolloutChange::Grew { .. })));
    assert_eq!(rollout.complained(2), None);
    let halt = rollout.complained(1).expect("the third one stops it");
    assert_eq!(
        RolloutChange::Halted(halt).to_string(),
        "probing stops: 3 complaints in this step, the limit is 3; `prober control resume` goes on one step smaller"
    );
    assert_eq!(rollout.complained(1), None, "it is stopped already");
    assert_eq!(rollout.resume().map(|share| share.size()).map(|size| (size * 100.0).round()), Some(1.0));
    assert_eq!((rollout.halt(), rollout.resume()), (None, None));
}

#[test]
fn a_restart_goes_on_where_it_stood() {
    let mut rollout = start();
    rollout.watched(30.0 * HOUR_S, 5_000, 10, 5_000.0);
    rollout.complained(1);
    let kept = serde_json::to_string(rollout.state()).unwrap();
    let mut again = Rollout::new(config(), serde_json::from_str(&kept).unwrap());
    assert_eq!((again.state(), again.share()), (rollout.state(), rollout.share()));
    assert_eq!(again.complained(2), rollout.complained(2));
    let fewer = RolloutConfig { steps: vec![0.02], ..config() };
    assert!((Rollout::new(fewer, again.state().clone()).share().size() - 0.02).abs() < 1e-6);
}

#[test]
fn the_last_step_forgets_what_lies_longer_back_than_a_step() {
    let mut rollout = Rollout::new(RolloutConfig { steps: vec![0.5, 1.0], ..config() }, RolloutState::default());
    rollout.note_seen(true);
    assert!(matches!(rollout.watched(25.0 * HOUR_S, 100_000, 100, 100_000.0), Some(RolloutChange::Grew { .. })));
    // Three complaints over half a year stop nothing, three within a day do.
    for _ in 0..3 {
        assert_eq!(rollout.complained(1), None);
        assert_eq!(rollout.state().complaints, 1);
        for _ in 0..60 * 24 {
            assert_eq!(rollout.watched(HOUR_S, 1_000, 1, 1_000.0), None);
        }
    }
    assert_eq!(rollout.state().before, None, "what was before is long ago");
    // So is a slow rise, up to the limit.
    for _ in 0..100 {
        assert_eq!(rollout.watched(HOUR_S, 5_000, 100, 5_000.0), None);
    }
    assert_eq!(rollout.complained(2), None);
    rollout.watched(10.0 * HOUR_S, 1_000, 1, 1_000.0);
    assert!(matches!(rollout.complained(1), Some(Halt::Complaints { count: 3, .. })));
}

#[test]
fn complaints_kept_by_an_older_version_count() {
    let kept = r#"{"key":7,"step":0,"watched_s":100.0,"recent":{"probes":0.0,"errors":0.0},"before":null,"complaints":2,"halt":null}"#;
    let mut rollout = Rollout::new(config(), serde_json::from_str(kept).unwrap());
    assert_eq!(rollout.watched(1.0, 0, 0, 0.0), None);
    assert!(rollout.complained(1).is_some());
}

#[test]
fn a_share_is_shown_as_it_was_configured() {
    assert_eq!(Share::new(7, 0.1).size().to_string(), "0.1");
    assert_eq!(RolloutChange::Grew { from: 0.07, to: 0.1 }.to_string(), "the watched share grows from 7 % to 10 %");
}

#[test]
fn a_share_that_was_not_visited_yet_does_not_grow() {
    let mut rollout = start();
    rollout.note_seen(false);
    for _ in 0..100 {
        assert_eq!(rollout.watched(HOUR_S, 10, 0, 10.0), None);
    }
    // Nor after a restart, before anybody has looked; and a complaint is no look.
    let mut rollout = Rollout::new(config(), rollout.state().clone());
    assert_eq!(rollout.watched(HOUR_S, 10, 0, 10.0), None);
    rollout.note_seen(true);
    assert_eq!(rollout.complained(1), None);
    assert!((rollout.share().size() - 0.01).abs() < 1e-9, "a complaint makes nothing larger");
    assert!(matches!(rollout.watched(HOUR_S, 10, 0, 10.0), Some(RolloutChange::Grew { .. })));
}

#[test]
fn other_steps_never_lead_to_a_larger_share() {
    let mut rollout = start();
    rollout.watched(25.0 * HOUR_S, 1_000, 0, 1_000.0);
    assert!((rollout.share().size() - 0.1).abs() < 1e-9);
    // The first step, which is done, is taken out; its place is the share's.
    rollout.reconfigure(RolloutConfig { steps: vec![0.1, 0.5, 1.0], ..config() });
    assert!((rollout.share().size() - 0.1).abs() < 1e-9);
    rollout.reconfigure(RolloutConfig { steps: vec![0.05, 0.2, 1.0], ..config() });
    assert!((rollout.share().size() - 0.05).abs() < 1e-9);
}

#[test]
fn one_address_that_cannot_be_reached_is_one_error_however_many_ports_were_probed() {
    // A thousand visits of 100 probes, and one of the sample with 11,700, to an address behind a router that says no.
    let squares = 1_000.0 * 100.0 * 100.0 + 11_700.0 * 11_700.0;
    assert_eq!(start().watched(HOUR_S, 111_700, 11_700, squares), None);
    // As many errors at many addresses are something else.
    let halted = start().watched(HOUR_S, 111_700, 11_700, 1_117.0 * 100.0 * 100.0);
    assert!(matches!(halted, Some(RolloutChange::Halted(_))), "{halted:?}");
}
