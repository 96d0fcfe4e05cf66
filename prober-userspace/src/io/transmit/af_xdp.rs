//! AF_XDP: frames in memory shared with the kernel, each holding a template that a probe only patches. Without copying
//! where the driver can; else the kernel copies each frame into a socket buffer, still past the whole stack.

mod ring;
mod sys;

use prober_common::slot::ProbeSlot;
use prober_common::stamp::Tick;

use super::{BATCH_MAX, Cadence, EngineKind, ProbeWriter, Transmit, TransmitConfig, TransmitError};
use crate::io::sys::monotonic_ns;
use ring::{FRAMES, Frame, FrameMemory};
use sys::XskSocket;

/// Probes stamped with one reading of the clock and handed over together.
const STAMPED_TOGETHER: usize = 32;
/// How long the device may keep all frames before the scan is given up, in ns.
const PATIENCE_NS: u64 = 5_000_000_000;

/// The engine.
pub struct AfXdp {
    socket: XskSocket,
    memory: FrameMemory,
    writer: ProbeWriter,
    free: Vec<Frame>,
    interface: String,
    queue: u32,
}

impl AfXdp {
    /// Opens a socket on the configured queue. Needs `CAP_NET_RAW`.
    pub fn open(config: &TransmitConfig) -> Result<Self, TransmitError> {
        let system = |operation| {
            move |cause| TransmitError::System {
                engine: EngineKind::AfXdp.name(),
                operation,
                interface: config.interface.clone(),
                cause,
            }
        };
        let mut memory = FrameMemory::new().map_err(system("reserve frame memory"))?;
        let free = memory.take_all();
        let socket = XskSocket::open(config.ifindex, config.queue, &memory).map_err(system("open an AF_XDP socket"))?;
        let writer = ProbeWriter::new(config.key, config.templates.clone(), FRAMES);
        Ok(Self { socket, memory, writer, free, interface: config.interface.clone(), queue: config.queue })
    }

    /// Sends the frames, equally long and not none, `count` times in all without writing anything meanwhile: the bare
    /// loop that measurements compare with.
    pub fn send_constant(&mut self, frames: &[Vec<u8>], count: usize) -> Result<(), TransmitError> {
        let len = frames.first().map_or(0, Vec::len);
        let free = std::mem::take(&mut self.free);
        for (token, frame) in free.iter().zip(frames.iter().cycle()) {
            self.memory.frame_mut(token)[..len].copy_from_slice(frame);
        }
        self.free = free;
        let mut left = count;
        while left > 0 {
            let batch = left.min(STAMPED_TOGETHER).min(self.free.len());
            for token in self.free.drain(self.free.len() - batch..) {
                self.socket.put(token, len);
            }
            self.socket.publish();
            self.kick()?;
            left -= batch;
        }
        Ok(())
    }

    /// Stamps, writes and hands over up to [`STAMPED_TOGETHER`] probes; returns how many found a free frame.
    fn submit(&mut self, probes: &[ProbeSlot]) -> usize {
        let now = Tick::at(monotonic_ns());
        let mut submitted = 0;
        for slot in probes.iter().take(STAMPED_TOGETHER) {
            let Some(frame) = self.free.pop() else { break };
            let len = self.writer.write(frame.index(), self.memory.frame_mut(&frame), *slot, now);
            self.socket.put(frame, len);
            submitted += 1;
        }
        self.socket.publish();
        submitted
    }

    /// Makes the kernel send, and takes back the frames that it is done with.
    fn kick(&mut self) -> Result<(), TransmitError> {
        self.socket.kick().map_err(|cause| TransmitError::System {
            engine: EngineKind::AfXdp.name(),
            operation: "send",
            interface: self.interface.clone(),
            cause,
        })?;
        self.socket.reclaim(&mut self.free);
        Ok(())
    }
}

impl Transmit for AfXdp {
    fn send(&mut self, probes: &[ProbeSlot], _cadence: Cadence) -> Result<(), TransmitError> {
        let mut left = probes;
        let mut last_progress_ns = monotonic_ns();
        // Frames in flight are bounded: the next ones are stamped only when these have left.
        while !left.is_empty() || self.free.len() + BATCH_MAX < FRAMES {
            let submitted = self.submit(left);
            left = &left[submitted..];
            let free = self.free.len();
            self.kick()?;
            let now_ns = monotonic_ns();
            if submitted > 0 || self.free.len() > free {
                last_progress_ns = now_ns;
            } else if now_ns - last_progress_ns > PATIENCE_NS {
                return Err(TransmitError::Stuck {
                    engine: EngineKind::AfXdp.name(),
                    interface: self.interface.clone(),
                    seconds: PATIENCE_NS / 1_000_000_000,
                });
            }
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let how = if self.socket.zero_copy() { "zero-copy" } else { "copy" };
        format!("{} on queue {} ({how} mode)", EngineKind::AfXdp.name(), self.queue)
    }
}
