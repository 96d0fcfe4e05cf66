//! The emulated world: a thread at the far side that answers for a seeded population, each answer after its own delay,
//! and writes down what it did. The filter in XDP tells it who was probed, and when.

mod answer;
pub mod country;
pub mod delay;
pub mod host;
mod phrases;
pub mod record;
mod service;
mod wheel;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use aya::maps::{MapData, RingBuf};
use prober_common::lab::Arrival;
use serde::{Deserialize, Serialize};

use crate::{frame::Received, namespace::Namespace, sys, wire};
use answer::Answer;
pub use answer::Habits;
use country::LivingCountry;
use record::{Record, Recorder};
use wheel::Wheel;

/// How the world behaves.
#[derive(Clone, Debug, Default)]
pub struct WorldConfig {
    /// What differs from the population's own ways.
    pub habits: Habits,
    /// Answers for this country instead of the population.
    pub country: Option<Arc<LivingCountry>>,
    /// How often each answer is sent again, unchanged, 20 ms apart.
    pub replays: u8,
    /// The file of [`Record`]s; none are kept without.
    pub records: Option<PathBuf>,
}

/// What the world did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldCounts {
    /// Frames from the ring.
    pub arrivals: u64,
    /// Frames that were no probes: RSTs, answers.
    pub not_probes: u64,
    /// Probes to filtered ports.
    pub filtered: u64,
    /// Probes or answers lost on purpose.
    pub lost: u64,
    /// Datagrams that the service does not understand.
    pub not_understood: u64,
    /// First answers sent.
    pub answered: u64,
    /// Duplicates and replays sent.
    pub repeated: u64,
    /// Answers that the kernel refused to send.
    pub send_failed: u64,
    /// Answers whose time has not come.
    pub pending: u64,
}

/// A running world; it stops when dropped.
pub struct World {
    thread: Option<JoinHandle<Result<()>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    counters: [AtomicU64; 9],
}

/// The order of [`Shared::counters`].
#[derive(Clone, Copy)]
enum Count {
    Arrivals,
    NotProbes,
    Filtered,
    Lost,
    NotUnderstood,
    Answered,
    Repeated,
    SendFailed,
    Pending,
}

