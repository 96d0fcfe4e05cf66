//! The kernel's side of live frames: running the sending program, once for a small batch or over and over in a thread of
//! its own.
//!
//! A call of the kernel takes about 100 us before its first frame and after its last. At high rates that would be a gap
//! between every two batches, so there a thread calls with many runs at once while another fills the queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread};

use aya::programs::{TestRunAttrs, TestRunOptions, Xdp};
use aya::{Ebpf, TestRun};

use super::queue::QueueState;
use crate::io::transmit::{BATCH_MAX, EngineKind, TransmitConfig, TransmitError};

/// Runs per call of the thread, the most that the kernel takes: 0.2 s when probes are spaced, 0.1 s with an empty queue.
const RUNS_PER_CALL: u32 = 1 << 20;

/// One call of the kernel.
#[derive(Clone)]
pub struct Call {
    object: Arc<Ebpf>,
    interface: String,
    /// Metadata, then room for the longest frame.
    data: Vec<u8>,
    context: [u8; CONTEXT_LEN],
}

/// `struct xdp_md`: data, `data_end`, `data_meta`, `ingress_ifindex`, `rx_queue_index`, `egress_ifindex`.
const CONTEXT_LEN: usize = 24;

impl Call {
    /// Calls of the attached program for an interface; each frame has `metadata` in front and is `frame_len` long.
    pub fn new(object: Arc<Ebpf>, config: &TransmitConfig, metadata: &[u8], frame_len: usize) -> Self {
        let mut data = metadata.to_vec();
        data.resize(metadata.len() + frame_len, 0);
        let mut context = [0; CONTEXT_LEN];
        context[0..4].copy_from_slice(&(metadata.len() as u32).to_ne_bytes());
        context[4..8].copy_from_slice(&(data.len() as u32).to_ne_bytes());
        context[12..16].copy_from_slice(&config.ifindex.to_ne_bytes());
        Self { object, interface: config.interface.clone(), data, context }
    }

    /// Runs the program `repeat` times, frames going out `batch` at a time.
    pub fn run(&self, repeat: u32, batch: usize) -> Result<(), TransmitError> {
        let program: &Xdp = self
            .object
            .program("prober")
            .and_then(|program| program.try_into().ok())
            .expect("the attached object has this program");
        let mut options = TestRunOptions::new();
        options.data_in = Some(&self.data);
        options.ctx_in = Some(&self.context);
        options.repeat = repeat;
        options.attrs = TestRunAttrs::new().xdp_live_frames(batch.min(BATCH_MAX) as u32);
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

/// The thread. It sleeps while the queue stays empty, and ends when this is dropped.
pub struct Runner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    failure: Mutex<Option<TransmitError>>,
}

impl Runner {
    /// Starts it.
    pub fn start(call: Call, queue: QueueState) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("live".to_owned()).spawn(move || own.run(&call, &queue))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// There is something in the queue.
    pub fn wake(&self) {
        self.handle().unpark();
    }

    /// Why it has ended, once.
    pub fn failure(&self) -> Option<TransmitError> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn handle(&self) -> &Thread {
        self.thread.as_ref().expect("there until dropped").thread()
    }
}

impl Shared {
    fn run(&self, call: &Call, queue: &QueueState) {
        while !self.stop.load(Ordering::Relaxed) {
            let before = queue.produced();
            if let Err(error) = call.run(RUNS_PER_CALL, BATCH_MAX) {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
            // A wake-up in between makes the next `park` return at once.
            while queue.waiting() == 0 && queue.produced() == before && !self.stop.load(Ordering::Relaxed) {
                std::thread::park();
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // Its failure, if any, was reported to whoever sent.
            let _ = thread.join();
        }
    }
}
