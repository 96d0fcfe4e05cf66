//! A country of addresses over some weeks: which ports of which address are open when, and what device shows itself there.
//! The truth that schemes of watching are judged against; of its hosts they see only what they probe. What they are told
//! beforehand is in the trial.

mod host;
mod law;
mod make;

pub use self::law::PortLaw;
pub use self::make::{CountryConfig, make, sample};

/// A port that is open for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The port.
    pub port: u16,
    /// From this second on.
    pub from_s: u32,
    /// Until this second, not included.
    pub to_s: u32,
}

impl Span {
    /// Whether it is open at a second.
    pub const fn is_open(&self, at_s: u32) -> bool {
        self.from_s <= at_s && at_s < self.to_s
    }
}

/// A host's time at an address.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// From this second on.
    pub from_s: u32,
    /// Until this second, not included.
    pub to_s: u32,
    /// The device that its banners show, if they show one.
    pub device: Option<u16>,
}

/// An address with what happens there.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Ports, in no order.
    pub spans: Vec<Span>,
    /// Hosts.
    pub stays: Vec<Stay>,
    /// A honeypot: left out of what counts as detected.
    pub is_honeypot: bool,
}

impl Place {
    /// The open ports at a second among those that `probed` takes, in order, each once.
    pub fn open(&self, at_s: u32, probed: impl Fn(u16) -> bool) -> Vec<u16> {
        let open = self.spans.iter().filter(|span| span.is_open(at_s) && probed(span.port));
        let mut ports: Vec<u16> = open.map(|span| span.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The device that shows itself at a second.
    pub fn device(&self, at_s: u32) -> Option<u16> {
        self.stays.iter().find(|stay| stay.from_s <= at_s && at_s < stay.to_s).and_then(|stay| stay.device)
    }
}

/// Every address, by number.
#[derive(Debug)]
pub struct Country {
    /// The addresses; most have nothing.
    pub places: Vec<Place>,
    /// How long it is told, in seconds.
    pub length_s: u32,
    /// The ports of each device, as its banners and open ports would have taught.
    pub devices: Vec<Vec<u16>>,
}
