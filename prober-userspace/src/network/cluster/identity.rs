//! Which cluster made anew is which of before: numbers stay with those that share most networks, so that plans, reports
//! and people who remember a number go on meaning the same.

use hashbrown::HashMap;

/// A number for each of `count` new clusters. `before` and `now` hold pairs of network and cluster: numbers before, places
/// from 0 now. Those that share most networks are matched first; others get numbers that were not in use before.
pub fn keep_numbers(before: &[(u32, u32)], now: &[(u32, usize)], count: usize) -> Vec<u32> {
    let of_network: HashMap<u32, u32> = before.iter().copied().collect();
    let mut shared: HashMap<(usize, u32), u32> = HashMap::new();
    for (network, place) in now {
        if let Some(number) = of_network.get(network) {
            *shared.entry((*place, *number)).or_default() += 1;
        }
    }
    let mut pairs: Vec<_> = shared.into_iter().map(|((place, number), networks)| (networks, number, place)).collect();
    pairs.sort_unstable_by_key(|&(networks, number, place)| (std::cmp::Reverse(networks), number, place));
    let mut numbers: Vec<Option<u32>> = vec![None; count];
    let mut taken = hashbrown::HashSet::new();
    for (_, number, place) in pairs {
        if numbers[place].is_none() && taken.insert(number) {
            numbers[place] = Some(number);
        }
    }
    let mut next = before.iter().map(|(_, number)| number + 1).max().unwrap_or(0);
    let mut fresh = || {
        next += 1;
        next - 1
    };
    numbers.into_iter().map(|number| number.unwrap_or_else(&mut fresh)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_with_most_of_their_networks() {
        let before = [(1, 4), (2, 4), (3, 4), (4, 7), (5, 7), (6, 9)];
        // The first new one is most of 7, the second most of 4, the third split off from 4, the fourth has come.
        let now = [(4, 0), (5, 0), (3, 0), (1, 1), (2, 2), (10, 1), (11, 3)];
        let numbers = keep_numbers(&before, &now, 4);
        assert_eq!(numbers[0], 7);
        assert_eq!((numbers[1], numbers[2]), (4, 10));
        assert_eq!(numbers[3], 11);
        assert_eq!(keep_numbers(&[], &now, 4), [0, 1, 2, 3]);
        assert!(keep_numbers(&before, &[], 0).is_empty());
    }
}
