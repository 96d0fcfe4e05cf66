//! The scan: probes at given times to the hosts of all networks, and what they learn. When they go is decided by chance,
//! or by the very policy of the prober.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use prober_userspace::model::utc::UtcMicros;
use prober_userspace::network::congestion::medium::Medium;
use prober_userspace::network::congestion::service::ServiceTime;
use prober_userspace::policy::clock_guard::ClockGuard;
use prober_userspace::policy::grid::DayGrid;
use prober_userspace::policy::learner::{Answer, Learner, LearnerConfig};
use prober_userspace::policy::plan::{Demand, Plan, PlanConfig};
use prober_userspace::simulate::draws::Draws;

use super::SLOTS;
use super::place::{NETWORKS, Place};

/// UDP echo: what the hosts answer.
const PORT: u16 = 7;
/// Bytes of data, so that a probe is a SYN's 60 bytes of IP and 74 on the bottleneck.
const DATA: usize = 32;
const WIRE_BYTES: f64 = 74.0;
/// After the day answers are waited for so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// What an idle wire and a busy laboratory add to a delay, s.
const IDLE_JITTER_S: f64 = 1e-3;

/// Times of the probes: since the day's beginning, and to which network.
#[derive(Clone, Debug)]
pub struct Scan {
    times: Vec<(Duration, usize)>,
}

/// What was sent and came back.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// When each probe went, to which network, and how long its answer took.
    probes: Vec<(Duration, usize, Option<Duration>)>,
}

impl Scan {
    /// So many probes at independent random times.
    pub fn at_random(slot: Duration, share: f64, seed: u64) -> Self {
        let mut draws = Draws::new(seed, 0x7261_6e64);
        let day_s = slot.as_secs_f64() * SLOTS as f64;
        let times = (0..NETWORKS)
            .flat_map(|network| (0..probes(network, slot, share)).map(move |_| network))
            .map(|network| (Duration::from_secs_f64(draws.between(0.0, day_s)), network))
            .collect();
        Self::sorted(times)
    }

    /// The same number when the plan says so, from what was learnt on the day before.
    pub fn as_planned(slot: Duration, share: f64, learnt: &Answered, seed: u64) -> Result<Self> {
        let grid = DayGrid::new(SLOTS as u16, 0).context("24 slots divide a day")?;
        let services: Vec<ServiceTime> = (0..NETWORKS).map(service).collect();
        let learner = learnt.profiles(grid, slot, &services);
        // As shipped: nothing here is looser than what a user gets.
        let config = PlanConfig::default();
        let tuesday = grid.after_days(grid.place(MONDAY), 1);
        let mut draws = Draws::new(seed, 0x706c_616e);
        let mut times = Vec::new();
        for (network, (service, profile)) in services.iter().zip(&learner.profiles()).enumerate() {
            let count = probes(network, slot, share);
            // A slot of the grid lasts an hour, of the compressed day `slot`: as many hours' probes are planned.
            let stretch = grid.slot_s() / slot.as_secs_f64();
            let demand = Demand { probes: count as f64 * stretch, due: SLOTS - 1 };
            let plan = Plan::make(&config, grid, tuesday, service, profile, &[demand]);
            for line in plan.explain(grid) {
                log::debug!("network {network} {}: {:.0} probes: {}", line.local, line.probes / stretch, line.reason);
            }
            for _ in 0..count {
                let chosen = plan.slot_of(0, draws.bits()).context("a plan with probes has slots")?;
                let at = slot.mul_f64(chosen as f64 + draws.unit());
                times.push((at, network));
            }
        }
        Ok(Self::sorted(times))
    }

    fn sorted(mut times: Vec<(Duration, usize)>) -> Self {
        times.sort_unstable();
        Self { times }
    }

