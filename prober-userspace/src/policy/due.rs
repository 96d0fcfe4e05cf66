//! Who is due next: all states in one array and a wheel of buckets over time. A bucket is a chain of small blocks of
//! numbers, so that those who are due are found without following one state to the next: the memory's accesses overlap.
//! Nothing is ever lost: every state is in exactly one bucket or in the hands of whoever took it.

use super::target_state::TargetState;

const END: u32 = u32::MAX;
/// Numbers of a block.
const BLOCK: usize = 62;

/// The states and the wheel: 24 bytes for each state, and 264 for each bucket.
#[derive(Debug)]
pub struct DueQueue {
    states: Vec<TargetState>,
    buckets: Vec<Bucket>,
    blocks: Vec<Block>,
    /// The first free block.
    free: u32,
    /// Width of a bucket, in seconds.
    width_s: u32,
    /// The bucket that is being emptied, counted from the beginning of time.
    turn: u32,
    queued: usize,
    /// Nothing is due at this second.
    exhausted_s: Option<u32>,
    kept: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The block that is being filled or emptied.
    head: u32,
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    next: u32,
    len: u32,
    numbers: [u32; BLOCK],
}

impl DueQueue {
    /// For these states; `span_s` is the longest time ahead that anything is put off for (a later due time waits a turn of
    /// the wheel more). Time grows with the number of states.
    pub fn new(states: Vec<TargetState>, width_s: u32, span_s: u32) -> Self {
        assert!(states.len() < END as usize, "more states than can be numbered");
        let width_s = width_s.max(1);
        let count = (span_s / width_s + 2) as usize;
        let first_s = states.iter().map(|state| state.due_s).min().unwrap_or(0);
        let mut queue = Self {
            buckets: vec![Bucket { head: END, count: 0 }; count],
            // Each bucket has at most one block that is not full.
            blocks: Vec::with_capacity(states.len() / BLOCK + count + 1),
            free: END,
            width_s,
            turn: first_s / width_s,
            queued: 0,
            exhausted_s: None,
            kept: Vec::new(),
            states,
        };
        for number in 0..queue.states.len() as u32 {
            queue.put_back(number);
        }
        queue
    }

    /// How many are waiting.
    pub const fn len(&self) -> usize {
        self.queued
    }

    /// Whether none is waiting.
    pub const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// The state of this number.
    pub fn state(&self, number: u32) -> &TargetState {
        &self.states[number as usize]
    }

    /// The same, to change it; its due time counts when it is put back.
    pub fn state_mut(&mut self, number: u32) -> &mut TargetState {
        &mut self.states[number as usize]
    }

    /// All states, in their order.
    pub fn states(&self) -> &[TargetState] {
        &self.states
    }

    /// The same, to change them: all but their due times, by which they are queued.
    pub fn states_mut(&mut self) -> &mut [TargetState] {
        &mut self.states
    }

    /// Queues a state that was taken, for its due time; one that is overdue comes next.
    pub fn put_back(&mut self, number: u32) {
        let due_s = self.states[number as usize].due_s;
        if self.exhausted_s.is_some_and(|exhausted_s| due_s <= exhausted_s) {
            self.exhausted_s = None;
        }
        let turn = (due_s / self.width_s).max(self.turn);
        let place = turn as usize % self.buckets.len();
        self.push(place, number);
        self.queued += 1;
    }

    /// Takes out up to `most` that are due at `now_s`, the earliest buckets first; within a bucket in no order.
    pub fn take_due(&mut self, now_s: u32, most: usize, taken: &mut Vec<u32>) {
        if self.exhausted_s == Some(now_s) {
            return;
        }
        let last = now_s / self.width_s;
        while self.turn <= last {
            let place = self.turn as usize % self.buckets.len();
            let mut kept = std::mem::take(&mut self.kept);
            while taken.len() < most
                && let Some(number) = self.pop(place)
            {
                // Later turns of the wheel share the bucket.
                let due_s = self.states[number as usize].due_s;
                if due_s <= now_s && due_s / self.width_s <= self.turn {
                    taken.push(number);
                    self.queued -= 1;
                } else {
                    kept.push(number);
                }
            }
            for number in kept.drain(..) {
                self.push(place, number);
            }
            self.kept = kept;
            if taken.len() >= most {
                return;
            }
            if self.turn == last {
                self.exhausted_s = Some(now_s);
                return;
            }
            self.turn += 1;
        }
    }

    /// How many are due in buckets that have begun by `now_s`, and when the oldest of these began. Time grows with the
    /// buckets that are behind.
    pub fn overdue(&self, now_s: u32) -> (u64, Option<u32>) {
        let last = (now_s / self.width_s).min(self.turn.saturating_add(self.buckets.len() as u32 - 1));
        let (mut count, mut oldest) = (0, None);
        for turn in self.turn..last {
            let due = self.buckets[turn as usize % self.buckets.len()].count;
            if due > 0 {
                oldest.get_or_insert(turn * self.width_s);
            }
            count += u64::from(due);
        }
        (count, oldest)
    }

    #[inline]
    fn push(&mut self, place: usize, number: u32) {
        let bucket = &mut self.buckets[place];
        bucket.count += 1;
        if let Some(block) = self.blocks.get_mut(bucket.head as usize)
            && (block.len as usize) < BLOCK
        {
            block.numbers[block.len as usize] = number;
            block.len += 1;
            return;
        }
        let mut block = Block { next: bucket.head, len: 1, numbers: [0; BLOCK] };
        block.numbers[0] = number;
        if let Some(free) = self.blocks.get_mut(self.free as usize) {
            bucket.head = std::mem::replace(&mut self.free, free.next);
            *free = block;
        } else {
            bucket.head = self.blocks.len() as u32;
            self.blocks.push(block);
        }
    }

    #[inline]
    fn pop(&mut self, place: usize) -> Option<u32> {
        let bucket = &mut self.buckets[place];
        let block = self.blocks.get_mut(bucket.head as usize)?;
        block.len -= 1;
        bucket.count -= 1;
        let number = block.numbers[block.len as usize];
        if block.len == 0 {
            let empty = bucket.head;
            bucket.head = std::mem::replace(&mut block.next, self.free);
            self.free = empty;
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_once_when_it_is_due_and_none_is_forgotten() {
        let states = (0..1_000).map(|number| TargetState::new(number, number * 37 % 5_000)).collect();
        let mut queue = DueQueue::new(states, 60, 1_000);
        let mut visits = vec![0; 1_000];
        let mut taken = Vec::new();
        for now in (0..20_000).step_by(45) {
            loop {
                taken.clear();
                queue.take_due(now, 7, &mut taken);
                if taken.is_empty() {
                    break;
                }
                for number in &taken {
                    let state = queue.state_mut(*number);
                    assert!(state.due_s <= now && now - state.due_s < 120, "{} at {now}", state.due_s);
                    state.due_s = now + 3_000;
                    visits[*number as usize] += 1;
                    queue.put_back(*number);
                }
            }
        }
        assert_eq!(queue.len(), 1_000);
        assert_eq!(queue.overdue(20_000), (0, None));
        let (due, oldest) = queue.overdue(23_100);
        assert!(due > 900 && oldest.is_some_and(|at| (19_900..20_100).contains(&at)), "{due} {oldest:?}");
        assert!(visits.iter().all(|count| (5..=7).contains(count)), "{visits:?}");
    }
}
