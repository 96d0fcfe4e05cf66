//! Schedules run by imitated senders: out-of-order confirmations, kills at any moment, resumes. Every target must get
//! every pass, at its distance and within its network's limit; a resume repeats only what the checkpoint did not know.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::plan::Scope;
use crate::target::ports::PortList;
use crate::target::range::AddressRange;
use prober_common::address::V4;

const SECOND_NS: u64 = 1_000_000_000;

fn plan(addresses: u32, ports: &str, seed: u64) -> Arc<Plan> {
    let range = AddressRange::between(V4(0x0a00_0080), V4(0x0a00_0080 + addresses - 1));
    let ports: PortList = ports.parse().expect("ports");
    let scope = Scope::Product { addresses: AddressSet::from_ranges([range]), ports: ports.ports().to_vec() };
    Arc::new(Plan::new(scope, &Exclusions::new([], true), seed).expect("a plan"))
}

fn config(passes: u32, spacing_ns: u64, per_slash24: f64) -> ScheduleConfig {
    ScheduleConfig { passes, spacing_ns, rate_per_slash24_pps: per_slash24, max_targets: None }
}

/// A small reproducible source of chance for the imitated senders.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        splitmix::nth(self.0, 7) % limit
    }
}

/// One session, killed after `life` steps if it has not ended.
struct Session<'a> {
    schedule: Schedule,
    dice: &'a mut Dice,
    now_ns: &'a mut u64,
    /// Sendings of each target so far, over all sessions.
    sends: &'a mut HashMap<ProbeSlot, Vec<u64>>,
    /// Sent, but not known to the last checkpoint.
    unsaved: u64,
    saved: Checkpoint,
}

impl Session<'_> {
    fn run(&mut self, life: u64, most: usize) -> bool {
        let mut queues: [VecDeque<Batch>; 2] = Default::default();
        let mut confirmations = VecDeque::new();
        // What is on its way to the schedule when it saves counts as unsaved too.
        for _ in 0..life {
            *self.now_ns += self.dice.below(2_000_000);
            let queue = self.dice.below(2) as usize;
            match self.dice.below(8) {
                0..=2 => {
                    let mut batch = Batch::default();
                    match self.schedule.next_batch(*self.now_ns, most, &mut batch) {
                        Next::Batch => queues[queue].push_back(batch),
                        Next::WaitUntil(at_ns) if queues.iter().all(VecDeque::is_empty) && confirmations.is_empty() => {
                            *self.now_ns = at_ns.max(*self.now_ns + 1);
                        }
                        Next::Done if queues.iter().all(VecDeque::is_empty) => return true,
                        Next::WaitUntil(_) | Next::Done => {}
                    }
                }
                3..=4 => {
                    if let Some(batch) = queues[queue].pop_front() {
                        for &slot in batch.slots() {
                            self.sends.entry(slot).or_default().push(*self.now_ns);
                            self.unsaved += 1;
                        }
                        confirmations.push_back((batch.id(), *self.now_ns, batch.slots().len() as u64));
                    }
                }
                5..=6 => {
                    let pick = self.dice.below(confirmations.len().max(1) as u64) as usize;
                    if let Some((id, at_ns, _)) = confirmations.remove(pick) {
                        self.schedule.sent(id, at_ns);
                    }
                }
                _ if self.dice.below(6) == 0 => {
                    self.saved = through_json(&self.schedule.checkpoint());
                    self.unsaved = confirmations.iter().map(|&(_, _, probes)| probes).sum();
                }
                _ => {}
            }
        }
        false
    }
}

fn through_json(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("numbers");
    serde_json::from_str(&text).expect("what was just written")
}

