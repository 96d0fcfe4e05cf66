//! What is sent to terminals under study, and when: series of bursts over minutes, or pairs, with jittered gaps, over all ports
//! of a terminal in changing order, never more than a budget per access point (/24). Sends nothing and reads no clock.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use prober_common::address::V4;

use crate::target::ports::ProbePort;
use crate::target::splitmix::{nth, unit};

/// Most probes of one study: each is stored.
pub const PROBES_MAX: u64 = 5_000_000;

/// How the probes of one terminal follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum StudyMode {
    /// Bursts of 25 to 32 probes, 50 to 120 ms apart, every 14 to 22 s: what causes are told by
    Series,
    /// Two probes 1 to 2 s apart, every 20 to 40 s: the first wakes whoever sleeps, the second finds it awake
    Pairs,
}

/// From and to, in seconds.
type Range = (f64, f64);

impl StudyMode {
    /// Probes of a burst, gaps within, pauses between.
    const fn course(self) -> ((u64, u64), Range, Range) {
        match self {
            Self::Series => ((25, 32), (0.050, 0.120), (14.0, 22.0)),
            Self::Pairs => ((2, 2), (1.0, 2.0), (20.0, 40.0)),
        }
    }

    /// Bursts of a terminal unless others are asked for: about 280 probes, or 20.
    pub const fn bursts(self) -> u32 {
        match self {
            Self::Series | Self::Pairs => 10,
        }
    }
}

/// What is to be studied.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRequest {
    /// Whom.
    pub terminals: Vec<V4>,
    /// On which ports, each as often as the others.
    pub ports: Vec<ProbePort>,
    /// How.
    pub mode: StudyMode,
    /// Bursts of each terminal.
    pub bursts: u32,
    /// Most probes a second to all terminals of one /24 together.
    pub budget_pps: f64,
    /// Where chance begins.
    pub seed: u64,
}

/// One probe of a study.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudySend {
    /// After the study's beginning, s.
    pub at_s: f64,
    /// Whom.
    pub address: V4,
    /// Where.
    pub port: ProbePort,
}

/// Why there is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum StudyError {
    /// Nobody or nothing to probe.
    #[error("a study needs at least one terminal, one port and one burst")]
    Nothing,
    /// No probe could ever be sent.
    #[error("the budget is {0} probes/s per access point; it must be above 0, at most 1000")]
    Budget(f64),
    /// More than can be stored.
    #[error("the study has about {0} probes, more than {PROBES_MAX}; take fewer terminals or bursts")]
    TooLarge(u64),
}

/// All probes, by time. The same request gives the same ones.
pub fn schedule(request: &StudyRequest) -> Result<Vec<StudySend>, StudyError> {
    if request.terminals.is_empty() || request.ports.is_empty() || request.bursts == 0 {
        return Err(StudyError::Nothing);
    }
    if !(request.budget_pps > 0.0 && request.budget_pps <= 1000.0) {
        return Err(StudyError::Budget(request.budget_pps));
    }
    let ((_, longest), ..) = request.mode.course();
    let most = longest * u64::from(request.bursts) * request.terminals.len() as u64;
    if most > PROBES_MAX {
        return Err(StudyError::TooLarge(most));
    }
    let mut access_points: BTreeMap<u32, Vec<V4>> = BTreeMap::new();
    for address in &request.terminals {
        access_points.entry(address.0 >> 8).or_default().push(*address);
    }
    let mut sends = Vec::new();
    for terminals in access_points.values() {
        of_access_point(request, terminals, &mut sends);
    }
    sends.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    Ok(sends)
}

/// A terminal whose next burst waits.
struct Course {
    address: V4,
    due_s: f64,
    burst: u32,
}

/// Bursts of its terminals, one after the other: whole, so that each keeps its gaps, and none faster than the budget.
fn of_access_point(request: &StudyRequest, terminals: &[V4], sends: &mut Vec<StudySend>) {
    let (lengths, gaps_s, pauses_s) = request.mode.course();
    let least_gap_s = 1.0 / request.budget_pps;
    let mut draws = Draws { seed: nth(request.seed, u64::from(terminals[0].0 >> 8)), drawn: 0 };
    let mut waiting: Vec<Course> = terminals
        .iter()
        .map(|address| Course { address: *address, due_s: draws.between((0.0, pauses_s.1)), burst: 0 })
        .collect();
    let mut free_s = 0.0_f64;
    while let Some(place) = (0..waiting.len()).min_by(|a, b| waiting[*a].due_s.total_cmp(&waiting[*b].due_s)) {
        let course = &mut waiting[place];
        let mut at_s = course.due_s.max(free_s);
        let begin_s = at_s;
        let mut round = Vec::new();
        for _ in 0..lengths.0 + draws.below(lengths.1 - lengths.0 + 1) {
            if round.is_empty() {
                round = draws.shuffled(&request.ports);
            }
            let port = round.pop().expect("a study has ports");
            sends.push(StudySend { at_s, address: course.address, port });
            at_s += draws.between(gaps_s).max(least_gap_s);
        }
        free_s = at_s;
        course.burst += 1;
        course.due_s = begin_s.max(course.due_s) + draws.between(pauses_s);
        if course.burst == request.bursts {
            waiting.swap_remove(place);
        }
    }
}

/// A seeded sequence.
struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    fn bits(&mut self) -> u64 {
        self.drawn += 1;
        nth(self.seed, self.drawn)
    }

    fn between(&mut self, (low, high): Range) -> f64 {
        low + (high - low) * unit(self.bits())
    }

    fn below(&mut self, count: u64) -> u64 {
        self.bits() % count.max(1)
    }

    /// Every port once (Fisher and Yates).
    fn shuffled(&mut self, ports: &[ProbePort]) -> Vec<ProbePort> {
        let mut ports = ports.to_vec();
        for place in (1..ports.len()).rev() {
            let other = self.below(place as u64 + 1) as usize;
            ports.swap(place, other);
        }
        ports
    }
}
