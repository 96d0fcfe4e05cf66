//! Properties of the queue of errands, against a wire that sends whatever it is handed.

use std::collections::HashMap;

use prober_common::address::V4;
use proptest::prelude::*;

use super::*;
use crate::target::errand::Probes;
use crate::target::exclusions::Exclusions;
use crate::target::shared_exclusions::SharedExclusions;

const STEP_NS: u64 = 1_000_000;

#[derive(Debug)]
struct Sent {
    at_ns: u64,
    address: V4,
    port: u16,
}

/// Runs until everything is done; each batch is confirmed one step later.
fn run(queue: &mut ErrandQueue, from_ns: u64) -> (Vec<Sent>, Vec<ErrandDone>) {
    let (mut sent, mut done, mut unconfirmed) = (Vec::new(), Vec::new(), Vec::new());
    let mut now_ns = from_ns;
    loop {
        for id in unconfirmed.drain(..) {
            queue.sent(id, now_ns);
        }
        let mut batch = Batch::default();
        loop {
            match queue.next_batch(now_ns, 64, &mut batch) {
                Next::Batch => {
                    let slots = batch.slots().iter();
                    sent.extend(slots.map(|slot| Sent { at_ns: now_ns, address: slot.address, port: slot.port }));
                    unconfirmed.push(batch.id());
                }
                Next::WaitUntil(at_ns) if at_ns > now_ns => break,
                Next::WaitUntil(_) => {}
                Next::Done if unconfirmed.is_empty() => {
                    done.extend(std::iter::from_fn(|| queue.pop_done()));
                    return (sent, done);
                }
                Next::Done => break,
            }
        }
        done.extend(std::iter::from_fn(|| queue.pop_done()));
        now_ns += STEP_NS;
    }
}

fn shared(excluded: &[&str]) -> std::sync::Arc<SharedExclusions> {
    let ranges = excluded.iter().map(|text| text.parse().expect("a prefix")).collect();
    SharedExclusions::new(Exclusions::new([("x".to_owned(), ranges)], true))
}

fn errand(address: u32, ports: u16, not_before_ns: u64, group: u32, tag: u64) -> Errand {
    let probes = Probes::Tcp((1..=ports).collect());
    Errand { address: V4(address), probes, not_before_ns, spacing_ns: 3 * STEP_NS, group, tag }
}

