//! Opening what a scan needs: templates, the XDP program, the transmit engines - and choosing the engine.

use std::sync::Arc;

use aya::Ebpf;
use caps::Capability;
use prober_common::cookie::Key;
use prober_common::event::ProbeKind;
use prober_common::probe::{icmp_echo, tcp_syn, udp};
use prober_common::rules::{FLAG_LOG, FLAG_RST_BY_XDP, Rules};
use prober_common::slot::ProbeSlot;
use prober_common::stamp::WINDOW_TICKS;
use prober_common::template::{Path, Template};

use crate::io::privileges;
use crate::io::transmit::af_xdp::AfXdp;
use crate::io::transmit::live_frames::LiveFrames;
use crate::io::transmit::packet::Packet;
use crate::io::transmit::{EngineKind, Transmit, TransmitConfig, TransmitError};
use crate::io::xdp::{Attached, Mode, XdpConfig, XdpError, attach};
use crate::model::link::Link;
use crate::model::request::{EngineChoice, ProbeStyle};
use crate::target::ports::ProbePort;

/// Room for accepted replies in the kernel: 400 k of them, several seconds of what a veth or 1 GbE brings.
const RING_BYTES: u32 = 1 << 24;
/// Most sending threads.
const SENDERS_MAX: u32 = 16;

/// Nothing can be sent to this port.
#[derive(Debug, thiserror::Error)]
#[error(
    "no UDP probe for port {0}: only services that repeat a token can be probed without a table ({known}); leave \
     the port out, or grab its banner instead", known = known_udp_ports()
)]
pub struct NoProbe(u16);

fn known_udp_ports() -> String {
    udp::Protocol::PORTS.map(|port| port.to_string()).join(", ")
}

/// Whether there is a probe for each port.
pub fn check_ports(ports: &[ProbePort]) -> Result<(), NoProbe> {
    let impossible = |port: &&ProbePort| port.kind == ProbeKind::Udp && udp::Protocol::for_port(port.port).is_none();
    ports.iter().find(impossible).map_or(Ok(()), |port| Err(NoProbe(port.port)))
}

/// The templates that a plan needs, and which of them each probe gets.
#[derive(Clone, Debug, Default)]
pub struct TemplateSet {
    templates: Vec<Template>,
    tcp: u8,
    icmp: u8,
    udp: [u8; udp::Protocol::ALL.len()],
}

impl TemplateSet {
    /// For these ports; `style` says with which options.
    pub fn new(link: &Link, style: &ProbeStyle, ports: &[ProbePort]) -> Result<Self, NoProbe> {
        let path = Path {
            source_mac: link.source_mac.0,
            gateway_mac: link.gateway_mac.0,
            vlan: link.vlan,
            source: link.source,
            ttl: style.ttl,
        };
        let mut set = Self::default();
        let uses = |kind| ports.iter().any(|port| port.kind == kind);
        if uses(ProbeKind::TcpSyn) {
            set.tcp = set.add(tcp_syn::template(&path, style.profile));
        }
        if uses(ProbeKind::IcmpEcho) {
            set.icmp = set.add(icmp_echo::template(&path, style.contact.as_bytes()));
        }
        for port in ports.iter().filter(|port| port.kind == ProbeKind::Udp) {
            let protocol = udp::Protocol::for_port(port.port).ok_or(NoProbe(port.port))?;
            set.udp[protocol as usize] = set.add(udp::template(&path, protocol));
        }
        Ok(set)
    }

    fn add(&mut self, template: Option<Template>) -> u8 {
        let template = template.expect("every template fits, as their tests show");
        self.templates.push(template);
        self.templates.len() as u8 - 1
    }

    /// The template of a probe of this plan.
    #[inline]
    pub fn index_of(&self, slot: ProbeSlot) -> u8 {
        match ProbeKind::from_code(slot.probe) {
            Some(ProbeKind::IcmpEcho) => self.icmp,
            Some(ProbeKind::Udp) => {
                udp::Protocol::for_port(slot.port).map_or(0, |protocol| self.udp[protocol as usize])
            }
            Some(ProbeKind::TcpSyn) | None => self.tcp,
        }
    }

    /// The templates, by index.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Mean length of a frame, for rates in bits per second.
    pub fn mean_len(&self) -> usize {
        let sum: usize = self.templates.iter().map(|template| usize::from(template.len)).sum();
        sum / self.templates.len().max(1)
    }
}

/// Attaches the receive program. `pass` lets live frames through.
pub fn receiver(link: &Link, key: Key, pass: u64, set: &TemplateSet, senders: u32) -> Result<Attached, XdpError> {
    // A driver that cannot transmit from XDP swallows the RST; then the kernel's TCP sends it.
    let can_transmit = link.xdp.is_none_or(|features| features.ndo_xmit);
    let mut flags = if can_transmit { FLAG_RST_BY_XDP } else { 0 };
    if log::log_enabled!(target: "prober_ebpf", log::Level::Debug) {
        flags |= FLAG_LOG;
    }
    attach(&XdpConfig {
        ifindex: link.ifindex,
        interface: link.name.clone(),
        rules: Rules {
            key,
            source: link.source,
            max_age_ticks: WINDOW_TICKS as u32 - 1,
            flags,
            reserved: 0,
            live_pass: pass,
        },
        ring_bytes: RING_BYTES,
        templates: set.templates().to_vec(),
        live_queues: senders,
        force_generic: false,
    })
}

