//! What is due later, in order of time: a wheel of lists for the millions, a heap for the few of the next 65 us.
//! Inserting costs the same however many wait.

use std::{cmp::Reverse, collections::BinaryHeap};

/// A slot is 2^16 ns long; the wheel goes round in 34 s.
const SLOT_SHIFT: u32 = 16;
const SLOTS: u64 = 1 << 19;
const NONE: u32 = u32::MAX;

struct Entry<T> {
    due_ns: u64,
    next: u32,
    item: Option<T>,
}

/// Items waiting for their time.
pub struct Wheel<T> {
    heads: Vec<u32>,
    entries: Vec<Entry<T>>,
    free: u32,
    /// The next slot to be emptied, counted since time 0.
    slot: u64,
    /// Due times and entries of the slots that have begun.
    soon: BinaryHeap<Reverse<(u64, u32)>>,
    len: usize,
}

impl<T> Wheel<T> {
    /// Empty, at `now_ns`.
    pub fn new(now_ns: u64) -> Self {
        Self {
            heads: vec![NONE; SLOTS as usize],
            entries: Vec::new(),
            free: NONE,
            slot: now_ns >> SLOT_SHIFT,
            soon: BinaryHeap::new(),
            len: 0,
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an item. What is further away than a turn of the wheel is looked at once a turn.
    pub fn insert(&mut self, due_ns: u64, item: T) {
        let entry = Entry { due_ns, next: NONE, item: Some(item) };
        let index = if self.free == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let index = self.free;
            self.free = self.entries[index as usize].next;
            self.entries[index as usize] = entry;
            index
        };
        self.len += 1;
        self.place(index);
    }

    /// Takes the earliest item that is due at `now_ns`, with its time.
    pub fn pop_due(&mut self, now_ns: u64) -> Option<(u64, T)> {
        if self.is_empty() {
            self.slot = self.slot.max(now_ns >> SLOT_SHIFT);
            return None;
        }
        while self.slot <= now_ns >> SLOT_SHIFT {
            self.begin_slot();
        }
        let &Reverse((due_ns, index)) = self.soon.peek()?;
        if due_ns > now_ns {
            return None;
        }
        self.soon.pop();
        let entry = &mut self.entries[index as usize];
        entry.next = self.free;
        self.free = index;
        self.len -= 1;
        entry.item.take().map(|item| (due_ns, item))
    }

    fn begin_slot(&mut self) {
        let head = (self.slot % SLOTS) as usize;
        let mut index = std::mem::replace(&mut self.heads[head], NONE);
        self.slot += 1;
        while index != NONE {
            let next = self.entries[index as usize].next;
            self.place(index);
            index = next;
        }
    }

    fn place(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        let slot = entry.due_ns >> SLOT_SHIFT;
        if slot < self.slot {
            self.soon.push(Reverse((entry.due_ns, index)));
        } else {
            let head = &mut self.heads[(slot % SLOTS) as usize];
            entry.next = std::mem::replace(head, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prober_common::lab::mix;

    #[test]
    fn items_come_in_order_and_none_early_or_lost() {
        let start = 123_456_789;
        let mut wheel = Wheel::new(start);
        let mut wanted: Vec<u64> = (0..20_000).map(|i| start + mix(i) % 80_000_000_000).collect();
        for &due in &wanted {
            wheel.insert(due, due);
        }
        wanted.sort_unstable();
        let mut got = Vec::new();
        let mut now = start;
        while !wheel.is_empty() {
            while let Some((due, item)) = wheel.pop_due(now) {
                assert!(due == item && due <= now);
                got.push(item);
            }
            now += 40_000_000;
        }
        assert_eq!(got, wanted);
    }

    #[test]
    fn an_item_already_late_is_due_at_once() {
        let mut wheel = Wheel::new(1 << 30);
        assert!(wheel.pop_due(1 << 31).is_none());
        wheel.insert(5, 'a');
        assert_eq!(wheel.pop_due(1 << 31), Some((5, 'a')));
        wheel.insert((1 << 31) + 10, 'b');
        assert_eq!(wheel.pop_due(1 << 31), None);
        assert_eq!(wheel.pop_due((1 << 31) + 10), Some(((1 << 31) + 10, 'b')));
        assert!(wheel.is_empty());
    }
}
