//! The planner of a watch: owns the states of all addresses, hands out visits as they become due, within the rates of the
//! link and of the clusters, to nobody who is excluded, and takes note of what visits found. A visit that was handed out is
//! in the caller's hands until it is decided or given up; then its address is queued again, so that none is ever forgotten.
//! Times are seconds of the watch's own clock.

mod demand;
mod taking_over;
#[cfg(test)]
mod tests;
mod turns;
mod wall_time;

use std::sync::Arc;

use prober_common::address::V4;

use self::demand::Demand;
use self::taking_over::TakingOver;
use self::turns::Turns;
pub use self::wall_time::WallTime;
use super::due::DueQueue;
use super::interval::LADDER_S;
use super::quiet::QuietHours;
use super::scheme::{Found, Scheme};
use super::target_state::{Standing, TargetState};
use crate::model::utc::UtcMicros;
use crate::model::watch::{PlanStatus, StandingCounts};
use crate::target::splitmix;

/// An address that must not be visited is looked at again after this, s: it may not be excluded any more.
const EXCLUDED_S: u32 = 12 * 3_600;
/// And one outside the watched share after this, s, up to twice as long: when the share grows, those that join it come spread
/// over as much time.
const OUTSIDE_S: u32 = FIRST_S;
/// A cluster's visits are put off by this at most, s: by then it is another slot with another rate.
const PUT_OFF_S: u32 = 1_800;
/// Visits looked at in a call at most, also those that must not go now: whoever calls has more to look after.
const LOOKED_MOST: usize = 1 << 16;
/// Visits looked at together.
const TOGETHER: usize = 64;
/// First visits are spread over this at least, s, and put off by it at most.
const FIRST_S: u32 = LADDER_S[0];
/// Of the rate, what first visits may use whatever the others need: without it a plan that cannot be met would never begin.
const FIRST_PART: f64 = 0.25;

/// How a planner works.
#[derive(Clone, Copy, Debug)]
pub struct PlannerConfig {
    /// Probes a second of the watch's clock that the link takes.
    pub rate_pps: f64,
    /// How far ahead visits are handed out, s: as many probes may be ahead of the rate, and one visit more.
    pub ahead_s: f64,
    /// Width of the queue's buckets, s.
    pub bucket_s: u32,
    /// How its seconds lie in the wall clock's time.
    pub wall: WallTime,
}

/// A visit that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedVisit {
    /// The number of its state.
    pub number: u32,
    /// Whom.
    pub address: V4,
    /// On which TCP ports, in order.
    pub ports: Arc<[u16]>,
    /// Of which cluster; 0: none.
    pub cluster: u16,
    /// When it was due, s.
    pub due_s: u32,
}

/// Who may be visited at the moment.
pub trait Admission {
    /// Whether an address is not excluded.
    fn admits(&self, address: V4) -> bool;
    /// Whether it is in the watched share.
    fn watches(&self, address: V4) -> bool;
}

/// A cluster's rate and quiet hours.
#[derive(Clone, Debug, Default)]
struct Cluster {
    quiet: Option<QuietHours>,
    turns: Turns,
}

/// The planner.
#[derive(Debug)]
pub struct Planner {
    config: PlannerConfig,
    scheme: Scheme,
    queue: DueQueue,
    clusters: Vec<Cluster>,
    /// Of addresses that were never visited.
    first: Turns,
    taking_over: Option<TakingOver>,
    demand: Demand,
    /// Probes that may be handed out; below 0 after a large visit.
    budget: f64,
    budget_s: f64,
    latest_due_s: u32,
    taken: Vec<u32>,
}

