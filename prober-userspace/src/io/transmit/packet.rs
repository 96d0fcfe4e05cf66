//! AF_PACKET: batches of frames through `sendmmsg`, past the queueing discipline. Works with every driver.

mod sys;

use prober_common::slot::ProbeSlot;
use prober_common::stamp::Tick;

use super::{BATCH_MAX, Cadence, EngineKind, ProbeWriter, Transmit, TransmitConfig, TransmitError};
use crate::io::sys::monotonic_ns;
use sys::{Batch, FRAME_LEN, PacketSocket};

/// How long the device may refuse frames before the scan is given up, in ns.
const PATIENCE_NS: u64 = 5_000_000_000;

/// The engine.
pub struct Packet {
    socket: PacketSocket,
    writer: ProbeWriter,
    batch: Batch,
    interface: String,
}

impl Packet {
    /// Opens the socket. Needs `CAP_NET_RAW`.
    pub fn open(config: &TransmitConfig) -> Result<Self, TransmitError> {
        let socket = PacketSocket::open(config.ifindex).map_err(|cause| TransmitError::System {
            engine: EngineKind::Packet.name(),
            operation: "open a packet socket",
            interface: config.interface.clone(),
            cause,
        })?;
        Ok(Self {
            socket,
            writer: ProbeWriter::new(config.key, config.templates.clone(), BATCH_MAX),
            batch: Batch::new(BATCH_MAX),
            interface: config.interface.clone(),
        })
    }

    fn send_batch(&mut self, probes: &[ProbeSlot]) -> Result<(), TransmitError> {
        let now = Tick::at(monotonic_ns());
        for (frame, slot) in probes.iter().enumerate() {
            let len = self.writer.write(frame, self.batch.frame_mut(frame), *slot, now);
            self.batch.set_len(frame, len);
        }
        let mut sent = 0;
        let mut refused_since_ns = None;
        while sent < probes.len() {
            match self.socket.send(&mut self.batch, sent, probes.len()) {
                Ok(count) => {
                    sent += count;
                    refused_since_ns = None;
                }
                Err(cause) if is_full(&cause) => wait(&mut refused_since_ns, &self.interface)?,
                Err(cause) => {
                    return Err(TransmitError::System {
                        engine: EngineKind::Packet.name(),
                        operation: "send",
                        interface: self.interface.clone(),
                        cause,
                    });
                }
            }
        }
        Ok(())
    }
}

fn is_full(cause: &std::io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR))
}

fn wait(refused_since_ns: &mut Option<u64>, interface: &str) -> Result<(), TransmitError> {
    let now_ns = monotonic_ns();
    let since_ns = *refused_since_ns.get_or_insert(now_ns);
    if now_ns - since_ns > PATIENCE_NS {
        return Err(TransmitError::Stuck {
            engine: EngineKind::Packet.name(),
            interface: interface.to_owned(),
            seconds: PATIENCE_NS / 1_000_000_000,
        });
    }
    std::thread::yield_now();
    Ok(())
}

impl Transmit for Packet {
    fn send(&mut self, probes: &[ProbeSlot], _cadence: Cadence) -> Result<(), TransmitError> {
        probes.chunks(BATCH_MAX).try_for_each(|batch| self.send_batch(batch))
    }

    fn describe(&self) -> String {
        format!("{}: batches of {BATCH_MAX} frames of at most {FRAME_LEN} bytes", EngineKind::Packet.name())
    }
}