proptest! {
    #![proptest_config(crate::target::properties::config(150))]

    #[test]
    fn kills_lose_nothing_and_repeat_only_what_was_not_saved(
        (addresses, ports, passes) in (1_u32..700, prop_oneof![Just("80"), Just("22,80,U:53,icmp")], 1_u32..4),
        spacing_ns in prop_oneof![Just(0), 1..3 * SECOND_NS],
        per_slash24 in prop_oneof![2 => Just(0.0), 1 => 20.0..3000.0],
        (index, count) in (0_u32..3, 3_u32..5),
        most in 1_usize..=64,
        kills in 0_u64..6,
        seed: u64,
    ) {
        let plan = plan(addresses, ports, seed);
        let shard = Shard::new(index, count).expect("in range");
        let config = config(passes, spacing_ns, per_slash24);
        let (mut dice, mut now_ns, mut sends) = (Dice(seed), 5 * SECOND_NS, HashMap::new());
        let mut schedule = Schedule::new(Arc::clone(&plan), shard, config);
        let mut repeats_allowed = 0;
        for session in 0.. {
            let saved = schedule.checkpoint();
            let life = if session < kills { dice.below(600) } else { u64::MAX };
            let mut run =
                Session { schedule, dice: &mut dice, now_ns: &mut now_ns, sends: &mut sends, unsaved: 0, saved };
            if run.run(life, most) {
                prop_assert_eq!(run.schedule.progress().handed_out, run.schedule.progress().probes);
                break;
            }
            repeats_allowed += run.unsaved;
            let saved = through_json(&run.saved);
            schedule = Schedule::resume(Arc::clone(&plan), shard, config, &saved, now_ns).expect("it fits");
        }
        let targets = shard.len_of(plan.len());
        prop_assert_eq!(sends.len() as u64, targets);
        let mut repeats = 0;
        for turn in 0..targets {
            let times = &sends[&plan.at(shard.position(turn))];
            prop_assert!(times.len() as u64 >= u64::from(passes));
            repeats += times.len() as u64 - u64::from(passes);
            // Only a repeat may come sooner than the spacing's three quarters.
            let near = times.windows(2).filter(|pair| pair[1] - pair[0] < spacing_ns / 4 * 3).count();
            prop_assert!(near as u64 <= times.len() as u64 - u64::from(passes));
        }
        prop_assert!(repeats <= repeats_allowed, "{repeats} repeated, {repeats_allowed} were unsaved");
    }

    #[test]
    fn no_network_gets_more_than_its_limit(
        addresses in 200_u32..600,
        pps in 5.0..500.0_f64,
        passes in 1_u32..3,
        step_ns in 1_000_u64..20_000_000,
        pause_at in 0_u64..300,
        seed: u64,
    ) {
        let plan = plan(addresses, "1-3", seed);
        let mut schedule = Schedule::new(Arc::clone(&plan), Shard::WHOLE, config(passes, SECOND_NS, pps));
        let mut batch = Batch::default();
        let mut handed: HashMap<u32, Vec<u64>> = HashMap::new();
        let (mut now_ns, mut calls, mut count) = (SECOND_NS, 0, 0);
        loop {
            calls += 1;
            now_ns += if calls == pause_at { 5 * SECOND_NS } else { step_ns };
            match schedule.next_batch(now_ns, 64, &mut batch) {
                Next::Batch => {
                    for slot in batch.slots() {
                        handed.entry(slot.address.slash24()).or_default().push(now_ns);
                        count += 1;
                    }
                    schedule.sent(batch.id(), now_ns);
                }
                Next::WaitUntil(at_ns) => now_ns = now_ns.max(at_ns.saturating_sub(step_ns)),
                Next::Done => break,
            }
        }
        prop_assert_eq!(count, plan.len() * u64::from(passes));
        // The allowed burst, and what may be handed out late by one call and the lateness that is let pass.
        let burst = (pps / 10.0).clamp(1.0, 32.0) + 2.0 + pps * (LATE_NS + 2 * step_ns) as f64 / 1e9;
        for times in handed.values() {
            for from in 0..times.len() {
                for to in from..times.len() {
                    let window_s = (times[to] - times[from]) as f64 / 1e9;
                    let most = burst + pps * window_s;
                    prop_assert!((to - from) as f64 <= most, "{} in {window_s} s at {pps}", to - from + 1);
                }
            }
        }
    }

    #[test]
    fn runs_split_and_join(first in 0_u64..1000, count in 1_u32..=64, drop in prop::collection::vec(0_u64..64, 0..40), most in 1_usize..70) {
        let mut run = Run::new(1, first, count);
        for turn in drop.into_iter().map(|i| first + i) {
            if run.probes() > 1 && run.turns().any(|t| t == turn) {
                run = run.without(turn);
            }
        }
        let turns: Vec<_> = run.turns().collect();
        prop_assert_eq!(run.first_turn(), turns[0]);
        prop_assert_eq!(run.contiguous().is_some(), turns.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let (low, rest) = run.split(most);
        prop_assert_eq!(low.probes(), run.probes().min(most as u64));
        let joined: Vec<_> = low.turns().chain(rest.into_iter().flat_map(Run::turns)).collect();
        prop_assert_eq!(joined, turns);
    }
}

/// Runs a schedule to its end with a sender that is never behind.
fn drain(schedule: &mut Schedule) -> Vec<(u64, ProbeSlot)> {
    let (mut now_ns, mut batch, mut sent) = (0, Batch::default(), Vec::new());
    loop {
        match schedule.next_batch(now_ns, 64, &mut batch) {
            Next::Batch => {
                sent.extend(batch.slots().iter().map(|&slot| (now_ns, slot)));
                schedule.sent(batch.id(), now_ns);
                now_ns += 1000;
            }
            Next::WaitUntil(at_ns) => now_ns = at_ns.max(now_ns + 1),
            Next::Done => return sent,
        }
    }
}

#[test]
fn one_pass_follows_the_plan() {
    let plan = plan(1000, "80,443", 3);
    let mut schedule = Schedule::new(Arc::clone(&plan), Shard::WHOLE, config(1, 0, 0.0));
    let sent: Vec<_> = drain(&mut schedule).into_iter().map(|(_, slot)| slot).collect();
    let planned: Vec<_> = (0..plan.len()).map(|position| plan.at(position)).collect();
    assert_eq!(sent, planned);
    assert_eq!(schedule.position(), plan.len());
}

#[test]
fn passes_are_spaced_with_jitter() {
    let plan = plan(5000, "80", 3);
    let mut schedule = Schedule::new(Arc::clone(&plan), Shard::WHOLE, config(2, SECOND_NS, 0.0));
    let mut first_sent = HashMap::new();
    let mut gaps = Vec::new();
    for (at_ns, slot) in drain(&mut schedule) {
        if let Some(first_ns) = first_sent.insert(slot, at_ns) {
            gaps.push(at_ns - first_ns);
        }
    }
    assert_eq!(gaps.len(), 5000);
    assert!(gaps.iter().all(|gap| (750_000_000..1_260_000_000).contains(gap)));
    let mean = gaps.iter().sum::<u64>() / 5000;
    assert!(
        (950_000_000..1_050_000_000).contains(&mean)
            && gaps.iter().max() > gaps.iter().min().map(|m| m + 300_000_000).as_ref()
    );
}

#[test]
fn the_number_of_targets_is_kept() {
    let plan = plan(1000, "80", 3);
    let limited = ScheduleConfig { max_targets: Some(100), ..config(3, 1000, 0.0) };
    let mut schedule = Schedule::new(Arc::clone(&plan), Shard::WHOLE, limited);
    assert_eq!(drain(&mut schedule).len(), 300);
    // And may be raised when going on.
    let saved = schedule.checkpoint();
    let raised = ScheduleConfig { max_targets: Some(150), ..limited };
    let mut more = Schedule::resume(plan, Shard::WHOLE, raised, &saved, 0).expect("it fits");
    assert_eq!(drain(&mut more).len(), 150);
}

#[test]
fn unfit_checkpoints_are_refused() {
    let plan_a = plan(1000, "80", 3);
    let mut schedule = Schedule::new(Arc::clone(&plan_a), Shard::WHOLE, config(2, 1000, 0.0));
    let mut batch = Batch::default();
    for _ in 0..3 {
        assert_eq!(schedule.next_batch(0, 64, &mut batch), Next::Batch);
    }
    schedule.sent(batch.id(), 0);
    let saved = schedule.checkpoint();
    let resume = |plan: &Arc<Plan>, shard, passes, saved: &Checkpoint| {
        Schedule::resume(Arc::clone(plan), shard, config(passes, 1000, 0.0), saved, 0).map(|_| ())
    };
    assert_eq!(resume(&plan_a, Shard::WHOLE, 2, &saved), Ok(()));
    assert_eq!(resume(&plan(1000, "80", 4), Shard::WHOLE, 2, &saved), Err(ResumeError::OtherPlan));
    let half = Shard::new(0, 2).expect("in range");
    assert_eq!(resume(&plan_a, half, 2, &saved), Err(ResumeError::OtherShard { stored: Shard::WHOLE, given: half }));
    assert_eq!(resume(&plan_a, Shard::WHOLE, 1, &saved), Err(ResumeError::OtherPasses { stored: 2, given: 1 }));

    let text = serde_json::to_string(&saved).expect("numbers");
    assert!(text.ends_with(r#""next":192,"unfinished":[[0,0,128],[1,128,64]]}"#), "{text}");
    for damage in [
        "[0,0,193]",
        "[0,0,10],[1,5,10]",
        "[2,0,1]",
        "[0,0,0]",
        "[0,18446744073709551615,2]",
        "[0,0,18446744073709551615]",
    ] {
        let damaged = text.replace("[0,0,128],[1,128,64]", damage);
        let damaged: Checkpoint = serde_json::from_str(&damaged).expect("still of the right shape");
        assert_eq!(resume(&plan_a, Shard::WHOLE, 2, &damaged), Err(ResumeError::Damaged), "{damage}");
    }
}

#[test]
fn strange_confirmations_are_ignored() {
    let mut schedule = Schedule::new(plan(300, "80", 3), Shard::WHOLE, config(2, 1000, 0.0));
    let mut batch = Batch::default();
    schedule.sent(BatchId(0), 0);
    schedule.sent(BatchId(u64::MAX), 0);
    assert_eq!(schedule.next_batch(0, 64, &mut batch), Next::Batch);
    schedule.sent(batch.id(), 10);
    schedule.sent(batch.id(), 20);
    assert_eq!(schedule.progress().due_later, 64);
}
