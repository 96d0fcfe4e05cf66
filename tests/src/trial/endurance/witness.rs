//! What the far end's counters say of a watch while it runs: when each address was visited, and how many probes each one,
//! each /24 and all of them got within a second. Shares nothing with the prober but the wire.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::lab::Lab;

/// Between two looks at the totals, and at the counters of every address.
const TOTALS_EVERY: Duration = Duration::from_millis(200);
const CELLS_EVERY: Duration = Duration::from_secs(1);
/// Totals are compared over at least this: a shorter time would be mostly the looking's own.
const WINDOW: Duration = Duration::from_secs(1);
const SLASH24: usize = 256;
const NEVER: f64 = -1.0;

/// The witness.
pub struct Witness {
    begun: Instant,
    ports: usize,
    /// By address and port, as last seen.
    cells: Vec<u64>,
    cells_at: Instant,
    /// Last visit of each address, s, and what kills had cost until then.
    visited_s: Vec<f64>,
    /// Visits of all addresses until then.
    visits_before: Vec<u64>,
    before: Vec<Cost>,
    totals: Vec<(Instant, u64)>,
    totals_at: Instant,
    cost: Cost,
    /// What it saw.
    pub seen: Seen,
}

/// What kills have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    kills: u64,
    idle_s: f64,
}

/// What it saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Visits, counted by the first port.
    pub visits: u64,
    /// The shortest time between two visits of an address that no kill repeated, s.
    pub shortest_s: f64,
    /// The longest one, without what kills cost, s.
    pub longest_s: f64,
    /// The longest one by how often all the others were visited meanwhile, on average: 1 if each waits for its turn, however
    /// fast the machine is.
    pub longest_rounds: f64,
    /// Visits of which a kill repeated one, by their time.
    pub repeated: u64,
    /// The most probes/s to one address.
    pub address_pps: f64,
    /// To one /24.
    pub slash24_pps: f64,
    /// To all.
    pub all_pps: f64,
}

impl Witness {
    /// From now on, over as many addresses with as many counted ports each.
    pub fn new(addresses: u32, ports: usize) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            ports,
            cells: vec![0; addresses as usize * ports],
            cells_at: now,
            visited_s: vec![NEVER; addresses as usize],
            visits_before: vec![0; addresses as usize],
            before: vec![Cost::default(); addresses as usize],
            totals: vec![(now, 0)],
            totals_at: now,
            cost: Cost::default(),
            seen: Seen {
                visits: 0,
                shortest_s: f64::INFINITY,
                longest_s: 0.0,
                longest_rounds: 0.0,
                repeated: 0,
                address_pps: 0.0,
                slash24_pps: 0.0,
                all_pps: 0.0,
            },
        }
    }

    /// A kill cost so much time.
    pub fn killed(&mut self, idle: Duration) {
        self.cost.kills += 1;
        self.cost.idle_s += idle.as_secs_f64();
    }

    /// Looks at the counters if it is time to; `soonest_s`: a visit sooner after the last one was repeated by a kill, if
    /// there was one.
    pub fn look(&mut self, lab: &Lab, soonest_s: f64) -> Result<()> {
        if self.totals_at.elapsed() >= TOTALS_EVERY {
            self.totals_at = Instant::now();
            self.look_at_totals(lab.counts()?.probes());
        }
        if self.cells_at.elapsed() >= CELLS_EVERY {
            self.look_now(lab, soonest_s)?;
        }
        Ok(())
    }

    /// Looks at the counters of every address: to be called right after a kill, so that what was before it is known.
    pub fn look_now(&mut self, lab: &Lab, soonest_s: f64) -> Result<()> {
        let past = self.cells_at.elapsed();
        self.cells_at = Instant::now();
        self.look_at_cells(&lab.cells()?.counts(), past, soonest_s);
        Ok(())
    }

    fn look_at_totals(&mut self, total: u64) {
        let now = Instant::now();
        self.totals.push((now, total));
        while self.totals.len() > 2 && now.duration_since(self.totals[1].0) >= WINDOW {
            self.totals.remove(0);
        }
        let (from, before) = self.totals[0];
        let past = now.duration_since(from);
        if past >= WINDOW {
            self.seen.all_pps = self.seen.all_pps.max((total - before) as f64 / past.as_secs_f64());
        }
    }

    fn look_at_cells(&mut self, cells: &[u64], past: Duration, soonest_s: f64) {
        // A shorter time tells no rate: one probe would be many in a second.
        let past_s = past.max(CELLS_EVERY).as_secs_f64();
        let now_s = self.begun.elapsed().as_secs_f64();
        let mut of_slash24 = 0;
        for (address, ports) in cells.chunks_exact(self.ports).enumerate() {
            let before = &mut self.cells[address * self.ports..][..self.ports];
            let probes: u64 = ports.iter().zip(before.iter()).map(|(now, before)| now - before).sum();
            let visits = ports[0] - before[0];
            before.copy_from_slice(ports);
            self.seen.address_pps = self.seen.address_pps.max(probes as f64 / past_s);
            of_slash24 += probes;
            if address % SLASH24 == SLASH24 - 1 {
                self.seen.slash24_pps = self.seen.slash24_pps.max(of_slash24 as f64 / past_s);
                of_slash24 = 0;
            }
            for visit in 0..visits {
                self.visit(address, now_s, soonest_s, visit > 0);
            }
        }
    }

    fn visit(&mut self, address: usize, now_s: f64, soonest_s: f64, is_same_look: bool) {
        self.seen.visits += 1;
        let last_s = self.visited_s[address];
        let before = std::mem::replace(&mut self.before[address], self.cost);
        self.visited_s[address] = now_s;
        let visits_before = std::mem::replace(&mut self.visits_before[address], self.seen.visits);
        let rounds = (self.seen.visits - visits_before) as f64 / self.visited_s.len() as f64;
        self.seen.longest_rounds = self.seen.longest_rounds.max(rounds);
        if last_s < 0.0 {
            return;
        }
        let past_s = now_s - last_s;
        let has_kill = before.kills < self.cost.kills || is_same_look;
        if past_s < soonest_s && has_kill {
            self.seen.repeated += 1;
            return;
        }
        self.seen.shortest_s = self.seen.shortest_s.min(past_s);
        self.seen.longest_s = self.seen.longest_s.max(past_s - (self.cost.idle_s - before.idle_s));
    }

    /// What kills cost so far, s.
    pub fn idle_s(&self) -> f64 {
        self.cost.idle_s
    }

    /// Addresses that were never visited.
    pub fn never(&self) -> u64 {
        self.visited_s.iter().filter(|at_s| **at_s < 0.0).count() as u64
    }

    /// The longest that an address waits at the moment, in rounds of all the others.
    pub fn waiting_rounds(&self) -> f64 {
        let oldest = self.visits_before.iter().min().copied().unwrap_or_default();
        (self.seen.visits - oldest) as f64 / self.visits_before.len().max(1) as f64
    }

    /// Addresses that were not visited within the last `seconds`, besides what kills cost.
    pub fn overdue(&self, seconds: f64) -> u64 {
        let now_s = self.begun.elapsed().as_secs_f64();
        let late = |(at_s, before): &(&f64, &Cost)| now_s - **at_s - (self.cost.idle_s - before.idle_s) > seconds;
        self.visited_s.iter().zip(&self.before).filter(late).count() as u64
    }
}
