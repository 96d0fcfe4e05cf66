//! The prefilter: looks at every four bytes of a folded banner whether they are the rarest four of some literal, first in
//! a bit set that stays in the nearest cache, and only then in a table; then compares the whole literal.

use std::collections::HashMap;

use super::rarity::number;

/// Width of the hash that picks a bit: 32 KiB of bits. Twenty thousand windows set an eighth of them.
const BITS: u32 = 18;
/// Width of the hash that picks a bucket of the table.
const BUCKET_BITS: u32 = 15;

/// Literals being collected; each is stored once.
#[derive(Debug, Default)]
pub(super) struct WindowsBuilder {
    literals: Vec<(Vec<u8>, usize)>,
    ids: HashMap<Vec<u8>, u32>,
}

impl WindowsBuilder {
    /// The number of a folded literal of at least four bytes, of which those at `place` are the rarest.
    pub(super) fn add(&mut self, literal: Vec<u8>, place: usize) -> u32 {
        let next = self.literals.len() as u32;
        let literals = &mut self.literals;
        *self.ids.entry(literal).or_insert_with_key(|literal| {
            literals.push((literal.clone(), place));
            next
        })
    }

    pub(super) fn len(&self) -> usize {
        self.literals.len()
    }

    pub(super) fn build(self) -> Windows {
        let mut bits = vec![0u64; 1 << (BITS - 6)];
        let mut text = Vec::new();
        let mut entries = Vec::with_capacity(self.literals.len());
        for (id, (literal, place)) in self.literals.iter().enumerate() {
            let window = literal.get(*place..*place + 4).and_then(number).expect("literals have at least four bytes");
            let bit = hash(window, BITS);
            bits[(bit >> 6) as usize] |= 1 << (bit & 63);
            entries.push(Entry {
                window,
                literal: id as u32,
                text: text.len() as u32,
                len: literal.len() as u16,
                place: *place as u16,
            });
            text.extend_from_slice(literal);
        }
        entries.sort_by_key(|entry| (hash(entry.window, BUCKET_BITS), entry.window));
        let bucket = |number: u32| entries.partition_point(|entry| hash(entry.window, BUCKET_BITS) < number) as u32;
        let buckets = (0..=1 << BUCKET_BITS).map(bucket).collect();
        Windows { bits, buckets, entries, text }
    }
}

/// The literals, by their rarest four bytes.
#[derive(Debug)]
pub(super) struct Windows {
    bits: Vec<u64>,
    buckets: Vec<u32>,
    entries: Vec<Entry>,
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    window: u32,
    literal: u32,
    /// Where it begins in `Windows::text`.
    text: u32,
    len: u16,
    /// Where in the literal the window begins.
    place: u16,
}

impl Windows {
    /// Calls `found` with the number, start and length of each literal that stands in `folded`.
    #[inline]
    pub(super) fn scan(&self, folded: &[u8], mut found: impl FnMut(u32, usize, usize)) {
        let bits: &[u64; 1 << (BITS - 6)] =
            self.bits.as_slice().try_into().expect("the bit set was made with this length");
        for (at, window) in folded.windows(4).enumerate() {
            let Some(window) = number(window) else { continue };
            let bit = hash(window, BITS);
            if bits[(bit >> 6) as usize] >> (bit & 63) & 1 == 1 {
                self.look_up(folded, at, window, &mut found);
            }
        }
    }

    fn look_up(&self, folded: &[u8], at: usize, window: u32, found: &mut impl FnMut(u32, usize, usize)) {
        let bucket = hash(window, BUCKET_BITS) as usize;
        for entry in &self.entries[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize] {
            if entry.window != window {
                continue;
            }
            let (text, len) = (entry.text as usize, usize::from(entry.len));
            let Some(start) = at.checked_sub(usize::from(entry.place)) else { continue };
            if folded.get(start..start + len) == Some(&self.text[text..text + len]) {
                found(entry.literal, start, len);
            }
        }
    }
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): the upper bits.
#[inline]
const fn hash(window: u32, bits: u32) -> u32 {
    window.wrapping_mul(0x9e37_79b1) >> (32 - bits)
}
