//! The receive program on an interface: loaded, attached native or generic, its counters and its ring of accepted
//! replies. It is attached through a link that the kernel drops with the process, so it detaches however that ends.

use std::sync::Arc;

use aya::maps::{MapData, PerCpuArray, RingBuf};
use aya::programs::{ProgramError, Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};
use prober_common::counter::Counter;
use prober_common::event::ReplyEvent;
use prober_common::rules::{FLAG_LOG, Rules};
use prober_common::template::Template;
use serde::Serialize;

use super::bpf::{self, OBJECT};
use super::privileges;

/// How often the program's log is looked at.
const LOG_EVERY: std::time::Duration = std::time::Duration::from_millis(50);

/// How the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In the driver, before a socket buffer is made.
    Native,
    /// In the network stack, for drivers without XDP: slower, the same verdicts.
    Generic,
}

impl Mode {
    /// The name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

/// What to load.
#[derive(Clone, Debug)]
pub struct XdpConfig {
    /// Interface to attach to.
    pub ifindex: u32,
    /// Its name, for messages.
    pub interface: String,
    /// The scan's rules.
    pub rules: Rules,
    /// Size of the reply ring in bytes, a power of two and at least a page.
    pub ring_bytes: u32,
    /// Frames of the live program; at most [`prober_common::template::TEMPLATES_MAX`].
    pub templates: Vec<Template>,
    /// Queues of the live program.
    pub live_queues: u32,
    /// Attach generic without trying native.
    pub force_generic: bool,
}

/// Why the program is not attached.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    /// The kernel refused the object.
    #[error("cannot load the XDP program: {0}; `prober doctor` tells what this kernel lacks")]
    Load(String),
    /// A program sits there already.
    #[error(
        "interface {0} already runs an XDP program: another prober, or other software; end it, or see `ip link show {0}`"
    )]
    Busy(String),
    /// Neither native nor generic.
    #[error("cannot attach the XDP program to {interface}: {cause}")]
    Attach {
        /// The interface.
        interface: String,
        /// What the kernel said.
        cause: String,
    },
}

/// An attached program.
pub struct Attached {
    /// How it is attached.
    pub mode: Mode,
    /// Why it is not attached native, if it is not.
    pub fallback: Option<String>,
    /// To which interface.
    pub interface: String,
    /// The loaded object; holds the link.
    pub object: Arc<Ebpf>,
    /// Counters.
    pub counters: Counters,
    /// Accepted replies.
    pub replies: ReplyRing,
}

/// Loads and attaches the program. Needs `CAP_BPF`, `CAP_PERFMON` and `CAP_NET_ADMIN`.
pub fn attach(config: &XdpConfig) -> Result<Attached, XdpError> {
    let mut object = EbpfLoader::new()
        .map_max_entries("EVENTS", config.ring_bytes)
        .map_max_entries("LIVE", config.live_queues.max(1))
        .load(OBJECT)
        .map_err(load_error)?;
    fill(&mut object, config).map_err(load_error)?;
    let (mode, fallback) = attach_program(&mut object, config)?;
    if config.rules.flags & FLAG_LOG != 0 {
        follow_log(&mut object);
    }
    let counters = take(&mut object, "COUNTERS", PerCpuArray::try_from)?;
    let replies = take(&mut object, "EVENTS", RingBuf::try_from)?;
    Ok(Attached {
        mode,
        fallback,
        interface: config.interface.clone(),
        counters: Counters { map: counters },
        replies: ReplyRing { ring: replies },
        object: Arc::new(object),
    })
}

fn fill(object: &mut Ebpf, config: &XdpConfig) -> Result<(), aya::maps::MapError> {
    let rules = object.map_mut("RULES").expect("the object has this map");
    bpf::set(rules, 0, config.rules)?;
    let templates = object.map_mut("TEMPLATES").expect("the object has this map");
    for (index, template) in (0..).zip(&config.templates) {
        bpf::set(templates, index, *template)?;
    }
    Ok(())
}

