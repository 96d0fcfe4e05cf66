//! Live frames: user space fills a queue of targets, the XDP program writes, stamps and sends each probe from inside
//! `BPF_PROG_TEST_RUN`. No socket buffer is made and the stamp is the kernel's own, taken when the probe is written.

mod queue;
mod runner;

use std::sync::Arc;
use std::time::Duration;

use aya::Ebpf;
use prober_common::live::{LIVE_SLOTS, LiveMeta};
use prober_common::slot::ProbeSlot;

use super::{BATCH_MAX, Cadence, EngineKind, Transmit, TransmitConfig, TransmitError};
use crate::io::sys::monotonic_ns;
use queue::Queue;
use runner::{Call, Runner};

/// From this rate on the kernel runs all the time and spaces the probes itself; below, a call per small batch is cheap
/// enough, and the pacing is user space's alone.
const CONTINUOUS_FROM_PPS: f64 = 250_000.0;
/// Probes handed over together then.
const CHUNK: usize = 512;
/// Probes in the queue at most then: 2 ms at 2 M probes/s, which covers the sleep of whoever fills it.
const QUEUED_MAX: usize = LIVE_SLOTS / 2;
/// Sleep while the queue is full.
const FULL: Duration = Duration::from_micros(100);
/// How long the queue may stand still before the scan is given up, in ns.
const PATIENCE_NS: u64 = 5_000_000_000;

/// The engine.
pub struct LiveFrames {
    queue: Queue,
    call: Call,
    runner: Option<Runner>,
    interface: String,
}

impl LiveFrames {
    /// Uses the attached program's queue `config.queue`; the rules must hold the same pass. Needs `CAP_BPF`,
    /// `CAP_NET_ADMIN` and `CAP_PERFMON`.
    pub fn open(config: &TransmitConfig, object: Arc<Ebpf>, pass: u64) -> Result<Self, TransmitError> {
        let queue = Queue::map(&object, config.queue, config.key, config.senders)
            .map_err(|cause| failed("map the probe queue", &config.interface, cause))?;
        let frame_len = config.templates.iter().map(|template| usize::from(template.len)).max().unwrap_or(0);
        // Whole words are copied, and Ethernet's least length is kept.
        let frame_len = frame_len.next_multiple_of(8).max(64);
        let meta = LiveMeta { pass, queue: u64::from(config.queue) };
        let metadata = [meta.pass.to_ne_bytes(), meta.queue.to_ne_bytes()].concat();
        let call = Call::new(object, config, &metadata, frame_len);
        Ok(Self { queue, call, runner: None, interface: config.interface.clone() })
    }

    fn send_at_once(&mut self, probes: &[ProbeSlot]) -> Result<(), TransmitError> {
        // Whatever the runner still has goes first; then it ends, since a queue has one consumer.
        self.flush()?;
        self.runner = None;
        self.queue.space(0.0);
        for chunk in probes.chunks(LIVE_SLOTS) {
            self.queue.push(chunk);
            self.drain(chunk.len())?;
        }
        Ok(())
    }

    /// Sends by calls of our own until the queue is empty.
    fn drain(&mut self, probes: usize) -> Result<(), TransmitError> {
        let mut watch = Watch::new(&self.queue);
        while self.queue.waiting() > 0 {
            self.call.run(self.queue.waiting() as u32, probes)?;
            watch.look(&self.queue, &self.interface)?;
        }
        Ok(())
    }

    /// Waits until at most `most` probes are in the queue; the runner empties it.
    fn wait_for(&mut self, most: usize) -> Result<(), TransmitError> {
        let mut watch = Watch::new(&self.queue);
        while self.queue.waiting() > most as u64 {
            if let Some(error) = self.runner.as_ref().and_then(Runner::failure) {
                return Err(error);
            }
            std::thread::sleep(FULL);
            watch.look(&self.queue, &self.interface)?;
        }
        Ok(())
    }

    fn runner(&mut self) -> Result<&Runner, TransmitError> {
        if self.runner.is_none() {
            let runner = Runner::start(self.call.clone(), self.queue.state())
                .map_err(|cause| failed("start the sending thread", &self.interface, cause))?;
            self.runner = Some(runner);
        }
        Ok(self.runner.as_ref().expect("just made"))
    }
}

fn failed(operation: &'static str, interface: &str, cause: std::io::Error) -> TransmitError {
    TransmitError::System { engine: EngineKind::LiveFrames.name(), operation, interface: interface.to_owned(), cause }
}

/// Notices a queue that stands still.
struct Watch {
    consumed: u64,
    since_ns: u64,
}

impl Watch {
    fn new(queue: &Queue) -> Self {
        Self { consumed: queue.consumed(), since_ns: monotonic_ns() }
    }

    fn look(&mut self, queue: &Queue, interface: &str) -> Result<(), TransmitError> {
        let (consumed, now_ns) = (queue.consumed(), monotonic_ns());
        if consumed != self.consumed {
            *self = Self { consumed, since_ns: now_ns };
        } else if now_ns - self.since_ns > PATIENCE_NS {
            return Err(TransmitError::Stuck {
                engine: EngineKind::LiveFrames.name(),
                interface: interface.to_owned(),
                seconds: PATIENCE_NS / 1_000_000_000,
            });
        }
        Ok(())
    }
}

impl Transmit for LiveFrames {
    fn send(&mut self, probes: &[ProbeSlot], cadence: Cadence) -> Result<(), TransmitError> {
        let interval_ns = match cadence {
            Cadence::AtOnce => return self.send_at_once(probes),
            Cadence::Continuous => 0.0,
            Cadence::Spaced { interval_ns } => interval_ns,
        };
        self.queue.space(interval_ns);
        for chunk in probes.chunks(CHUNK) {
            self.wait_for(QUEUED_MAX - CHUNK)?;
            self.queue.push(chunk);
            self.runner()?.wake();
        }
        Ok(())
    }

    fn batch(&self, rate_pps: f64) -> usize {
        if rate_pps >= CONTINUOUS_FROM_PPS { CHUNK } else { BATCH_MAX }
    }

    fn unsent(&self) -> usize {
        self.queue.waiting() as usize
    }

    fn flush(&mut self) -> Result<(), TransmitError> {
        self.wait_for(0)
    }

    fn give_up(&mut self) {
        // First: a queue has one consumer, which must not run while it is emptied.
        self.runner = None;
        self.queue.discard();
    }

    fn describe(&self) -> String {
        format!("{}: the kernel writes, stamps and sends", EngineKind::LiveFrames.name())
    }
}
