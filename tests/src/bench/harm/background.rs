//! The traffic of others: TCP flows of the kernel, each offering what the hour demands; what does not fit is not made up
//! for later, as with a call or a picture.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::SLOTS;
use super::place::{NETWORKS, Place};
use crate::sys;

/// Flows of each network.
const FLOWS: usize = 3;
const PORT: u16 = 5001;
/// How often a flow offers data.
const TICK: Duration = Duration::from_millis(20);
/// Demand that may wait, s.
const PATIENCE_S: f64 = 0.3;
/// What a socket takes ahead, bytes: more would hide the loss.
const SEND_BUFFER: usize = 16 << 10;

/// What came through.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Bytes of all flows by slot.
    pub bytes_by_slot: Vec<u64>,
    /// TCP's smoothed round-trip times, sampled evenly.
    pub rtt_ms: Vec<f64>,
}

/// The flows of a day.
pub struct Background;

struct Shared {
    begun: Instant,
    slot: Duration,
    stop: AtomicBool,
    bytes: Vec<AtomicU64>,
}

impl Background {
    /// Lets a day of flows pass while `work` runs beside it; `work` is told when the day began.
    pub fn run<T: Send>(
        place: &Place,
        slot: Duration,
        work: impl FnOnce(Instant) -> Result<T> + Send,
    ) -> Result<(Carried, T)> {
        let listeners = place.far.run(listen)??;
        let pairs = place.near.run(|| connect(&listeners))??;
        let shared = Shared {
            begun: Instant::now(),
            slot,
            stop: AtomicBool::new(false),
            bytes: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        };
        let (rtt_ms, done) = thread::scope(|scope| {
            let shared = &shared;
            let mut senders = Vec::new();
            for (network, sender, receiver) in pairs {
                senders.push(scope.spawn(move || send(shared, network, sender)));
                scope.spawn(move || receive(shared, receiver));
            }
            let done = work(shared.begun);
            thread::sleep((shared.slot * SLOTS as u32).saturating_sub(shared.begun.elapsed()));
            shared.stop.store(true, Ordering::Relaxed);
            let rtts = senders.into_iter().map(|sender| sender.join().map_err(|_| anyhow!("a flow's thread ended")));
            (rtts.collect::<Result<Vec<Vec<f64>>>>(), done)
        });
        let bytes_by_slot = shared.bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed)).collect();
        Ok((Carried { bytes_by_slot, rtt_ms: rtt_ms?.concat() }, done?))
    }
}

impl Shared {
    /// The slot of now; the last one once the day is over.
    fn now(&self) -> usize {
        ((self.begun.elapsed().as_secs_f64() / self.slot.as_secs_f64()) as usize).min(SLOTS - 1)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.begun.elapsed() > self.slot * SLOTS as u32
    }
}

fn listen() -> Result<Vec<TcpListener>> {
    (0..NETWORKS)
        .map(|network| {
            TcpListener::bind(SocketAddr::from((Place::host(network, 2), PORT)))
                .with_context(|| format!("cannot listen in network {network}"))
        })
        .collect()
}

/// Network, sending end and receiving end of every flow. The receiving end is accepted by a socket of the other
/// namespace, so it lives there.
fn connect(listeners: &[TcpListener]) -> Result<Vec<(usize, TcpStream, TcpStream)>> {
    let mut pairs = Vec::new();
    for (network, listener) in listeners.iter().enumerate() {
        for _ in 0..FLOWS {
            let to = listener.local_addr().context("a listener has an address")?;
            let sender = TcpStream::connect_timeout(&to, Duration::from_secs(5))
                .with_context(|| format!("cannot connect in network {network}"))?;
            let (receiver, _) = listener.accept().context("cannot accept a flow")?;
            sender.set_nonblocking(true).context("cannot set a flow up")?;
            sender.set_nodelay(true).context("cannot set a flow up")?;
            sys::set_send_buffer(&sender, SEND_BUFFER).context("cannot set a flow up")?;
            receiver.set_read_timeout(Some(Duration::from_millis(100))).context("cannot set a flow up")?;
            pairs.push((network, sender, receiver));
        }
    }
    Ok(pairs)
}

/// Offers what the slot demands; returns the round-trip times seen.
fn send(shared: &Shared, network: usize, mut flow: TcpStream) -> Vec<f64> {
    let data = [0x5a_u8; 8192];
    let mut rtt_ms = Vec::new();
    let (mut owed, mut last) = (0.0_f64, Instant::now());
    while !shared.is_over() {
        let bytes_s = Place::demand(network, shared.now()) * Place::rate_bits_s(network) / 8.0 / FLOWS as f64;
        owed = (owed + last.elapsed().as_secs_f64() * bytes_s).min(bytes_s * PATIENCE_S);
        last = Instant::now();
        while owed >= 1.0 {
            match flow.write(&data[..(owed as usize).min(data.len())]) {
                Ok(written) => owed -= written as f64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The other end is gone: the day is over.
                Err(_) => return rtt_ms,
            }
        }
        if let Ok(rtt_us) = sys::tcp_rtt_us(&flow) {
            rtt_ms.push(f64::from(rtt_us) / 1e3);
        }
        thread::sleep(TICK);
    }
    rtt_ms
}

fn receive(shared: &Shared, mut flow: TcpStream) {
    let mut buffer = [0_u8; 16 << 10];
    while !shared.is_over() {
        match flow.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                shared.bytes[shared.now()].fetch_add(read as u64, Ordering::Relaxed);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}
