//! A terminal's probes as the figures look at them: without ports that never answer, cut into bursts at long gaps.

use std::collections::BTreeMap;

use crate::model::trace::TraceProbe;
use crate::network::sample::{Sample, log_with_room};

/// Fewest probes after which a port that never answered is taken for silent.
const SILENT_PROBES_MIN: usize = 3;
/// In milliseconds; a reply that comes later helps nobody and counts as lost. Queues of a WLAN hold a few seconds at most: what is
/// later was forgotten somewhere and set free by chance, and its delay says when, not why.
const REPLY_MS_MAX: f64 = 10_000.0;
/// A gap longer than this many usual gaps, and than the next figure, ends a burst.
const GAP_TIMES: f64 = 5.0;
/// In seconds.
const GAP_S_MIN: f64 = 1.0;
/// Room for the logarithm of delays, in milliseconds.
pub(super) const ROOM_MS: f64 = 0.1;

/// Probes and replies of one port.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PortCount {
    pub(super) probes: usize,
    pub(super) lost: usize,
}

impl PortCount {
    pub(super) fn is_silent(self) -> bool {
        self.lost == self.probes && self.probes >= SILENT_PROBES_MIN
    }
}

/// The series.
pub(super) struct Series {
    pub(super) probes: usize,
    pub(super) ports: Vec<PortCount>,
    /// Probes to ports that are not silent, in the order of sending.
    pub(super) live: Vec<TraceProbe>,
    /// Burst of each of them, from 0.
    pub(super) burst: Vec<usize>,
    /// Delays over the floor of those that were answered, in milliseconds.
    pub(super) delays: Sample,
    /// Logarithm of the delay over the floor of each, NaN where lost.
    pub(super) logs: Vec<f64>,
}

impl Series {
    pub(super) fn of(probes: &[TraceProbe]) -> Self {
        let in_time =
            |probe: &TraceProbe| TraceProbe { rtt_ms: probe.rtt_ms.filter(|rtt| *rtt <= REPLY_MS_MAX), ..*probe };
        let probes: Vec<TraceProbe> = probes.iter().map(in_time).collect();
        let mut ports: BTreeMap<u16, PortCount> = BTreeMap::new();
        for probe in &probes {
            let count = ports.entry(probe.port).or_default();
            count.probes += 1;
            count.lost += usize::from(probe.rtt_ms.is_none());
        }
        // Where nothing answers, no port stands out.
        let some_answer = ports.values().any(|count| count.lost < count.probes);
        let is_live = |probe: &&TraceProbe| !some_answer || !ports[&probe.port].is_silent();
        let live: Vec<TraceProbe> = probes.iter().filter(is_live).copied().collect();
        let rtts = Sample::new(live.iter().filter_map(|probe| probe.rtt_ms));
        let floor = rtts.min();
        let logs = live.iter().map(|probe| log_with_room(probe.rtt_ms.map_or(f64::NAN, |rtt| rtt - floor), ROOM_MS));
        Self {
            probes: probes.len(),
            ports: ports.into_values().collect(),
            burst: bursts_of(&live),
            delays: Sample::new(rtts.sorted().iter().map(|rtt| rtt - floor)),
            logs: logs.collect(),
            live,
        }
    }

    pub(super) fn bursts(&self) -> usize {
        self.burst.last().map_or(0, |last| last + 1)
    }

    pub(super) fn is_lost(&self, place: usize) -> bool {
        self.live[place].rtt_ms.is_none()
    }

    /// Share of the live probes that were lost.
    pub(super) fn loss(&self) -> f64 {
        let lost = self.live.iter().filter(|probe| probe.rtt_ms.is_none()).count();
        lost as f64 / self.live.len() as f64
    }

    /// Places of neighbouring probes in the same burst.
    pub(super) fn pairs(&self, distance: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        (distance..self.live.len())
            .map(move |place| (place - distance, place))
            .filter(|(before, after)| self.burst[*before] == self.burst[*after])
    }

    /// Of one burst.
    pub(super) fn places(&self, burst: usize) -> std::ops::Range<usize> {
        self.burst.partition_point(|other| *other < burst)..self.burst.partition_point(|other| *other <= burst)
    }
}

fn bursts_of(live: &[TraceProbe]) -> Vec<usize> {
    let gaps: Vec<f64> = live.windows(2).map(|pair| pair[1].sent_s - pair[0].sent_s).collect();
    let usual = Sample::new(gaps.iter().copied()).median();
    let long = if usual.is_nan() { GAP_S_MIN } else { (GAP_TIMES * usual).max(GAP_S_MIN) };
    let mut burst = 0;
    let rest = gaps.iter().map(|gap| {
        burst += usize::from(*gap > long);
        burst
    });
    let rest: Vec<usize> = rest.collect();
    live.first().map(|_| 0).into_iter().chain(rest).collect()
}
