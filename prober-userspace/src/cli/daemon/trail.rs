//! Sets of addresses in the audit trail: what came and went as ranges, as many as a line bears, and whole lists by count
//! and digest.

use serde_json::{Value, json};

use crate::target::address_set::AddressSet;
use crate::target::splitmix::Digest;

/// Ranges in one entry.
const MOST_RANGES: usize = 100;
/// Makes these digests others' than those of the same numbers elsewhere.
const TARGETS: u64 = 0x7461_7267_6574_7300;

/// What is in one and not in the other; `None` if they are the same.
pub fn difference(before: &AddressSet, after: &AddressSet) -> Option<Value> {
    let (added, removed) = (after.subtract(before), before.subtract(after));
    let is_same = added.is_empty() && removed.is_empty();
    (!is_same).then(|| json!({ "added": bounded(&added), "removed": bounded(&removed) }))
}

fn bounded(set: &AddressSet) -> Value {
    let ranges: Vec<String> = set.ranges().take(MOST_RANGES).map(|range| range.to_string()).collect();
    let more = set.range_count() - ranges.len();
    json!({ "addresses": set.len(), "ranges": ranges, "more_ranges": more })
}

/// By which two lists are told apart.
pub fn digest(set: &AddressSet) -> Value {
    let mut digest = Digest::new(TARGETS);
    for range in set.ranges() {
        digest.add(u64::from(range.first().0) << 32 | u64::from(range.last().0));
    }
    json!({ "addresses": set.len(), "digest": format!("{:016x}", digest.value()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::list::parse_address_argument;

    fn set(text: &str) -> AddressSet {
        AddressSet::from_ranges(parse_address_argument(text).unwrap())
    }

    #[test]
    fn what_came_and_went_is_told_up_to_a_bound() {
        let (before, after) = (set("8.8.8.0/24,8.8.9.0/25"), set("8.8.9.0/25,8.8.10.7"));
        let told = difference(&before, &after).unwrap();
        assert_eq!(told["added"], json!({ "addresses": 1, "ranges": ["8.8.10.7"], "more_ranges": 0 }));
        assert_eq!(told["removed"], json!({ "addresses": 256, "ranges": ["8.8.8.0/24"], "more_ranges": 0 }));
        assert_eq!(difference(&before, &before), None);
        let many: Vec<String> = (0..300).map(|number| format!("8.8.{}.{}", number / 100, number % 100 * 2)).collect();
        let told = difference(&AddressSet::empty(), &set(&many.join(","))).unwrap();
        assert_eq!((&told["added"]["more_ranges"], &told["added"]["addresses"]), (&json!(200), &json!(300)));
        assert!(told.to_string().len() < 4_000);
    }

    #[test]
    fn lists_are_told_apart() {
        assert_eq!(digest(&set("8.8.8.0/25,8.8.8.128/25")), digest(&set("8.8.8.0/24")));
        assert_ne!(digest(&set("8.8.8.0/24")), digest(&set("8.8.9.0/24")));
    }
}
