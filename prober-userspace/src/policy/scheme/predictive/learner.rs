//! What the predictive scheme learns: how often addresses of a class begin to answer, and how often those that answer open
//! another port. A class is what the neighbours of an address and its own past say; rates of classes that were seen little
//! lean on those of all (empirical Bayes).

use std::collections::HashMap;

use crate::policy::derive::Gain;
use crate::policy::target_state::{Standing, TargetState};

/// Groups by how many of a /24 answer: 0, 1, 2-3, 4-7, 8-15, 16-31, 32 and more.
const DENSITIES: usize = 7;
/// Groups by how many of a /24 came anew, for each that answers: under 1, under 4, more.
const TURNOVERS: usize = 3;
/// Silent addresses by both, addresses that have gone, and addresses that answer by turnover.
pub(super) const CLASSES: usize = DENSITIES * TURNOVERS + 1 + TURNOVERS;
/// As many address-days of all classes count in each.
const PRIOR_DAYS: f64 = 300.0;
/// Days in which what was seen of a class loses half its weight, and newcomers to a /24 half theirs: habits change.
const SEEN_HALF_LIFE_DAYS: f64 = 56.0;
const CAME_HALF_LIFE_S: u32 = 28 * 86_400;
/// Days in which what answers before the watch begins is to be found.
const FIRST_DAYS: f64 = 28.0;
const DAY_S: f64 = 86_400.0;

/// A class with how often each of its ports finds something.
#[derive(Clone, Debug)]
pub(super) struct Hazard<'a> {
    /// Part of all addresses that is in it, 0 to 1.
    pub(super) part: f64,
    /// Finds an address and a day, over all ports: of addresses that answer new open ports, of others the first.
    pub(super) per_day: f64,
    /// How these fall on the ports.
    pub(super) order: &'a [Gain],
}

impl Hazard<'_> {
    /// The best interval of a port for a price, in days.
    pub(super) fn interval_days(&self, gain: Gain, price: f64) -> f64 {
        (2.0 * price / (self.per_day * gain.share)).sqrt()
    }
}

/// What was seen of a class.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    days: f64,
    new_ports: f64,
}

/// What was seen of a /24.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    answering: u16,
    came: u16,
}

/// Probes that the tiers do not plan: the standard set after a first or another answer, ports known to be open, ports of
/// devices.
#[derive(Clone, Copy, Debug, Default)]
struct Unplanned {
    probes: f64,
    /// Addresses that were visited for the first time: what first answers lead to is no burden of that day alone.
    first_visits: f64,
}

/// The counts.
#[derive(Debug)]
pub(super) struct Learner {
    finding: Vec<Gain>,
    opening: Vec<Gain>,
    blocks: HashMap<u32, Block>,
    seen: [Seen; CLASSES],
    prior_per_day: f64,
    unplanned: Unplanned,
    /// How far what came to the blocks has been forgotten, s.
    aged_s: u32,
}

impl Learner {
    pub(super) fn new(finding: Vec<Gain>, opening: Vec<Gain>, answering: f64) -> Self {
        Self {
            finding,
            opening,
            blocks: HashMap::new(),
            seen: [Seen::default(); CLASSES],
            // What answers already is to be found within this time.
            prior_per_day: answering / FIRST_DAYS,
            unplanned: Unplanned::default(),
            aged_s: 0,
        }
    }

    /// Forgets a part of what was seen between two seconds.
    pub(super) fn age(&mut self, from_s: u32, to_s: u32) {
        let days = f64::from(to_s.saturating_sub(from_s)) / DAY_S;
        let factor = 0.5_f64.powf(days / SEEN_HALF_LIFE_DAYS);
        for seen in &mut self.seen {
            seen.days *= factor;
            seen.new_ports *= factor;
        }
        self.unplanned.probes *= factor;
        self.unplanned.first_visits *= factor;
        if to_s >= self.aged_s + CAME_HALF_LIFE_S {
            self.aged_s = to_s;
            self.blocks.retain(|_, block| {
                // As many as there are came at some time.
                block.came = block.answering + block.came.saturating_sub(block.answering) / 2;
                block.came > 0
            });
        }
    }

    /// Goes on with other orders of the ports.
    pub(super) fn renew(&mut self, finding: Vec<Gain>, opening: Vec<Gain>) {
        self.finding = finding;
        self.opening = opening;
    }

    pub(super) fn class_of(&self, state: &TargetState) -> usize {
        let block = self.blocks.get(&(state.address >> 8)).copied().unwrap_or_default();
        let turnover = match f64::from(block.came) / f64::from(block.answering.max(1)) {
            ..1.5 => 0,
            ..4.0 => 1,
            _ => 2,
        };
        match state.standing() {
            Standing::Gone => DENSITIES * TURNOVERS,
            Standing::Answering | Standing::Device(_) => DENSITIES * TURNOVERS + 1 + turnover,
            Standing::New | Standing::Silent | Standing::Honeypot => {
                let density = (16 - block.answering.leading_zeros() as usize).min(DENSITIES - 1);
                density * TURNOVERS + turnover
            }
        }
    }

    /// A visit of an address of this class after so many seconds found so many ports that were not open before. Where silent
    /// addresses are looked for, the first port found is what counts: it leads to the others.
    pub(super) fn count(&mut self, class: usize, waited_s: u32, new_ports: usize) {
        let seen = &mut self.seen[class];
        seen.days += f64::from(waited_s) / DAY_S;
        seen.new_ports += if is_of_answering(class) { new_ports as f64 } else { f64::from(u8::from(new_ports > 0)) };
    }

