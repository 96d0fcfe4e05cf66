//! Mutated frames from a seed: bytes flipped and overwritten, pieces of two replies joined, bytes put in and taken out;
//! most of them with lengths and tokens made right again, or nothing beyond the first check would ever be reached.

use prober_common::{lab::mix, stamp::Tick};

use super::{RULES, reply::Reply, token};

/// Longest frame that comes out.
const LEN_MAX: usize = 2_000;
/// Values at which lengths and types change their meaning.
const EDGES: [u8; 16] = [0, 1, 4, 5, 6, 8, 11, 17, 0x1f, 0x40, 0x45, 0x46, 0x4f, 0x7f, 0x80, 0xff];

/// A source of mutated frames.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    state: u64,
}

impl Mutation {
    /// The same seed gives the same choices.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next frame, made from answers to probes sent at `sent_ns`.
    pub fn next(&mut self, replies: &[Reply], sent_ns: u64) -> Vec<u8> {
        let mut frame = self.pick(replies).frame(sent_ns);
        for _ in 0..=self.below(4) {
            self.change(&mut frame, replies, sent_ns);
        }
        if self.below(4) != 0 {
            correct_total_length(&mut frame);
        }
        if self.below(4) != 0 {
            // Without a place for a token the frame stays as it is.
            let _ = token::renew(&mut frame, &RULES, Tick::at(sent_ns));
        }
        frame.truncate(LEN_MAX);
        frame
    }

    fn change(&mut self, frame: &mut Vec<u8>, replies: &[Reply], sent_ns: u64) {
        let at = self.below(frame.len() + 1);
        match self.below(9) {
            0 => self.overwrite(frame, at, |old, random| old ^ (1 << (random % 8))),
            1 => self.overwrite(frame, at, |_, random| random as u8),
            2 | 3 => self.overwrite(frame, at, |_, random| EDGES[random as usize % EDGES.len()]),
            4 => frame.truncate(at),
            5 => {
                let len = 4 * self.below(12);
                let fill = self.random() as u8;
                frame.splice(at..at, std::iter::repeat_n(fill, len));
            }
            6 => {
                let end = (at + self.below(24)).min(frame.len());
                frame.drain(at..end);
            }
            7 => {
                let other = self.pick(replies).frame(sent_ns);
                frame.truncate(at);
                frame.extend(other.get(at..).unwrap_or_default());
            }
            _ => frame.resize(frame.len() + self.below(500), 0),
        }
    }

    fn overwrite(&mut self, frame: &mut [u8], at: usize, new: impl Fn(u8, u64) -> u8) {
        let random = self.random();
        if let Some(byte) = frame.get_mut(at) {
            *byte = new(*byte, random);
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn below(&mut self, end: usize) -> usize {
        (self.random() >> 16) as usize % end
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(1);
        mix(self.state)
    }
}

fn correct_total_length(frame: &mut [u8]) {
    let ip = if frame.get(12..14) == Some(&[0x81, 0]) { 18 } else { 14 };
    let total = frame.len().saturating_sub(ip).min(usize::from(u16::MAX)) as u16;
    if let Some(field) = frame.get_mut(ip + 2..ip + 4) {
        field.copy_from_slice(&total.to_be_bytes());
    }
}