    /// Sends at its times from `begun` on, and waits for the answers.
    pub fn run(&self, place: &Place, begun: Instant) -> Result<Answered> {
        let echo = place.far.run(|| UdpSocket::bind(("0.0.0.0", PORT)))?.context("cannot bind the hosts' port")?;
        let socket = place.near.run(|| UdpSocket::bind(("0.0.0.0", 0)))?.context("cannot bind a port")?;
        for one in [&echo, &socket] {
            one.set_read_timeout(Some(Duration::from_millis(50))).context("cannot set a socket up")?;
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| answer(&echo, &stop));
            let heard = scope.spawn(|| hear(&socket, &stop, begun, self.times.len()));
            let sent = self.send(&socket, begun);
            thread::sleep(PATIENCE);
            stop.store(true, Ordering::Relaxed);
            let heard = heard.join().map_err(|_| anyhow!("the thread that hears answers ended"))?;
            let sent = sent?;
            let delays = heard.into_iter().zip(&sent).map(|(heard, at)| heard.map(|heard| heard.saturating_sub(*at)));
            let delays = delays.map(|delay| delay.filter(|delay| *delay <= PATIENCE));
            let networks = self.times.iter().map(|(_, network)| *network);
            Ok(Answered {
                probes: sent.iter().copied().zip(networks).zip(delays).map(|((a, b), c)| (a, b, c)).collect(),
            })
        })
    }

    /// When each went, since the beginning.
    fn send(&self, socket: &UdpSocket, begun: Instant) -> Result<Vec<Duration>> {
        let mut sent = Vec::with_capacity(self.times.len());
        for (index, (at, network)) in self.times.iter().enumerate() {
            thread::sleep(at.saturating_sub(begun.elapsed()));
            let host = Place::host(*network, 2);
            let mut data = [0_u8; DATA];
            data[..4].copy_from_slice(&(index as u32).to_be_bytes());
            sent.push(begun.elapsed());
            socket.send_to(&data, SocketAddr::from((host, PORT))).context("cannot send a probe")?;
        }
        Ok(sent)
    }
}

/// Probes of a day to a network.
fn probes(network: usize, slot: Duration, share: f64) -> usize {
    let day_s = slot.as_secs_f64() * SLOTS as f64;
    (share * Place::rate_bits_s(network) * day_s / (WIRE_BYTES * 8.0)).round() as usize
}

/// What its kind tells of a network: the rate of its bottleneck. How loaded it is must be found out.
fn service(network: usize) -> ServiceTime {
    let service = ServiceTime::at_rate(Medium::Unknown, Place::rate_bits_s(network), 0.1, WIRE_BYTES);
    ServiceTime { idle_jitter_s: IDLE_JITTER_S, ..service }
}

/// 2026-11-16 00:00 UTC.
const MONDAY: UtcMicros = UtcMicros(1_794_787_200_000_000);

fn answer(echo: &UdpSocket, stop: &AtomicBool) {
    let mut data = [0_u8; 64];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, from)) = echo.recv_from(&mut data) {
            // A full queue drops it, as a network does.
            let _ = echo.send_to(&data[..length], from);
        }
    }
}

/// When each probe's answer came, since the beginning.
fn hear(socket: &UdpSocket, stop: &AtomicBool, begun: Instant, count: usize) -> Vec<Option<Duration>> {
    let mut heard = vec![None; count];
    let mut data = [0_u8; 64];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, _)) = socket.recv_from(&mut data) else { continue };
        let at = begun.elapsed();
        if length == DATA {
            let index = u32::from_be_bytes([data[0], data[1], data[2], data[3]]) as usize;
            if let Some(heard) = heard.get_mut(index) {
                heard.get_or_insert(at);
            }
        }
    }
    heard
}

impl Answered {
    /// Probes sent.
    pub fn sent(&self) -> u64 {
        self.probes.len() as u64
    }

    /// Probes answered in time.
    pub fn answered(&self) -> u64 {
        self.probes.iter().filter(|(_, _, delay)| delay.is_some()).count() as u64
    }

    /// Probes sent in each slot.
    pub fn by_slot(&self, slot: Duration) -> Vec<u64> {
        let mut by_slot = vec![0; SLOTS];
        for (at, _, _) in &self.probes {
            by_slot[((at.as_secs_f64() / slot.as_secs_f64()) as usize).min(SLOTS - 1)] += 1;
        }
        by_slot
    }

    /// What the answers of a Monday teach: compressed times are stretched to a day.
    fn profiles(&self, grid: DayGrid, slot: Duration, services: &[ServiceTime]) -> Learner {
        let config = LearnerConfig { grid, half_life_days: 7.0 };
        let mut learner = Learner::new(config, services, ClockGuard::new(MONDAY, 0));
        let answered = || self.probes.iter().filter_map(|(at, network, delay)| Some((at, *network, (*delay)?)));
        for network in 0..NETWORKS {
            let floor = answered().filter(|(_, of, _)| *of == network).map(|(_, _, delay)| delay).min();
            if let Some(floor) = floor {
                learner.set_floor(network as u32, floor.as_secs_f32());
            }
        }
        for (at, network, delay) in answered() {
            let since_us = (at.as_secs_f64() / slot.as_secs_f64() * grid.slot_s() * 1e6) as i64;
            learner.learn(&Answer {
                address: network as u32,
                network: network as u32,
                at: UtcMicros(MONDAY.0 + since_us),
                monotonic_ns: since_us as u64 * 1000,
                delay_s: delay.as_secs_f32(),
            });
        }
        learner
    }
}