/// Most probes within any second.
fn most_per_second(times: &[u64]) -> usize {
    let within = |first: &u64| times.iter().filter(|at| **at >= *first && **at < first + 1_000_000_000).count();
    times.iter().map(within).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Each probe of each errand once and not before its time, none to the excluded, no limit exceeded, each errand done
    /// once.
    #[test]
    fn every_errand_is_done_once_within_all_limits(
        errands in prop::collection::vec((0..3_u32, 0..6_u32, 0..30_u16, 0..500_u64, 0..3_u32), 1..40),
        slash24_pps in prop_oneof![Just(0.0), 40.0..400.0_f64],
        group_pps in 30.0..300.0_f64,
    ) {
        let exclusions = shared(&["20.0.2.0/24"]);
        let mut queue = ErrandQueue::new(exclusions.reader(), slash24_pps);
        queue.set_group_rate(1, group_pps);
        let mut wanted = HashMap::new();
        for (tag, (network, host, ports, wait, group)) in errands.iter().enumerate() {
            let address = 0x1400_0000 + network * 256 + host;
            queue.push(errand(address, *ports, wait * STEP_NS, *group, tag as u64), 0);
            if *network < 2 {
                for port in 1..=*ports {
                    *wanted.entry((address, port)).or_insert(0) += 1;
                }
            }
        }
        queue.close();
        let (sent, done) = run(&mut queue, 0);
        let mut got = HashMap::new();
        for probe in &sent {
            *got.entry((probe.address.0, probe.port)).or_insert(0) += 1;
        }
        prop_assert_eq!(got, wanted);
        let mut tags: Vec<u64> = done.iter().map(|done| done.tag).collect();
        tags.sort_unstable();
        prop_assert_eq!(tags, (0..errands.len() as u64).collect::<Vec<_>>());
        for done in &done {
            let (network, _, ports, wait, _) = errands[done.tag as usize];
            prop_assert_eq!(done.is_excluded, network == 2 && ports > 0);
            prop_assert_eq!(u32::from(ports) * u32::from(network < 2), done.probes);
            prop_assert!(done.probes == 0 || done.sent_ns > wait * STEP_NS);
        }
        for network in 0..2 {
            let times: Vec<u64> =
                sent.iter().filter(|probe| probe.address.0 >> 8 == 0x14_0000 + network).map(|probe| probe.at_ns).collect();
            if slash24_pps > 0.0 {
                let most = slash24_pps + (slash24_pps / 10.0).clamp(1.0, 32.0) + 1.0;
                prop_assert!(most_per_second(&times) as f64 <= most, "{} of {most}", most_per_second(&times));
            }
        }
        // Ports are numbered from 1 in each errand, so an address alone does not tell the group; groups of one address only.
        let own: Vec<_> = errands.iter().filter(|errand| errand.4 == 1).map(|errand| (errand.0, errand.1)).collect();
        let is_mixed = errands.iter().any(|errand| errand.4 != 1 && own.contains(&(errand.0, errand.1)));
        if !is_mixed {
            let is_own = |probe: &&Sent| own.contains(&((probe.address.0 >> 8) & 3, probe.address.0 & 255));
            let times: Vec<u64> = sent.iter().filter(is_own).map(|probe| probe.at_ns).collect();
            let most = group_pps + (group_pps / 10.0).clamp(1.0, 32.0) + 1.0;
            prop_assert!(most_per_second(&times) as f64 <= most);
        }
    }
}

#[test]
fn what_is_excluded_meanwhile_gets_no_more_probes() {
    let exclusions = shared(&[]);
    let mut queue = ErrandQueue::new(exclusions.reader(), 0.0);
    queue.push(errand(0x1400_0001, 30, 0, NO_GROUP, 7), 0);
    let mut batch = Batch::default();
    assert_eq!(queue.next_batch(0, 64, &mut batch), Next::Batch);
    queue.sent(batch.id(), 1);
    exclusions.replace(shared(&["20.0.0.1"]).current());
    assert!(matches!(queue.next_batch(10 * STEP_NS, 64, &mut batch), Next::WaitUntil(_)));
    let done = queue.pop_done().expect("it is over");
    assert!(done.is_excluded && done.probes == 1 && done.tag == 7, "{done:?}");
    assert_eq!(queue.counts(), ErrandCounts { errands: 1, done: 1, probes: 1, excluded: 1 });
}

#[test]
fn an_address_is_probed_no_faster_than_its_errand_says() {
    let mut queue = ErrandQueue::new(shared(&[]).reader(), 0.0);
    queue.push(errand(0x1400_0001, 50, 5 * STEP_NS, NO_GROUP, 1), 0);
    queue.close();
    let (sent, _) = run(&mut queue, 0);
    assert_eq!(sent.first().map(|probe| probe.at_ns), Some(5 * STEP_NS));
    assert!(sent.windows(2).all(|pair| pair[1].at_ns - pair[0].at_ns >= 3 * STEP_NS));
}

#[test]
fn a_long_pause_is_not_made_up_for() {
    let mut queue = ErrandQueue::new(shared(&[]).reader(), 100.0);
    for host in 0..200 {
        queue.push(errand(0x1400_0000 + host, 1, 0, NO_GROUP, u64::from(host)), 0);
    }
    queue.close();
    let mut batch = Batch::default();
    while matches!(queue.next_batch(0, 64, &mut batch), Next::Batch | Next::WaitUntil(0)) {}
    let (sent, _) = run(&mut queue, 60_000_000_000);
    let times: Vec<u64> = sent.iter().map(|probe| probe.at_ns).collect();
    assert!(most_per_second(&times) <= 111, "{}", most_per_second(&times));
}