impl Planner {
    /// For these states, at `now_s`. Those that were never visited get their time here: spread over 12 hours by the address,
    /// the same at each start, so that restarts put nobody off. They share what the visits to the others leave of the rate.
    pub fn new(config: PlannerConfig, scheme: Scheme, mut states: Vec<TargetState>, now_s: u32) -> Self {
        let new = |state: &&TargetState| state.visited_s == TargetState::NEVER;
        let first_probes = states.iter().find(new).map_or(0.0, |state| scheme.first_probes(state, now_s));
        for state in states.iter_mut().filter(|state| state.visited_s == TargetState::NEVER) {
            let phase_s = phase(state.address, FIRST_S);
            state.due_s = phase_s + now_s.saturating_sub(phase_s).div_ceil(FIRST_S) * FIRST_S;
        }
        let mut demand = Demand::default();
        for state in &states {
            demand.add(state.standing());
        }
        demand.expect_first(first_probes);
        let queue = DueQueue::new(states, config.bucket_s, LADDER_S[6]);
        Self {
            config,
            scheme,
            queue,
            clusters: Vec::new(),
            first: Turns::default(),
            taking_over: None,
            demand,
            budget: 0.0,
            budget_s: f64::from(now_s),
            latest_due_s: now_s,
            taken: Vec::with_capacity(TOGETHER),
        }
    }

    /// Changes the link's rate, probes a second of the watch's clock.
    pub fn set_rate(&mut self, rate_pps: f64) {
        self.config.rate_pps = rate_pps;
    }

    /// From now on its seconds lie so in the wall clock's time.
    pub fn set_wall(&mut self, wall: WallTime) {
        self.config.wall = wall;
    }

    /// Lets visits to a cluster be moved into its quiet hours, by the watch's calendar.
    pub fn set_quiet_hours(&mut self, cluster: u16, quiet: QuietHours) {
        self.cluster_mut(cluster).quiet = Some(quiet);
    }

    /// Limits a cluster, in probes a second of the watch's clock; 0: no limit.
    pub fn set_cluster_rate(&mut self, cluster: u16, rate_pps: f64) {
        self.cluster_mut(cluster).turns.rate_pps = rate_pps;
    }

    /// The rates of clusters with quiet hours at a date of the watch's calendar: number and probes a second of its clock.
    pub fn rates_at(&self, date: UtcMicros) -> Vec<(u16, f64)> {
        let rate = |(number, cluster): (u16, &Cluster)| Some((number, cluster.quiet.as_ref()?.rate_pps(date)));
        (0..).zip(&self.clusters).filter_map(rate).collect()
    }

    fn cluster_mut(&mut self, cluster: u16) -> &mut Cluster {
        let index = usize::from(cluster);
        if index >= self.clusters.len() {
            self.clusters.resize(index + 1, Cluster::default());
        }
        &mut self.clusters[index]
    }

    /// Hands out visits that are due at `now_s`, as long as the rate, `most_visits` and `most_probes` allow. Calls must not
    /// go back in time.
    pub fn take(
        &mut self,
        now_s: f64,
        most_visits: usize,
        most_probes: u64,
        admission: &dyn Admission,
        out: &mut Vec<PlannedVisit>,
    ) {
        let rate_pps = self.config.rate_pps;
        let most = rate_pps * self.config.ahead_s;
        self.budget = (self.budget + (now_s - self.budget_s).max(0.0) * rate_pps).min(most);
        self.budget_s = self.budget_s.max(now_s);
        self.first.rate_pps = self.first_pps();
        let (mut visits, mut probes, mut looked) = (0, 0, 0);
        let mut taken = std::mem::take(&mut self.taken);
        while self.budget > 0.0 && visits < most_visits && probes < most_probes && looked < LOOKED_MOST {
            taken.clear();
            self.queue.take_due(now_s as u32, TOGETHER.min(most_visits - visits), &mut taken);
            if taken.is_empty() {
                break;
            }
            looked += taken.len();
            for number in taken.drain(..) {
                if self.budget <= 0.0 || probes >= most_probes || !self.may_go(number, now_s, admission) {
                    self.queue.put_back(number);
                    continue;
                }
                let visit = self.visit(number, now_s);
                self.budget -= visit.ports.len() as f64;
                probes += visit.ports.len() as u64;
                visits += 1;
                out.push(visit);
            }
        }
        self.taken = taken;
    }