    /// A visit sent so many probes that the tiers had not planned.
    pub(super) fn spend(&mut self, unplanned: u64, is_first: bool) {
        self.unplanned.probes += unplanned as f64;
        self.unplanned.first_visits += f64::from(u8::from(is_first));
    }

    /// Probes that the tiers do not plan, an address and a day, as seen lately.
    pub(super) fn unplanned_per_day(&self) -> f64 {
        let days: f64 = self.seen.iter().map(|seen| seen.days).sum();
        self.unplanned.probes / (days + self.unplanned.first_visits * FIRST_DAYS + 1.0)
    }

    /// Whether an address answered before and does now, for its /24. A host that comes back as it was `is_new` there no more.
    pub(super) fn note(&mut self, address: u32, answered: bool, answers: bool, is_new: bool) {
        if !answered && !answers {
            return;
        }
        let block = self.blocks.entry(address >> 8).or_default();
        match (answered, answers) {
            (false, true) => {
                block.answering = block.answering.saturating_add(1);
                block.came = block.came.saturating_add(u16::from(is_new)).max(block.answering);
            }
            (true, false) => block.answering = block.answering.saturating_sub(1),
            _ => {}
        }
    }

    /// Nothing is to be known of an address any more, nor that it answered if it `answered`.
    pub(super) fn forget(&mut self, address: u32, answered: bool) {
        if let Some(block) = self.blocks.get_mut(&(address >> 8)).filter(|_| answered) {
            block.answering = block.answering.saturating_sub(1);
            block.came = block.came.saturating_sub(1);
        }
    }

    /// A class in words.
    pub(super) fn describe(&self, class: usize, state: &TargetState) -> String {
        let block = self.blocks.get(&(state.address >> 8)).copied().unwrap_or_default();
        let what = match state.standing() {
            Standing::Gone => "answered until lately",
            Standing::Answering | Standing::Device(_) => "answers",
            Standing::New | Standing::Silent | Standing::Honeypot => "silent so far",
        };
        let seen = &self.seen[class];
        let hazard = self.hazards()[class].per_day;
        format!(
            "{what}, in a /24 where {} answer and {} came and went lately: {hazard:.5} finds a day are expected (its class has \
             shown {:.0} in {:.0} address-days)",
            block.answering,
            block.came.saturating_sub(block.answering),
            seen.new_ports,
            seen.days
        )
    }

    /// What was seen, as text: until when newcomers are forgotten, what the tiers did not plan, then days and new ports of each
    /// class.
    pub(super) fn to_text(&self) -> String {
        let pairs: Vec<String> =
            self.seen.iter().map(|seen| format!("{:.3} {:.3}", seen.days, seen.new_ports)).collect();
        let Unplanned { probes, first_visits } = self.unplanned;
        format!("{} {probes:.0} {first_visits:.0}|{}", self.aged_s, pairs.join(";"))
    }

    /// The /24s to which more came than answer there now: the first address, and how many came.
    pub(super) fn newcomers(&self) -> Vec<(u32, u16)> {
        let of =
            |(network, block): (&u32, &Block)| (block.came > block.answering).then_some((network << 8, block.came));
        self.blocks.iter().filter_map(of).collect()
    }

    /// Takes over who came before a restart, after those that answer.
    pub(super) fn recall_newcomers(&mut self, newcomers: &[(u32, u16)]) {
        for (network, came) in newcomers {
            let block = self.blocks.entry(network >> 8).or_default();
            block.came = block.came.max(*came);
        }
    }

    /// Takes over what was seen before `now_s`; a text of another form changes nothing.
    pub(super) fn recall(&mut self, text: &str, now_s: u32) {
        // Earlier versions said nothing of all but the classes.
        let (all, text) = text.split_once('|').unwrap_or(("", text));
        let mut all = all.split(' ');
        self.aged_s = all.next().and_then(|aged| aged.parse().ok()).unwrap_or(now_s).min(now_s);
        let mut next = || all.next().and_then(|number| number.parse().ok()).unwrap_or(0.0);
        self.unplanned = Unplanned { probes: next(), first_visits: next() };
        let pair = |text: &str| {
            let (days, new_ports) = text.split_once(' ')?;
            Some(Seen { days: days.parse().ok()?, new_ports: new_ports.parse().ok()? })
        };
        let seen: Option<Vec<Seen>> = text.split(';').map(pair).collect();
        if let Some(seen) = seen.and_then(|seen| <[Seen; CLASSES]>::try_from(seen).ok()) {
            self.seen = seen;
        }
    }

    /// The classes with their rates.
    pub(super) fn hazards(&self) -> Vec<Hazard<'_>> {
        let days: f64 = self.seen.iter().map(|seen| seen.days).sum();
        let ports: f64 = self.seen.iter().map(|seen| seen.new_ports).sum();
        let prior = (ports + self.prior_per_day * PRIOR_DAYS) / (days + PRIOR_DAYS);
        let hazard = |(class, seen): (usize, &Seen)| Hazard {
            // As many as its part of the days that were watched.
            part: (seen.days + 1.0 / CLASSES as f64) / (days + 1.0),
            per_day: (seen.new_ports + prior * PRIOR_DAYS) / (seen.days + PRIOR_DAYS),
            order: if is_of_answering(class) { &self.opening } else { &self.finding },
        };
        self.seen.iter().enumerate().map(hazard).collect()
    }
}

/// Whether addresses of a class answer, so that further ports are looked for there; else a first one is.
const fn is_of_answering(class: usize) -> bool {
    class > DENSITIES * TURNOVERS
}
