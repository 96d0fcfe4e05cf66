//! When the next packets may go. Three limits at once: the schedule (the set rate, with a memory of what is owed after
//! the thread was held up), a bucket (what is owed is repaid a little faster than the rate, not in one burst), and a
//! window (never more than the rate's share plus a few packets in any 10 ms). Pure: the caller brings the time.

mod window;

#[cfg(test)]
mod tests;

use self::window::Window;
use super::rate::Rate;

/// A longer hold-up than this is forgotten, not repaid.
const LONGEST_DEBT_S: f64 = 1.0;

/// Packets are granted in groups of about this much time, so that fast senders get batches and slow ones singles.
const GROUP_S: f64 = 24e-6;

/// The bucket holds this much time (and no more packets than the slack), so that a sender which wakes late by the
/// timer's grain loses nothing.
const BUCKET_S: f64 = 2e-3;

/// What is owed is repaid at no more than this part of the rate, so that slow scans stay smooth, ...
const CATCH_UP_PART: f64 = 0.25;

/// ... and never above what the window lets through for long: its slack less one group, each 10 ms.
const WINDOW_S: f64 = Window::SPAN_NS as f64 / 1e9;

/// How a pacer is set up.
#[derive(Clone, Copy, Debug)]
pub struct PacerConfig {
    /// How fast.
    pub rate: Rate,
    /// Most packets above the rate's share in any 10 ms, at least 2; several senders divide the scan's 64.
    pub slack_packets: u32,
    /// Most packets in one grant, 1 to half the slack. Small grants leave more of the slack for making up delays,
    /// large ones cost fewer system calls.
    pub largest_grant: u32,
}

impl PacerConfig {
    /// One sender's part of a scan at `rate` by `senders` threads: the whole stays within 64 packets of its share.
    pub fn for_each_of(senders: u32, rate: Rate) -> Self {
        let senders = senders.clamp(1, 32);
        Self { rate: rate.share(senders), slack_packets: 64 / senders, largest_grant: (24 / senders).max(1) }
    }
}

/// Grants packets at a rate. Bound: packets handed over late by the caller count when they were granted, so a caller
/// that holds one grant back still stays within the slack.
#[derive(Debug)]
pub struct Pacer {
    rate_per_ns: f64,
    catch_up_per_ns: f64,
    /// Smallest grant while the caller has room for it.
    group: f64,
    largest_grant: f64,
    slack: f64,
    bucket_size: f64,
    /// Packets that the schedule says should have gone; below `group` nothing is granted.
    owed: f64,
    bucket: f64,
    window: Window,
    last_ns: u64,
    paused: bool,
}

impl Pacer {
    /// A pacer that grants its first packets at `now_ns`.
    pub fn new(config: PacerConfig, now_ns: u64) -> Self {
        let slack = f64::from(config.slack_packets.max(2));
        // Part of the slack is for a group that was granted in time but left late, the rest for the window itself.
        let largest_grant = f64::from(config.largest_grant).clamp(1.0, (slack / 2.0).floor());
        let mut pacer = Self {
            rate_per_ns: 0.0,
            catch_up_per_ns: 0.0,
            group: 1.0,
            largest_grant,
            slack: slack - largest_grant,
            bucket_size: 1.0,
            owed: 0.0,
            bucket: 0.0,
            window: Window::new(),
            last_ns: now_ns,
            paused: false,
        };
        pacer.set_rate(config.rate, now_ns);
        pacer
    }

    /// Takes up to `most` packets that may go now; 0 means wait for [`Self::wait_ns`]. About 10 ns.
    #[inline]
    pub fn grant(&mut self, now_ns: u64, most: usize) -> usize {
        if self.paused || most == 0 {
            return 0;
        }
        self.advance(now_ns);
        let room = self.rate_per_ns.mul_add(Window::SPAN_NS as f64, self.slack) - self.window.packets(now_ns);
        let ready = self.owed.min(self.bucket).min(room).min(self.largest_grant).floor();
        let least = self.group.min(most as f64);
        // The tolerance forgives rounding in the sum of many small additions.
        if ready + 1e-6 < least {
            return 0;
        }
        let granted = ready.min(most as f64);
        self.owed -= granted;
        self.bucket -= granted;
        self.window.add(now_ns, granted as u32);
        granted as usize
    }

    /// How long after `now_ns` the next grant can come, in ns: 0 if now, `None` while paused. `most` as in `grant`.
    pub fn wait_ns(&mut self, now_ns: u64, most: usize) -> Option<u64> {
        if self.paused {
            return None;
        }
        self.advance(now_ns);
        let least = self.group.min(most.max(1) as f64);
        let schedule_ns = (least - self.owed) / self.rate_per_ns;
        let bucket_ns = (least - self.bucket) / self.catch_up_per_ns;
        let most_in_window = self.rate_per_ns.mul_add(Window::SPAN_NS as f64, self.slack) - least;
        let window_ns = self.window.ns_until_at_most(now_ns, most_in_window);
        Some((schedule_ns.max(bucket_ns).max(0.0).ceil() as u64).max(window_ns))
    }

    /// Returns packets that were granted but not sent after all. They may go again at once.
    pub fn give_back(&mut self, packets: usize) {
        let packets = packets as f64;
        self.owed += packets;
        self.bucket = (self.bucket + packets).min(self.bucket_size);
        self.window.take_back(packets as u32);
    }

    /// There was nothing to send until `now_ns`: that time is not owed.
    pub fn forgive(&mut self, now_ns: u64) {
        self.advance(now_ns);
        self.owed = self.owed.min(self.group);
    }

    /// Changes the rate from `now_ns` on. Nothing owed at the old rate is carried over.
    pub fn set_rate(&mut self, rate: Rate, now_ns: u64) {
        let pps = rate.pps();
        self.rate_per_ns = pps / 1e9;
        self.group = (pps * GROUP_S).floor().clamp(1.0, self.largest_grant);
        self.bucket_size = (pps * BUCKET_S).clamp(self.group, self.slack);
        let surplus_pps = ((self.slack - self.largest_grant).max(1.0) / WINDOW_S).min(pps * CATCH_UP_PART);
        self.catch_up_per_ns = (pps + surplus_pps) / 1e9;
        self.restart(now_ns);
    }

    /// Grants nothing until resumed.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on from `now_ns` at the set rate; the pause is not made up for.
    pub fn resume(&mut self, now_ns: u64) {
        if self.paused {
            self.paused = false;
            self.restart(now_ns);
        }
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn restart(&mut self, now_ns: u64) {
        self.last_ns = self.last_ns.max(now_ns);
        self.owed = self.group;
        self.bucket = self.group;
    }

    #[inline]
    fn advance(&mut self, now_ns: u64) {
        // A clock that steps back grants nothing.
        let passed_ns = now_ns.saturating_sub(self.last_ns) as f64;
        self.last_ns = self.last_ns.max(now_ns);
        let earned = passed_ns * self.rate_per_ns;
        let most_owed = (self.rate_per_ns * 1e9 * LONGEST_DEBT_S).max(self.group);
        self.owed = (self.owed + earned).min(most_owed);
        self.bucket = passed_ns.mul_add(self.catch_up_per_ns, self.bucket).min(self.bucket_size);
    }
}
