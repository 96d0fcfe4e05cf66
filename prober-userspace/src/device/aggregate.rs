//! Banners by their normalised text: how many addresses have each, and which. Matching then looks at one banner of each
//! group, as it came: a keyword sees all that a service said, and a version is read from it. All banners of a group have
//! the same hits, unless a keyword asks for a volatile value itself, such as one serial number.

use hashbrown::HashMap;
use prober_common::address::V4;

use super::normalise::normalise_into;

/// Banners with the same normalised text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The normalised text.
    pub text: Box<[u8]>,
    /// The first banner of the group, as it came.
    pub sample: Box<[u8]>,
    /// Addresses that have it.
    pub addresses: u32,
}

/// Groups being collected. Two that were filled by two threads can be merged.
#[derive(Debug, Default)]
pub struct Aggregator {
    groups: Vec<Group>,
    /// Places in `groups`, by text.
    by_text: HashMap<Box<[u8]>, u32>,
    pairs: Vec<(V4, u32)>,
    normalised: Vec<u8>,
}

impl Aggregator {
    /// Takes in a banner.
    pub fn add(&mut self, address: V4, banner: &[u8]) {
        self.normalised.clear();
        normalise_into(banner, &mut self.normalised);
        let group = match self.by_text.get(&self.normalised[..]) {
            Some(group) => *group,
            None => self.insert(self.normalised.clone().into(), banner.into()),
        };
        // A service that says the same on several ports, one after the other.
        if self.pairs.last() != Some(&(address, group)) {
            self.pairs.push((address, group));
        }
    }

    /// Takes in all that another has collected.
    pub fn merge(&mut self, other: Self) {
        drop(other.by_text);
        let places: Vec<u32> = other
            .groups
            .into_iter()
            .map(|group| match self.by_text.get(&group.text) {
                Some(place) => *place,
                None => self.insert(group.text, group.sample),
            })
            .collect();
        self.pairs.extend(other.pairs.into_iter().map(|(address, group)| (address, places[group as usize])));
    }

    /// Counts.
    pub fn finish(mut self) -> Aggregated {
        drop(self.by_text);
        self.pairs.sort_unstable();
        self.pairs.dedup();
        for (_, group) in &self.pairs {
            self.groups[*group as usize].addresses += 1;
        }
        Aggregated { groups: self.groups, pairs: self.pairs }
    }

    fn insert(&mut self, text: Box<[u8]>, sample: Box<[u8]>) -> u32 {
        let place = self.groups.len() as u32;
        self.by_text.insert(text.clone(), place);
        self.groups.push(Group { text, sample, addresses: 0 });
        place
    }
}

/// Groups, and who has them.
#[derive(Debug, Default)]
pub struct Aggregated {
    groups: Vec<Group>,
    /// Sorted, each once.
    pairs: Vec<(V4, u32)>,
}

impl Aggregated {
    /// The groups, in the order in which they first came.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Addresses in order, each with the places of its groups, ascending.
    pub fn addresses(&self) -> impl Iterator<Item = (V4, impl Iterator<Item = usize> + Clone)> {
        self.chunks().map(|pairs| (pairs[0].0, pairs.iter().map(|pair| pair.1 as usize)))
    }

    /// The same, as slices of address and group: to be shared out between threads.
    pub fn chunks(&self) -> impl Iterator<Item = &[(V4, u32)]> {
        self.pairs.chunk_by(|one, next| one.0 == next.0)
    }

    /// Every address with each of its groups, in order.
    pub fn pairs(&self) -> &[(V4, u32)] {
        &self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nServer: CAM-1/1.2\r\n\r\n";

    #[test]
    fn addresses_are_counted_once_for_each_text() {
        let mut one = Aggregator::default();
        one.add(V4(1), PAGE.as_bytes());
        one.add(V4(1), PAGE.replace("10:00", "11:11").as_bytes());
        one.add(V4(2), b"220 ready\r\n");
        let mut two = Aggregator::default();
        two.add(V4(2), PAGE.replace("10:00", "12:12").as_bytes());
        two.add(V4(1), PAGE.as_bytes());
        one.merge(two);
        let all = one.finish();
        let counts: Vec<u32> = all.groups().iter().map(|group| group.addresses).collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(&*all.groups()[0].sample, PAGE.as_bytes());
        let addresses: Vec<(u32, Vec<usize>)> = all.addresses().map(|(a, groups)| (a.0, groups.collect())).collect();
        assert_eq!(addresses, [(1, vec![0]), (2, vec![0, 1])]);
    }
}
