//! Who is due next: all states in one array and a wheel of buckets over time, linked through the states themselves. Taking
//! and putting back cost two memory accesses whatever the number of addresses. Nothing is ever lost: every state is in
//! exactly one bucket or in the hands of whoever took it.

use super::target_state::TargetState;

const END: u32 = u32::MAX;

/// The states and the wheel.
#[derive(Debug)]
pub struct DueQueue {
    states: Vec<TargetState>,
    /// Head of each bucket's list.
    buckets: Vec<u32>,
    /// Width of a bucket, in seconds.
    width_s: u32,
    /// The bucket that is being emptied, counted from the beginning of time.
    turn: u32,
    queued: usize,
}

impl DueQueue {
    /// For these states; `span_s` is the longest time ahead that anything is put off for (a later due time waits a turn of
    /// the wheel more). Time grows with the number of states.
    pub fn new(states: Vec<TargetState>, width_s: u32, span_s: u32) -> Self {
        assert!(states.len() < END as usize, "more states than the links can number");
        let count = (span_s / width_s.max(1) + 2) as usize;
        let mut queue = Self { states, buckets: vec![END; count], width_s: width_s.max(1), turn: 0, queued: 0 };
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

    /// Queues a state that was taken, for its due time; one that is overdue comes next.
    pub fn put_back(&mut self, number: u32) {
        let bucket = (self.states[number as usize].due_s / self.width_s).max(self.turn);
        let place = bucket as usize % self.buckets.len();
        let head = &mut self.buckets[place];
        self.states[number as usize].next = *head;
        *head = number;
        self.queued += 1;
    }

    /// Takes out up to `most` that are due at `now_s`, the earliest buckets first; within a bucket in no order.
    pub fn take_due(&mut self, now_s: u32, most: usize, taken: &mut Vec<u32>) {
        let last = now_s / self.width_s;
        while self.turn <= last {
            let place = self.turn as usize % self.buckets.len();
            let mut number = self.buckets[place];
            let mut kept = END;
            while number != END && taken.len() < most {
                let state = &mut self.states[number as usize];
                let next = state.next;
                // Later turns of the wheel share the bucket.
                if state.due_s <= now_s && state.due_s / self.width_s <= self.turn {
                    taken.push(number);
                    self.queued -= 1;
                } else {
                    state.next = kept;
                    kept = number;
                }
                number = next;
            }
            // What was passed over goes before what was not looked at.
            self.buckets[place] = number;
            while kept != END {
                let next = std::mem::replace(&mut self.states[kept as usize].next, self.buckets[place]);
                self.buckets[place] = kept;
                kept = next;
            }
            if taken.len() >= most || self.turn == last {
                return;
            }
            self.turn += 1;
        }
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
        assert!(visits.iter().all(|count| (5..=7).contains(count)), "{visits:?}");
    }
}