impl Shared {
    fn add(&self, count: Count) {
        self.counters[count as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl World {
    /// Starts it in `namespace`, fed by the ring of the filter there.
    pub fn start(namespace: &Namespace, ring: RingBuf<MapData>, seed: u64, config: &WorldConfig) -> Result<Self> {
        let open = || sys::FrameSocket::open(sys::interface_index(wire::FAR)?, 0, false);
        let socket = namespace.run(open)?.context("cannot open the world's packet socket")?;
        let recorder = match &config.records {
            Some(path) => Some(Recorder::create(path).with_context(|| format!("cannot write {}", path.display()))?),
            None => None,
        };
        let shared = Arc::new(Shared::default());
        let inhabitants = Inhabitants {
            seed,
            habits: config.habits,
            country: config.country.clone(),
            replays: config.replays,
            ring,
            socket,
            recorder,
            wheel: Wheel::new(sys::monotonic_ns()),
            frame: Vec::with_capacity(512),
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new().name("world".into()).spawn(move || inhabitants.live())?;
        Ok(Self { thread: Some(thread), shared })
    }

    /// What it did so far.
    pub fn counts(&self) -> WorldCounts {
        let [arrivals, not_probes, filtered, lost, not_understood, answered, repeated, send_failed, pending] =
            std::array::from_fn(|i| self.shared.counters[i].load(Ordering::Relaxed));
        WorldCounts { arrivals, not_probes, filtered, lost, not_understood, answered, repeated, send_failed, pending }
    }

    /// Stops it; answers whose time has not come are not given. The file of records is complete when this returns.
    pub fn stop(mut self) -> Result<WorldCounts> {
        self.end()?;
        Ok(self.counts())
    }

    fn end(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(Ok(()), |thread| thread.join().map_err(|_| anyhow!("the world's thread panicked"))?)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            log::error!("the emulated world: {error:#}");
        }
    }
}

/// An answer that waits for its time, with the probe it answers.
struct Pending {
    arrival: Arrival,
    answer: Answer,
    copy: u8,
}

struct Inhabitants {
    seed: u64,
    habits: Habits,
    country: Option<Arc<LivingCountry>>,
    replays: u8,
    ring: RingBuf<MapData>,
    socket: sys::FrameSocket,
    recorder: Option<Recorder>,
    wheel: Wheel<Pending>,
    frame: Vec<u8>,
    shared: Arc<Shared>,
}

impl Inhabitants {
    /// Frames taken and answers given before the other is looked after again.
    const BATCH: usize = 64;
    /// Rounds without work until the records are written out.
    const QUIET_ROUNDS: u32 = 2_000;

    fn live(mut self) -> Result<()> {
        sys::sleep_precisely();
        let mut quiet = 0;
        while !self.shared.stop.load(Ordering::Relaxed) {
            let heard = self.listen();
            let spoken = self.speak()?;
            self.shared.counters[Count::Pending as usize].store(self.wheel.len() as u64, Ordering::Relaxed);
            if heard + spoken > 0 {
                quiet = 0;
                continue;
            }
            quiet += 1;
            if quiet == Self::QUIET_ROUNDS {
                self.write_out()?;
            }
            thread::sleep(Duration::from_micros(if self.wheel.is_empty() { 200 } else { 30 }));
        }
        self.write_out()
    }

    fn listen(&mut self) -> usize {
        for heard in 0..Self::BATCH {
            let Some(item) = self.ring.next() else { return heard };
            let arrival = sys::read_arrival(&item);
            drop(item);
            if let Some(arrival) = arrival {
                self.consider(arrival);
            }
        }
        Self::BATCH
    }

    fn consider(&mut self, arrival: Arrival) {
        self.shared.add(Count::Arrivals);
        let Some(probe) = received(&arrival) else { return self.shared.add(Count::NotProbes) };
        let planned = match &self.country {
            Some(country) => country.plan(&probe, arrival.at_ns),
            None => answer::plan(self.seed, &self.habits, &probe),
        };
        match planned {
            Ok(answer) => {
                self.wheel.insert(arrival.at_ns + answer.delay_ns, Pending { arrival, answer, copy: 0 });
            }
            Err(answer::Silence::NotAProbe) => self.shared.add(Count::NotProbes),
            Err(answer::Silence::Filtered) => self.shared.add(Count::Filtered),
            Err(answer::Silence::Lost) => self.shared.add(Count::Lost),
        }
    }

    fn speak(&mut self) -> Result<usize> {
        for spoken in 0..Self::BATCH {
            let Some((due_ns, pending)) = self.wheel.pop_due(sys::monotonic_ns()) else { return Ok(spoken) };
            self.give(due_ns, pending)?;
        }
        Ok(Self::BATCH)
    }

    fn give(&mut self, due_ns: u64, Pending { arrival, answer, copy }: Pending) -> Result<()> {
        let Some(probe) = received(&arrival) else { return Ok(()) };
        let phrase = self.country.as_ref().map_or(&[][..], |country| country.phrase(answer.reply));
        if answer::write(&mut self.frame, &answer, &probe, arrival.at_ns, phrase).is_none() {
            self.shared.add(Count::NotUnderstood);
            return Ok(());
        }
        let answer_ns = sys::monotonic_ns();
        if self.socket.send(&self.frame).is_err() {
            self.shared.add(Count::SendFailed);
            return Ok(());
        }
        self.shared.add(if copy == 0 { Count::Answered } else { Count::Repeated });
        if let Some(recorder) = &mut self.recorder {
            let record: Record = answer::record(&answer, &probe, arrival.at_ns, answer_ns, copy);
            recorder.write(&record).context("cannot write the world's records")?;
        }
        if copy == 0 {
            if let Some(after_ns) = answer.duplicate_ns {
                self.wheel.insert(due_ns + after_ns, Pending { arrival, answer, copy: 1 });
            }
            for replay in 1..=self.replays {
                let at_ns = due_ns + u64::from(replay) * 20_000_000;
                self.wheel.insert(at_ns, Pending { arrival, answer, copy: replay.saturating_add(1) });
            }
        }
        Ok(())
    }

    fn write_out(&mut self) -> Result<()> {
        self.recorder.as_mut().map_or(Ok(()), Recorder::flush).context("cannot write the world's records")
    }
}

fn received(arrival: &Arrival) -> Option<Received<'_>> {
    Received::parse(arrival.data.get(..arrival.captured as usize)?)
}
