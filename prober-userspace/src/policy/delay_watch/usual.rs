//! What delay is usual in one network, and by how much it varies: a low quantile of blocks of answers, and its minimum over
//! the last spans of time (as a route's base delay is kept in windows: Mathis et al.'s and BBR's minimum filters). Less is
//! believed at once, more only after two spans in which nothing less was seen.

/// Answers of a block.
const BLOCK: u8 = 24;
/// The lowest of a block that are kept: the highest of them is its quartile.
const LOWEST: usize = 6;
/// A span of time, ns: at least so long, and at least one block.
const SPAN_NS: u64 = 600_000_000_000;
/// An answer that took longer counts as this, s.
const MOST_S: f64 = 10.0;

/// One network: 104 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usual {
    level_s: f64,
    deviation_s: f64,
    block: Block,
    span: Span,
    before: Option<Span>,
    is_known: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    lowest_s: [f32; LOWEST],
    seen: u8,
    sum_s: f32,
}

/// What was seen in a span of time.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    began_ns: u64,
    /// Lowest of the blocks' quartiles, s.
    lowest_s: f32,
    /// Sum of the answers' excesses over the level then, s.
    excess_s: f32,
    answers: u32,
}

impl Usual {
    /// The usual delay, s.
    pub fn level_s(&self) -> f64 {
        self.level_s
    }

    /// Mean excess over it, s.
    pub fn deviation_s(&self) -> f64 {
        self.deviation_s
    }

    /// Takes an answer in. If what is usual changes: by how much it rose, s (0 the first time).
    pub fn learn(&mut self, now_ns: u64, delay_s: f64) -> Option<f64> {
        let (quartile_s, mean_s) = self.block.take(delay_s.min(MOST_S) as f32)?;
        let (quartile, mean) = (f64::from(quartile_s), f64::from(mean_s));
        let own_deviation = (mean - quartile).max(0.0);
        if !self.is_known {
            *self = Self { level_s: quartile, deviation_s: own_deviation, is_known: true, ..Self::default() };
            self.span = Span::beginning(now_ns);
            return Some(0.0);
        }
        if quartile < self.level_s {
            let shift_s = quartile - self.level_s;
            self.level_s = quartile;
            // What deviates from a level that is no more tells nothing. The larger one is the one without false alarms.
            self.deviation_s = self.deviation_s.max(own_deviation);
            (self.span, self.before) = (Span::beginning(now_ns), None);
            return Some(shift_s);
        }
        self.span.add(quartile_s, (mean - self.level_s).max(0.0) as f32);
        let is_over = now_ns.saturating_sub(self.span.began_ns) >= SPAN_NS;
        is_over.then(|| self.turn(now_ns)).flatten()
    }

    /// A span is over.
    fn turn(&mut self, now_ns: u64) -> Option<f64> {
        let (span, before) = (self.span, self.before);
        self.span = Span::beginning(now_ns);
        self.before = Some(span);
        let before = before?;
        let (lowest_s, mean_s) = (span.lowest_s.min(before.lowest_s), span.mean_excess_s().min(before.mean_excess_s()));
        let shift_s = f64::from(lowest_s) - self.level_s;
        self.level_s = f64::from(lowest_s);
        self.deviation_s = (f64::from(mean_s) - shift_s).max(0.0);
        // Excesses so far were over the old level.
        self.before = Some(Span { excess_s: span.excess_s - shift_s as f32 * span.answers as f32, ..span });
        Some(shift_s)
    }
}

impl Block {
    /// Takes an answer in; at the end of a block its quartile and mean, s.
    fn take(&mut self, delay_s: f32) -> Option<(f32, f32)> {
        let kept = usize::from(self.seen).min(LOWEST);
        let place = self.lowest_s[..kept].partition_point(|other| *other <= delay_s);
        if place < LOWEST {
            let end = (kept + 1).min(LOWEST);
            self.lowest_s.copy_within(place..end - 1, place + 1);
            self.lowest_s[place] = delay_s;
        }
        self.seen += 1;
        self.sum_s += delay_s;
        (self.seen == BLOCK).then(|| {
            let Self { lowest_s, sum_s, .. } = std::mem::take(self);
            (lowest_s[LOWEST - 1], sum_s / f32::from(BLOCK))
        })
    }
}

impl Span {
    fn beginning(now_ns: u64) -> Self {
        Self { began_ns: now_ns, lowest_s: f32::INFINITY, excess_s: 0.0, answers: 0 }
    }

    fn add(&mut self, quartile_s: f32, excess_s: f32) {
        self.lowest_s = self.lowest_s.min(quartile_s);
        self.excess_s += excess_s * f32::from(BLOCK);
        self.answers += u32::from(BLOCK);
    }

    fn mean_excess_s(&self) -> f32 {
        self.excess_s / self.answers.max(1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// Feeds one answer a second; the changes.
    fn feed(usual: &mut Usual, from_s: u64, seconds: u64, delay_s: impl Fn(u64) -> f64) -> Vec<f64> {
        (from_s..from_s + seconds).filter_map(|second| usual.learn(second * SECOND_NS, delay_s(second))).collect()
    }

    #[test]
    fn the_first_block_gives_its_quartile() {
        let mut usual = Usual::default();
        // 0 to 23 in another order: the sixth of them is 5.
        assert_eq!(feed(&mut usual, 0, 24, |second| (second * 7 % 24) as f64 / 10.0), [0.0]);
        assert!((usual.level_s() - 0.5).abs() < 1e-6, "{usual:?}");
        assert!((usual.deviation_s() - (1.15 - 0.5)).abs() < 1e-5, "{usual:?}");
    }

    #[test]
    fn less_is_believed_at_once_and_more_after_two_spans() {
        let mut usual = Usual::default();
        feed(&mut usual, 0, 48, |_| 1.0);
        assert_eq!(feed(&mut usual, 48, 24, |_| 0.25), [-0.75]);
        assert!(feed(&mut usual, 72, 1000, |_| 0.5).is_empty());
        assert!((usual.level_s() - 0.25).abs() < 1e-6);
        feed(&mut usual, 1072, 1000, |_| 0.5);
        assert!((usual.level_s() - 0.5).abs() < 1e-6, "{usual:?}");
        assert!(usual.deviation_s() < 1e-6, "{usual:?}");
    }
}
