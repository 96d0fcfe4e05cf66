//! Plans: complete, without the excluded, in shards; refusals and their words.

use std::collections::HashSet;

use proptest::prelude::*;

use super::targets::Divisor;
use super::*;
use crate::target::ports::PortList;
use crate::target::range::AddressRange;
use crate::target::shard::Shard;

fn set(text: &str) -> AddressSet {
    text.split_whitespace().map(|range| range.parse::<AddressRange>().expect(range)).collect()
}

fn ports(text: &str) -> Vec<ProbePort> {
    text.parse::<PortList>().expect(text).ports().to_vec()
}

fn excluding(text: &str) -> Exclusions {
    Exclusions::new([("list".to_owned(), set(text).ranges().collect())], true)
}

fn product(addresses: &str, port_text: &str, exclusions: &Exclusions) -> Result<Plan, PlanError> {
    Plan::new(Scope::Product { addresses: set(addresses), ports: ports(port_text) }, exclusions, 7)
}

#[test]
fn refusals_say_what_to_do() {
    let none = Exclusions::new([], true);
    let special = Exclusions::new([], false);
    for (plan, part) in [
        (product("8.0.0.0/8 9.0.0.0/32", "80", &none), "16777217 addresses are in scope"),
        (product("0.0.0.0/0", "80", &special), "exclusion list"),
        (product("10.0.0.0/24", "80", &special), "IANA special range 10.0.0.0/8 (private use, RFC 1918)"),
        (product("10.0.0.0/24", "80", &excluding("10.0.0.0/16")), "10.0.0.0, by list"),
        (product("", "80", &none), "no targets:"),
        (Plan::new(Scope::Pairs(vec![]), &none, 1), "no targets:"),
        (product("0.0.0.0/0", "1-65535,U:1-65535", &excluding("1.1.1.1")), "2^48"),
    ] {
        let error = plan.expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(product("8.0.0.0/8", "80", &none).is_ok());
    assert!(product("0.0.0.0/0", "80", &excluding("1.1.1.1")).is_ok());
}

#[test]
fn fingerprints_differ_when_targets_or_order_do() {
    let none = Exclusions::new([], true);
    let plan = |addresses: &str, port_text: &str, seed| {
        let scope = Scope::Product { addresses: set(addresses), ports: ports(port_text) };
        Plan::new(scope, &none, seed).expect("a plan").fingerprint()
    };
    let base = plan("10.0.0.0/24", "80,443", 1);
    assert_eq!(base, plan("10.0.0.128/25 10.0.0.0/25", "80,443", 1));
    for other in [
        plan("10.0.0.0/25", "80,443", 1),
        plan("10.0.0.0/24", "443,80", 1),
        plan("10.0.0.0/24", "80,U:443", 1),
        plan("10.0.0.0/24", "80", 1),
        plan("10.0.0.0/24", "80,443", 2),
    ] {
        assert_ne!(base, other);
    }
    // Pinned: a checkpoint written by an earlier build must still be accepted.
    assert_eq!(format!("{base:016x}"), "514658d47e4ab144");
}

#[test]
fn pairs_are_sorted_out() {
    let pair = |last: u32, port| slot(V4(0x0a00_0000 | last), ports(port)[0]);
    let pairs = vec![pair(1, "80"), pair(2, "U:53"), pair(1, "80"), pair(3, "22"), pair(1, "icmp")];
    let plan = Plan::new(Scope::Pairs(pairs), &excluding("10.0.0.3"), 5).expect("a plan");
    let got: HashSet<_> = (0..plan.len()).map(|position| plan.at(position)).collect();
    assert_eq!(got, HashSet::from([pair(1, "80"), pair(1, "icmp"), pair(2, "U:53")]));
    assert_eq!((plan.len(), plan.address_count(), plan.slash24_count(), plan.excluded_count()), (3, 2, 1, 1));
}

proptest! {
    #![proptest_config(crate::target::properties::config(60))]

    #[test]
    fn shards_are_disjoint_complete_and_free_of_the_excluded(
        scope in prop::collection::vec((0_u32..3000, 0_u32..200), 1..8),
        excluded in prop::collection::vec((0_u32..3000, 0_u32..100), 0..20),
        port_count in 1_u16..9,
        shard_count in 1_u32..5,
        seed: u64,
        room in 1_usize..200,
    ) {
        let ranges = |list: &[(u32, u32)]| -> Vec<_> {
            list.iter().map(|&(a, n)| AddressRange::between(V4(a), V4(a + n))).collect()
        };
        let addresses = AddressSet::from_ranges(ranges(&scope));
        let exclusions = Exclusions::new([("x".to_owned(), ranges(&excluded))], true);
        let ports: Vec<_> = ports("1-20").into_iter().take(port_count.into()).collect();
        let Ok(plan) = Plan::new(Scope::Product { addresses: addresses.clone(), ports: ports.clone() }, &exclusions, seed)
        else {
            prop_assert!(addresses.subtract(exclusions.addresses()).is_empty());
            return Ok(());
        };
        let mut seen = HashSet::new();
        let mut out = vec![ProbeSlot::default(); room];
        for index in 0..shard_count {
            let shard = Shard::new(index, shard_count).expect("in range");
            let mut turn = 0;
            loop {
                let filled = plan.fill(shard.position(turn), u64::from(shard_count), &mut out);
                for (i, slot) in out[..filled].iter().enumerate() {
                    prop_assert_eq!(*slot, plan.at(shard.position(turn + i as u64)));
                    prop_assert!(addresses.contains(slot.address) && !exclusions.contains(slot.address));
                    prop_assert!(seen.insert(*slot), "{} twice", slot.address);
                }
                turn += filled as u64;
                if filled < room {
                    break;
                }
            }
            prop_assert_eq!(turn, shard.len_of(plan.len()));
        }
        let left = addresses.subtract(exclusions.addresses()).len();
        prop_assert_eq!(seen.len() as u64, left * u64::from(port_count));
    }

    #[test]
    fn division_is_exact(value: u64, by in prop_oneof![1_u64..200_000, any::<u64>().prop_map(|n| n.max(1))]) {
        prop_assert_eq!(Divisor::new(by).divide(value), (value / by, value % by));
    }
}
