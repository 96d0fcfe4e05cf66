//! Properties of `AddressSet` against the naive reading of the same ranges.

use proptest::prelude::*;

use super::*;

fn ranges(most: usize) -> impl Strategy<Value = Vec<AddressRange>> {
    // Ends crowd around a few /16 borders and both ends of the space, where the indexes could go wrong.
    let near_border = (0_u32..6, -300_i64..300).prop_map(|(page, offset)| {
        V4((i64::from([0, 0x0a00_0000, 0x0a01_0000, 0x0a02_0000, 0xc000_0000, u32::MAX][page as usize]) + offset)
            .clamp(0, i64::from(u32::MAX)) as u32)
    });
    let end = prop_oneof![4 => near_border, 1 => any::<u32>().prop_map(V4)];
    let short = (end.clone(), 0_u8..=5).prop_map(|(a, bits)| AddressRange::prefix(a, 32 - bits));
    let long = (end.clone(), end).prop_map(|(a, b)| AddressRange::between(a, b));
    prop::collection::vec(prop_oneof![3 => short, 1 => long], 0..most)
}

fn naive(ranges: &[AddressRange], address: V4) -> bool {
    ranges.iter().any(|range| range.contains(address))
}

/// Every end of every range, its neighbours, and some others.
fn interesting(ranges: &[AddressRange], others: &[u32]) -> Vec<V4> {
    let ends = ranges.iter().flat_map(|range| [range.first().0, range.last().0]);
    ends.flat_map(|end| [end.wrapping_sub(1), end, end.wrapping_add(1)])
        .chain(others.iter().copied())
        .chain([0, u32::MAX])
        .map(V4)
        .collect()
}

proptest! {
    #![proptest_config(crate::target::properties::config(300))]

    #[test]
    fn contains_agrees_with_the_ranges(ranges in ranges(40), others in prop::collection::vec(any::<u32>(), 50)) {
        let set = AddressSet::from_ranges(ranges.clone());
        for address in interesting(&ranges, &others) {
            prop_assert_eq!(set.contains(address), naive(&ranges, address), "{}", address);
        }
    }

    #[test]
    fn nth_walks_the_ranges_in_order(ranges in ranges(40), picks in prop::collection::vec(any::<u64>(), 50)) {
        let set = AddressSet::from_ranges(ranges);
        prop_assert_eq!(set.len(), set.ranges().map(AddressRange::address_count).sum::<u64>());
        let mut below = 0;
        for range in set.ranges() {
            prop_assert_eq!(set.nth(below), range.first());
            below += range.address_count();
            prop_assert_eq!(set.nth(below - 1), range.last());
        }
        for pick in picks.iter().filter(|_| !set.is_empty()) {
            let rank = pick % set.len();
            let address = set.nth(rank);
            prop_assert!(set.contains(address));
            let below: u64 = set.ranges().map(|range| match address {
                a if a > range.last() => range.address_count(),
                a if a < range.first() => 0,
                a => u64::from(a.0 - range.first().0),
            }).sum();
            prop_assert_eq!(below, rank);
        }
    }

    #[test]
    fn algebra_agrees_with_logic(
        a in ranges(20),
        b in ranges(20),
        others in prop::collection::vec(any::<u32>(), 50),
    ) {
        let (left, right) = (AddressSet::from_ranges(a.clone()), AddressSet::from_ranges(b.clone()));
        let (union, difference, both) = (left.union(&right), left.subtract(&right), left.intersect(&right));
        let every: Vec<_> = a.iter().chain(&b).copied().collect();
        for address in interesting(&every, &others) {
            let (in_a, in_b) = (naive(&a, address), naive(&b, address));
            prop_assert_eq!(union.contains(address), in_a || in_b);
            prop_assert_eq!(difference.contains(address), in_a && !in_b);
            prop_assert_eq!(both.contains(address), in_a && in_b);
        }
        prop_assert_eq!(union.len() + both.len(), left.len() + right.len());
        prop_assert_eq!(difference.len() + both.len(), left.len());
        prop_assert_eq!(&difference.union(&both), &left);
        prop_assert!(difference.intersect(&right).is_empty());
    }

    #[test]
    fn slash24s_are_counted_once(ranges in prop::collection::vec((0_u32..5000, 0_u32..600), 0..20)) {
        let ranges = ranges.into_iter().map(|(a, n)| AddressRange::between(V4(a), V4(a + n)));
        let set = AddressSet::from_ranges(ranges);
        let naive = (0..64).filter(|net| (0..256).any(|host| set.contains(V4(net << 8 | host)))).count();
        prop_assert_eq!(set.slash24_count(), naive as u64);
    }
}

#[test]
fn the_whole_space_and_nothing() {
    let all = AddressSet::from_ranges([AddressRange::ALL]);
    assert_eq!(all.len(), 1 << 32);
    assert_eq!(all.nth(u64::from(u32::MAX)), V4(u32::MAX));
    assert_eq!(all.nth(0x0102_0304), V4(0x0102_0304));
    assert_eq!(all.range_count(), 1);
    assert!(all.contains(V4(0)) && all.contains(V4(u32::MAX)));
    assert_eq!(all.slash24_count(), 1 << 24);
    let none = all.subtract(&all);
    assert!(none.is_empty() && none == AddressSet::empty() && !none.contains(V4(0)));
    assert_eq!(none.union(&all), all);
}

#[test]
fn many_spans_in_one_page() {
    let odd = AddressSet::from_ranges((0..0x8000_u32).map(|i| {
        let address = V4(0x0a00_0000 + 2 * i + 1);
        AddressRange::between(address, address)
    }));
    assert_eq!((odd.len(), odd.range_count()), (0x8000, 0x8000));
    for i in 0..0x1_0000 {
        let address = V4(0x0a00_0000 + i);
        assert_eq!(odd.contains(address), i % 2 == 1);
        if i % 2 == 1 {
            assert_eq!(odd.nth(u64::from(i / 2)), address);
        }
    }
}