/// How many threads send.
pub fn sender_count(sender_threads: u32, link: &Link) -> u32 {
    let wanted = if sender_threads == 0 { link.tx_queues } else { sender_threads };
    wanted.clamp(1, SENDERS_MAX)
}

/// What tells a running engine's own frames from others'.
#[derive(Clone, Copy, Debug)]
pub struct Secrets {
    /// Key of the cookies.
    pub key: Key,
    /// Lets live frames through the receive program.
    pub pass: u64,
}

/// 64 random bits of the kernel's.
pub fn random() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| anyhow::anyhow!("the kernel gives no random numbers: {error}"))
}

/// Opens one engine per sender, and says which and why.
pub fn transmit(
    choice: EngineChoice,
    link: &Link,
    set: &TemplateSet,
    attached: &Attached,
    secrets: Secrets,
    senders: u32,
) -> anyhow::Result<(EngineKind, Vec<Box<dyn Transmit>>)> {
    if let Some(reason) = &attached.fallback {
        log::warn!("{}: no native XDP ({reason}); attached generic, which is slower but decides the same", link.name);
    }
    let (kind, why) = choose(choice, link, attached.mode);
    let config = TransmitConfig {
        ifindex: link.ifindex,
        interface: link.name.clone(),
        queue: 0,
        senders,
        key: secrets.key,
        templates: set.templates().to_vec(),
    };
    let (kind, engines) = engines(choice, kind, &config, senders, &attached.object, secrets.pass)?;
    if let Some(engine) = engines.first() {
        log::info!("{} on {} ({why}), XDP {}", engine.describe(), link.name, attached.mode.name());
    }
    Ok((kind, engines))
}

/// Keeps only what is used after the start: live frames run a program again and again.
pub fn drop_privileges(kind: EngineKind) -> anyhow::Result<()> {
    let keep: &[Capability] = match kind {
        EngineKind::LiveFrames => &[Capability::CAP_BPF],
        EngineKind::AfXdp | EngineKind::Packet => &[Capability::CAP_NET_RAW],
    };
    let others = privileges::drop_all_but(keep)?;
    log::debug!("{others} threads of before (the database's) keep the privileges that they began with");
    Ok(())
}

/// Which engine, and why.
fn choose(choice: EngineChoice, link: &Link, mode: Mode) -> (EngineKind, String) {
    let features = link.xdp.unwrap_or_default();
    match choice {
        EngineChoice::AfXdp => (EngineKind::AfXdp, "as asked".to_owned()),
        EngineChoice::LiveFrames => (EngineKind::LiveFrames, "as asked".to_owned()),
        EngineChoice::Packet => (EngineKind::Packet, "as asked".to_owned()),
        EngineChoice::Auto if features.xsk_zero_copy => {
            (EngineKind::AfXdp, format!("{} reads AF_XDP frames without copying", link.driver))
        }
        EngineChoice::Auto if features.ndo_xmit && mode == Mode::Native => {
            (EngineKind::LiveFrames, format!("{} takes frames from XDP, but not AF_XDP without copying", link.driver))
        }
        EngineChoice::Auto => (EngineKind::AfXdp, format!("{} takes no frames from XDP", link.driver)),
    }
}

/// Opens one engine per sender. `Auto` falls back to `packet` if AF_XDP is not to be had, and says so.
fn engines(
    choice: EngineChoice,
    kind: EngineKind,
    config: &TransmitConfig,
    senders: u32,
    object: &Arc<Ebpf>,
    pass: u64,
) -> Result<(EngineKind, Vec<Box<dyn Transmit>>), TransmitError> {
    match open_all(kind, config, senders, object, pass) {
        Ok(engines) => Ok((kind, engines)),
        Err(error) if choice == EngineChoice::Auto && kind != EngineKind::Packet => {
            log::warn!("{error}; falling back to the packet engine");
            Ok((EngineKind::Packet, open_all(EngineKind::Packet, config, senders, object, pass)?))
        }
        Err(error) => Err(error),
    }
}

fn open_all(
    kind: EngineKind,
    config: &TransmitConfig,
    senders: u32,
    object: &Arc<Ebpf>,
    pass: u64,
) -> Result<Vec<Box<dyn Transmit>>, TransmitError> {
    (0..senders)
        .map(|queue| -> Result<Box<dyn Transmit>, TransmitError> {
            let config = TransmitConfig { queue, ..config.clone() };
            Ok(match kind {
                EngineKind::AfXdp => Box::new(AfXdp::open(&config)?),
                EngineKind::LiveFrames => Box::new(LiveFrames::open(&config, Arc::clone(object), pass)?),
                EngineKind::Packet => Box::new(Packet::open(&config)?),
            })
        })
        .collect()
}