    /// What visits to known addresses leave of the rate, probes a second.
    fn first_pps(&self) -> f64 {
        let rate_pps = self.config.rate_pps;
        (rate_pps - self.demand.probes_per_s(f64::INFINITY)).max(rate_pps * FIRST_PART)
    }

    /// Whether a due visit may go now; else it is put off.
    fn may_go(&mut self, number: u32, now_s: f64, admission: &dyn Admission) -> bool {
        let state = self.queue.state_mut(number);
        let address = V4(state.address);
        let wait_s = if !admission.admits(address) {
            EXCLUDED_S
        } else if !admission.watches(address) {
            OUTSIDE_S + phase(state.address, OUTSIDE_S)
        } else {
            let ahead_s = self.config.ahead_s;
            let is_first = state.visited_s == TargetState::NEVER;
            let first = is_first.then_some((&mut self.first, FIRST_S));
            let cluster = self.clusters.get_mut(usize::from(state.cluster)).map(|of| (&mut of.turns, PUT_OFF_S));
            let mut limits = first.into_iter().chain(cluster);
            let wait = limits.find_map(|(turns, most_s)| Some((turns.wait_s(now_s, ahead_s)?, turns, most_s)));
            let Some((wait_s, turns, most_s)) = wait else { return true };
            if wait_s < f64::from(most_s) {
                // Each of those put off waits for its own turn.
                turns.put_off(self.demand.probes_of(state.standing()));
                (wait_s as u32).max(1)
            } else {
                // The rate is another one then.
                most_s / 2 + phase(state.address, most_s / 2)
            }
        };
        state.due_s = (now_s as u32).saturating_add(wait_s);
        false
    }

    fn visit(&mut self, number: u32, now_s: f64) -> PlannedVisit {
        let state = self.queue.state(number);
        let visit = self.scheme.visit(state, now_s as u32);
        let mut ports: Vec<u16> = visit.sets.iter().flat_map(|set| set.iter()).collect();
        ports.extend(&visit.more);
        ports.sort_unstable();
        self.demand.planned(state.standing(), ports.len());
        self.latest_due_s = self.latest_due_s.max(state.due_s);
        if state.visited_s == TargetState::NEVER {
            self.first.charge(now_s, ports.len());
        }
        if let Some(cluster) = self.clusters.get_mut(usize::from(state.cluster)) {
            cluster.turns.charge(now_s, ports.len());
        }
        PlannedVisit {
            number,
            address: V4(state.address),
            ports: ports.into(),
            cluster: state.cluster,
            due_s: state.due_s,
        }
    }

    /// What a visit found that began at `began_s`; queues its address again. Whether it found something else than the last
    /// one.
    pub fn decide(&mut self, number: u32, began_s: u32, found: Found<'_>) -> bool {
        let state = self.queue.state_mut(number);
        let (before, fingerprint) = (state.standing(), state.fingerprint);
        let was_visited = state.visited_s != TargetState::NEVER;
        self.scheme.learn(state, began_s, found);
        let quiet = self.clusters.get(usize::from(state.cluster)).and_then(|cluster| cluster.quiet.as_ref());
        if let Some(quiet) = quiet.filter(|_| state.standing() != Standing::New) {
            let due = self.config.wall.date(state.due_s);
            let interval_s = state.due_s.saturating_sub(began_s);
            state.due_s -= quiet.earlier_s(due, interval_s, splitmix::mix(u64::from(state.address)));
        }
        self.demand.decided(before, state.standing(), state.due_s.saturating_sub(began_s));
        let is_changed = was_visited && state.fingerprint != fingerprint;
        self.queue.put_back(number);
        is_changed
    }

    /// A visit did not take place: its address became excluded. Looked at again half a day later.
    pub fn give_up(&mut self, number: u32, now_s: u32) {
        self.queue.state_mut(number).due_s = now_s.saturating_add(EXCLUDED_S);
        self.queue.put_back(number);
    }