fn attach_program(object: &mut Ebpf, config: &XdpConfig) -> Result<(Mode, Option<String>), XdpError> {
    let program: &mut Xdp = object
        .program_mut("prober")
        .expect("the object has this program")
        .try_into()
        .map_err(load_error::<ProgramError>)?;
    program.load().map_err(load_error)?;
    let mut fallback = None;
    if !config.force_generic {
        match program.attach_to_if_index(config.ifindex, XdpMode::Driver) {
            Ok(_) => return Ok((Mode::Native, None)),
            Err(error) if is_busy(&error) => return Err(XdpError::Busy(config.interface.clone())),
            Err(error) => fallback = Some(chain(&error)),
        }
    }
    match program.attach_to_if_index(config.ifindex, XdpMode::Skb) {
        Ok(_) => Ok((Mode::Generic, fallback)),
        Err(error) if is_busy(&error) => Err(XdpError::Busy(config.interface.clone())),
        Err(error) => Err(XdpError::Attach { interface: config.interface.clone(), cause: chain(&error) }),
    }
}

/// Prints what the program logs, for debugging, as long as the process lives. After loading: it takes the log's map.
fn follow_log(object: &mut Ebpf) {
    match aya_log::EbpfLogger::init(object) {
        Ok(mut logger) => {
            let follow = move || {
                if let Err(error) = privileges::drop_all_but(&[]) {
                    log::warn!("following the XDP program's log: {error}");
                }
                loop {
                    logger.flush();
                    std::thread::sleep(LOG_EVERY);
                }
            };
            if let Err(error) = std::thread::Builder::new().name("bpf-log".to_owned()).spawn(follow) {
                log::warn!("cannot follow the XDP program's log: {error}");
            }
        }
        Err(error) => log::warn!("the XDP program's log is not available: {error}"),
    }
}

fn take<T>(
    object: &mut Ebpf,
    name: &str,
    convert: impl FnOnce(aya::maps::Map) -> Result<T, aya::maps::MapError>,
) -> Result<T, XdpError> {
    convert(object.take_map(name).expect("the object has this map")).map_err(load_error)
}

fn is_busy(error: &ProgramError) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return matches!(io.raw_os_error(), Some(libc::EBUSY | libc::EEXIST));
        }
        source = error.source();
    }
    false
}

fn load_error<E: std::error::Error>(error: E) -> XdpError {
    XdpError::Load(chain(&error))
}

/// An error and its causes in one line: the verifier's log, which has many, is cut at its end.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.lines().next().unwrap_or_default().to_owned()
}

/// The kernel's counters, summed over CPUs.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
}

impl Counters {
    /// All counters, indexed by [`Counter`]. One system call each.
    pub fn read(&self) -> [u64; Counter::COUNT] {
        // An index inside the map cannot fail; a failure reads as zero rather than ending the scan.
        std::array::from_fn(|index| self.map.get(&(index as u32), 0).map_or(0, |per_cpu| per_cpu.iter().sum()))
    }
}

/// The ring of accepted replies, polled: the kernel wakes nobody.
pub struct ReplyRing {
    ring: RingBuf<MapData>,
}

impl ReplyRing {
    /// The next reply, if there is one. No system call.
    #[inline]
    pub fn take(&mut self) -> Option<ReplyEvent> {
        let item = self.ring.next()?;
        Some(event::decode(&item))
    }
}

mod event {
    //! Bytes of the ring back into the event, field by field in the order of its declaration.

    use prober_common::address::V4;
    use prober_common::event::ReplyEvent;

    pub(super) fn decode(bytes: &[u8]) -> ReplyEvent {
        let Some(bytes) = bytes.first_chunk::<{ size_of::<ReplyEvent>() }>() else { return ReplyEvent::default() };
        let u64_at = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u32_at = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u16_at = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        ReplyEvent {
            received_ns: u64_at(0),
            rtt_ns: u64_at(8),
            target: V4(u32_at(16)),
            responder: V4(u32_at(20)),
            port: u16_at(24),
            detail: u16_at(26),
            kind: bytes[28],
            probe: bytes[29],
            ttl: bytes[30],
            quoted_ttl: bytes[31],
        }
    }
}
