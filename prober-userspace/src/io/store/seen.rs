//! Which replies have come before: exact, and bounded by the replies of two windows. No clock, no database.
//!
//! A probe is known by what it was and when it was sent, so a reply's key is (target, port, kind, probe, send tick). Who
//! answered is not part of it: two routers that report the same lost probe are one answer and a duplicate.
//!
//! Why two sets are enough. Let W be the token's window (a later reply does not verify in the kernel), L >= W + D the
//! length of a generation, and D how far the kernel's events may be out of order. A key's generation is
//! floor(send time / L): equal keys are always in the same one. The set of generation g is dropped when a reply with a
//! send time in g + 2 comes, so received no earlier than (g + 2) L. A reply of generation g was received before
//! (g + 1) L + W <= (g + 2) L - D, that is more than D earlier: it cannot come afterwards. If it does all the same it is
//! called stale, never new.

use std::hash::{Hash, Hasher};

use hashbrown::HashSet;
use prober_common::event::ReplyEvent;

/// Ticks of the send time: the resolution of the token.
const TICK_NS: u64 = 8_000;
/// L: 72 s. The token's window is at most 2^23 ticks of 8.192 us = 68.7 s, which leaves D = 3.2 s.
const GENERATION_TICKS: u64 = 9_000_000;

/// What a reply is in relation to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// The first of its key.
    New,
    /// Its key came before.
    Duplicate,
    /// Older than anything that can still be checked (see the module's text: does not happen).
    Stale,
}

/// The keys of the last two generations. 11 bytes per reply and at most 8/7 x 2 of that for free slots.
#[derive(Debug, Default)]
pub struct SeenReplies {
    generations: [Generation; 2],
}

#[derive(Debug, Default)]
struct Generation {
    number: u64,
    keys: HashSet<Key>,
}

impl SeenReplies {
    /// Notes a reply and tells whether its like came before. Amortised constant time, one cache miss or two.
    #[inline]
    pub fn note(&mut self, event: &ReplyEvent) -> Novelty {
        let tick = event.received_ns.saturating_sub(event.rtt_ns) / TICK_NS;
        let number = tick / GENERATION_TICKS;
        let generation = &mut self.generations[(number & 1) as usize];
        if number != generation.number {
            if number < generation.number {
                return Novelty::Stale;
            }
            generation.number = number;
            generation.keys.clear();
        }
        if generation.keys.insert(Key::new(event, tick % GENERATION_TICKS)) { Novelty::New } else { Novelty::Duplicate }
    }
}

/// 77 significant bits in 10 bytes; unaligned to save the padding, which is a third of the memory.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed)]
struct Key {
    high: u64,
    low: u16,
}

impl Key {
    /// `tick` is below 2^24, `kind` and `probe` below 16.
    #[inline]
    fn new(event: &ReplyEvent, tick: u64) -> Self {
        Self {
            high: u64::from(event.target.0) << 32 | u64::from(event.port) << 16 | tick & 0xffff,
            low: ((tick >> 16) as u16) << 8 | u16::from(event.kind & 15) << 4 | u16::from(event.probe & 15),
        }
    }
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        ({ self.high }, { self.low }) == ({ other.high }, { other.low })
    }
}

impl Eq for Key {}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.high);
        state.write_u16(self.low);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use prober_common::address::V4;

    const WINDOW_NS: u64 = (1 << 23) * 8_000;

    /// A stream as the kernel makes it: receive times grow but for small disorder, delays stay within the window. Send
    /// times are few, so that keys repeat within and across generations.
    fn streams() -> impl Strategy<Value = Vec<ReplyEvent>> {
        const SPACING_NS: u64 = 16_000_000_000;
        let reply = (0..3u32, 0..2u16, 0..3u8, 0..2u8, 0..40u64, 0..5u64, 0..2_000_000_000u64);
        prop::collection::vec(reply, 1..300).prop_map(|replies| {
            let mut clock_ns = 200_000_000_000;
            replies
                .into_iter()
                .map(|(target, port, kind, probe, step, late, disorder_ns)| {
                    clock_ns += step * step * 20_000_000;
                    let received_ns = clock_ns - disorder_ns;
                    let sent_ns = received_ns / SPACING_NS * SPACING_NS - late * SPACING_NS;
                    let sent_ns = if received_ns - sent_ns < WINDOW_NS { sent_ns } else { sent_ns + SPACING_NS };
                    let rtt_ns = received_ns - sent_ns;
                    ReplyEvent { received_ns, rtt_ns, target: V4(target), port, kind, probe, ..ReplyEvent::default() }
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn equals_a_set_that_never_forgets(stream in streams()) {
            let mut seen = SeenReplies::default();
            let mut oracle = HashSet::new();
            for event in &stream {
                let key = (event.target, event.port, event.kind, event.probe, (event.received_ns - event.rtt_ns) / TICK_NS);
                let expected = if oracle.insert(key) { Novelty::New } else { Novelty::Duplicate };
                prop_assert_eq!(seen.note(event), expected);
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_two_generations() {
        let mut seen = SeenReplies::default();
        for second in 1..2_000u64 {
            let event = ReplyEvent { received_ns: second * 1_000_000_000, ..ReplyEvent::default() };
            assert_eq!(seen.note(&event), Novelty::New);
        }
        assert!(seen.generations.iter().map(|generation| generation.keys.len()).sum::<usize>() <= 2 * 72);
    }

    #[test]
    fn the_key_tells_every_field_apart_but_not_the_responder() {
        let base = ReplyEvent {
            received_ns: 80_000_000_000,
            rtt_ns: 8_000_000,
            target: V4(1),
            port: 80,
            ..ReplyEvent::default()
        };
        let others = [
            ReplyEvent { target: V4(2), ..base },
            ReplyEvent { port: 81, ..base },
            ReplyEvent { kind: 1, ..base },
            ReplyEvent { probe: 1, ..base },
            ReplyEvent { rtt_ns: base.rtt_ns + 8_000, ..base },
            ReplyEvent { received_ns: base.received_ns + 65_536 * 8_000, ..base },
        ];
        let mut seen = SeenReplies::default();
        assert_eq!(seen.note(&base), Novelty::New);
        for other in others {
            assert_eq!(seen.note(&other), Novelty::New, "{other:?}");
        }
        assert_eq!(seen.note(&ReplyEvent { responder: V4(9), ..base }), Novelty::Duplicate);
    }

    #[test]
    fn what_cannot_be_checked_any_more_is_stale() {
        let mut seen = SeenReplies::default();
        let at = |seconds: u64| ReplyEvent { received_ns: seconds * 1_000_000_000, ..ReplyEvent::default() };
        seen.note(&at(72 * 3));
        assert_eq!(seen.note(&at(72)), Novelty::Stale);
    }
}