    /// Names the device of an address that answers, after its visit was decided; whether that is news. A visit of it must not
    /// be under way.
    pub fn name(&mut self, number: u32, device: u16) -> bool {
        let state = self.queue.state_mut(number);
        let (before, named) = (state.standing(), Standing::Device(device));
        if before == named || !matches!(before, Standing::Answering | Standing::Device(_)) {
            return false;
        }
        state.set_standing(named);
        let interval_s = state.due_s.saturating_sub(state.visited_s);
        self.demand.decided(before, state.standing(), interval_s);
        true
    }

    /// Nothing is known of an address any more; when it is due stays. A visit of it must not be under way.
    pub fn forget(&mut self, number: u32) {
        let state = self.queue.state_mut(number);
        let before = *state;
        if before.visited_s == TargetState::NEVER {
            return;
        }
        *state = TargetState::new(before.address, before.due_s);
        state.cluster = before.cluster;
        self.scheme.forget(&before);
        self.demand.decided(before.standing(), Standing::New, 0);
    }

    /// A visit says nothing: its address is due again at about `at_s`.
    pub fn try_again(&mut self, number: u32, at_s: u32) {
        let state = self.queue.state_mut(number);
        state.due_s = at_s.saturating_add(phase(state.address, FIRST_S / 72));
        self.queue.put_back(number);
    }

    /// A visit was interrupted: its address is queued as it was, and as it is overdue, it comes next.
    pub fn again(&mut self, number: u32) {
        self.queue.put_back(number);
    }

    /// The scheme, for what is to be stored of it.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The scheme, to teach it.
    pub fn scheme_mut(&mut self) -> &mut Scheme {
        &mut self.scheme
    }

    /// The state of this number.
    pub fn state(&self, number: u32) -> &TargetState {
        self.queue.state(number)
    }

    /// All states by number, those in the caller's hands as they were before their visit.
    pub fn states(&self) -> &[TargetState] {
        self.queue.states()
    }

    /// Addresses by what is known of them.
    pub fn standings(&self) -> StandingCounts {
        self.demand.standings()
    }

    /// Whether the plan can be met at all, and whether it is. `scale`: seconds of the watch's clock per second, to give rates
    /// as the wire sees them; `admitted`: how many of the addresses may be visited at the moment.
    pub fn status(&self, now_s: f64, scale: f64, admitted: f64) -> PlanStatus {
        let (due_visits, oldest_s) = self.queue.overdue(now_s as u32);
        let needed_pps = self.demand.probes_per_s(admitted) * scale;
        let allowed_pps = self.config.rate_pps * scale;
        PlanStatus {
            needed_pps,
            allowed_pps,
            behind_s: oldest_s.map_or(0, |oldest_s| (now_s as u32).saturating_sub(oldest_s)),
            due_visits,
            first_round_s: self.demand.first_probes(admitted) / self.first_pps().max(1e-9),
            advice: advice(needed_pps, allowed_pps, admitted),
        }
    }
}

/// What to change if a plan cannot be met.
pub fn advice(needed_pps: f64, allowed_pps: f64, targets: f64) -> Option<String> {
    let excess = needed_pps / allowed_pps.max(1e-9);
    (excess > 1.0).then(|| {
        format!(
            "the plan needs {needed_pps:.0} probes/s, {excess:.2} times the {allowed_pps:.0} that the limits allow: raise the \
             rate to {:.0}, watch no more than {:.0} of the {targets:.0} addresses, or choose a scheme or budget that probes \
             less; until then visits come late, the longest overdue first",
            needed_pps.ceil(),
            targets / excess
        )
    })
}

/// A number below `length` that belongs to the address, so that each goes its own way and always the same.
fn phase(address: u32, length: u32) -> u32 {
    (splitmix::mix(u64::from(address) ^ 0x7761_7463_6800_0000) % u64::from(length.max(1))) as u32
}

/// Standings in the order in which they are counted.
const fn index_of(standing: Standing) -> usize {
    match standing {
        Standing::New => 0,
        Standing::Silent => 1,
        Standing::Gone => 2,
        Standing::Answering => 3,
        Standing::Device(_) => 4,
        Standing::Honeypot => 5,
    }
}
