//! Live frames: user space fills a queue of targets, the XDP program writes, stamps and sends each probe from inside
//! `BPF_PROG_TEST_RUN`. No socket buffer is made and the stamp is the kernel's own, taken when the probe is written.

mod queue;

use std::sync::Arc;

use aya::programs::{TestRunAttrs, TestRunOptions, Xdp};
use aya::{Ebpf, TestRun};
use prober_common::live::{LIVE_SLOTS, LiveMeta};
use prober_common::slot::ProbeSlot;

use super::{BATCH_MAX, EngineKind, Transmit, TransmitConfig, TransmitError};
use crate::io::sys::monotonic_ns;
pub use queue::Queue;

/// A call of the kernel costs about 20 us before its first frame, so at high rates a call gets this many probes and the
/// program spaces them. At 1 M probes/s that is half a millisecond.
const SPACED_MAX: usize = 512;
/// Probes per call without a limit of the rate: the call's own cost is then a hundredth of theirs.
const UNSPACED_MAX: usize = 4096;
/// Below this rate a call per small batch is cheap enough, and the pacing is user space's alone.
const SPACED_FROM_PPS: f64 = 250_000.0;
/// Runs per call: an upper bound on how long the kernel keeps us.
const REPEAT_MAX: u32 = 16_384;
/// How long the queue may stand still before the scan is given up, in ns.
const PATIENCE_NS: u64 = 5_000_000_000;

/// The engine.
pub struct LiveFrames {
    object: Arc<Ebpf>,
    queue: Queue,
    interface: String,
    /// Metadata, then room for the longest frame.
    data: Vec<u8>,
    context: [u8; CONTEXT_LEN],
}

/// `struct xdp_md`: data, `data_end`, `data_meta`, `ingress_ifindex`, `rx_queue_index`, `egress_ifindex`.
const CONTEXT_LEN: usize = 24;

impl LiveFrames {
    /// Uses the attached program's queue `config.queue`; the rules must hold the same pass. Needs `CAP_BPF`,
    /// `CAP_NET_ADMIN` and `CAP_PERFMON`.
    pub fn open(config: &TransmitConfig, object: Arc<Ebpf>, pass: u64) -> Result<Self, TransmitError> {
        let queue =
            Queue::map(&object, config.queue, config.key, config.senders).map_err(|cause| TransmitError::System {
                engine: EngineKind::LiveFrames.name(),
                operation: "map the probe queue",
                interface: config.interface.clone(),
                cause,
            })?;
        let frame_len = config.templates.iter().map(|template| usize::from(template.len)).max().unwrap_or(0);
        // Whole words are copied, and Ethernet's least length is kept.
        let frame_len = frame_len.next_multiple_of(8).max(64);
        let meta = LiveMeta { pass, queue: u64::from(config.queue) };
        let mut data = Vec::with_capacity(size_of::<LiveMeta>() + frame_len);
        data.extend_from_slice(&meta.pass.to_ne_bytes());
        data.extend_from_slice(&meta.queue.to_ne_bytes());
        data.resize(size_of::<LiveMeta>() + frame_len, 0);
        let mut context = [0; CONTEXT_LEN];
        context[0..4].copy_from_slice(&(size_of::<LiveMeta>() as u32).to_ne_bytes());
        context[4..8].copy_from_slice(&(data.len() as u32).to_ne_bytes());
        context[12..16].copy_from_slice(&config.ifindex.to_ne_bytes());
        Ok(Self { object, queue, interface: config.interface.clone(), data, context })
    }

    /// Runs the program until the queue is empty.
    fn drain(&mut self, probes: usize, spaced: bool) -> Result<(), TransmitError> {
        let mut last = (self.queue.consumed(), monotonic_ns());
        loop {
            let left = self.queue.waiting();
            if left == 0 {
                return Ok(());
            }
            // Spaced probes need idle runs in between: about 50 ns each.
            let repeat = if spaced { (left * 4).max(256) } else { left };
            self.run(repeat.min(u64::from(REPEAT_MAX)) as u32, probes)?;
            let consumed = self.queue.consumed();
            let now_ns = monotonic_ns();
            if consumed != last.0 {
                last = (consumed, now_ns);
            } else if now_ns - last.1 > PATIENCE_NS {
                return Err(TransmitError::Stuck {
                    engine: EngineKind::LiveFrames.name(),
                    interface: self.interface.clone(),
                    seconds: PATIENCE_NS / 1_000_000_000,
                });
            }
        }
    }

    fn run(&self, repeat: u32, probes: usize) -> Result<(), TransmitError> {
        let program: &Xdp = self
            .object
            .program("prober")
            .and_then(|program| program.try_into().ok())
            .expect("the attached object has this program");
        let mut options = TestRunOptions::new();
        options.data_in = Some(&self.data);
        options.ctx_in = Some(&self.context);
        options.repeat = repeat;
        options.attrs = TestRunAttrs::new().xdp_live_frames(probes.min(BATCH_MAX) as u32);
        match program.test_run(options) {
            Ok(_) => Ok(()),
            Err(error) => match system_error(&error) {
                // A signal: the caller looks whether it was told to stop. ENOMEM passes with the pages in flight.
                Some(libc::EINTR | libc::EAGAIN | libc::ENOMEM) => Ok(()),
                code => Err(TransmitError::System {
                    engine: EngineKind::LiveFrames.name(),
                    operation: "run the sending program",
                    interface: self.interface.clone(),
                    cause: code
                        .map_or_else(|| std::io::Error::other(error.to_string()), std::io::Error::from_raw_os_error),
                }),
            },
        }
    }
}

fn system_error(error: &(dyn std::error::Error + 'static)) -> Option<i32> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.raw_os_error();
        }
        source = error.source();
    }
    None
}

impl Transmit for LiveFrames {
    fn send(&mut self, probes: &[ProbeSlot], interval_ns: f64) -> Result<(), TransmitError> {
        let spaced = interval_ns > 0.0 && probes.len() > BATCH_MAX;
        for chunk in probes.chunks(LIVE_SLOTS) {
            self.queue.space(if spaced { interval_ns } else { 0.0 });
            self.queue.push(chunk);
            self.drain(chunk.len(), spaced)?;
        }
        Ok(())
    }

    fn batch(&self, rate_pps: f64) -> usize {
        match rate_pps {
            f64::INFINITY => UNSPACED_MAX,
            rate if rate >= SPACED_FROM_PPS => SPACED_MAX,
            _ => BATCH_MAX,
        }
    }

    fn describe(&self) -> String {
        format!("{}: the kernel writes, stamps and sends", EngineKind::LiveFrames.name())
    }
}
