//! The kinds of access network as a queue sees them: what serving one frame costs, and what delay an idle one adds.
//! Which kind a host sits behind is estimated elsewhere.

use std::fmt;
use std::str::FromStr;

/// A kind of access network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Fibre, cable, DSL.
    Wired,
    /// IEEE 802.11.
    Wlan,
    /// A mobile network.
    Lte,
    /// IEEE 802.15.4g mesh.
    Wisun,
    /// Long range, some kbit/s.
    Lora,
    /// Not known: treated as something slow.
    #[default]
    Unknown,
}

/// What is taken for granted of a medium until something is measured. Times in s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MediumModel {
    /// Time per frame besides its bits: contention, preamble, acknowledgement.
    pub overhead_s: f64,
    /// Bits/s in the middle of what is met, ...
    pub rate_bits_s: f64,
    /// ... and how far networks of this kind are spread around it (standard deviation of the logarithm).
    pub rate_log_sd: f64,
    /// The others' packets: large ones, small ones and the share of large ones.
    pub large_bytes: f64,
    /// See `large_bytes`.
    pub small_bytes: f64,
    /// See `large_bytes`.
    pub large_share: f64,
    /// Mean delay that an idle network adds to its own smallest: contention, scheduling requests, the responder.
    pub idle_jitter_s: f64,
    /// How often a probe and its reply queue at the bottleneck: twice where both directions share one channel.
    pub visits: u8,
}

impl Medium {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Wired, Self::Wlan, Self::Lte, Self::Wisun, Self::Lora, Self::Unknown];

    /// Its name in files and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wired => "wired",
            Self::Wlan => "wlan",
            Self::Lte => "lte",
            Self::Wisun => "wisun",
            Self::Lora => "lora",
            Self::Unknown => "unknown",
        }
    }

    /// Its number, 0 to 5.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What is taken for granted of it. Sources: IEEE 802.11 DCF (DIFS, mean backoff, preamble, acknowledgement), LTE's
    /// scheduling grants, IEEE 802.15.4g at 100 kbit/s, LoRa's time on air at SF7 (METHODS §3).
    pub const fn model(self) -> MediumModel {
        let ip = MediumModel {
            overhead_s: 0.0,
            rate_bits_s: 20e6,
            rate_log_sd: 0.8,
            large_bytes: 1500.0,
            small_bytes: 120.0,
            large_share: 0.6,
            idle_jitter_s: 0.15e-3,
            visits: 1,
        };
        match self {
            Self::Wired => ip,
            Self::Wlan => MediumModel {
                overhead_s: 0.25e-3,
                rate_bits_s: 30e6,
                rate_log_sd: 0.6,
                idle_jitter_s: 0.5e-3,
                visits: 2,
                ..ip
            },
            Self::Lte => MediumModel { overhead_s: 0.2e-3, rate_bits_s: 10e6, idle_jitter_s: 3e-3, ..ip },
            Self::Wisun => MediumModel {
                overhead_s: 8e-3,
                rate_bits_s: 100e3,
                rate_log_sd: 0.4,
                large_bytes: 250.0,
                small_bytes: 60.0,
                large_share: 0.5,
                idle_jitter_s: 12e-3,
                visits: 2,
            },
            Self::Lora => MediumModel {
                overhead_s: 30e-3,
                rate_bits_s: 4e3,
                rate_log_sd: 0.5,
                large_bytes: 60.0,
                small_bytes: 20.0,
                large_share: 0.5,
                idle_jitter_s: 10e-3,
                visits: 2,
            },
            // The slowest that still carries web traffic, and little trust in it: less is allowed than into any that is known to.
            Self::Unknown => {
                MediumModel { overhead_s: 1e-3, rate_bits_s: 1e6, rate_log_sd: 1.5, idle_jitter_s: 1e-3, ..ip }
            }
        }
    }
}

impl MediumModel {
    /// Mean size of the others' packets, bytes.
    pub fn mean_bytes(&self) -> f64 {
        self.large_bytes.mul_add(self.large_share, self.small_bytes * (1.0 - self.large_share))
    }

    /// Time to serve a packet at `rate_bits_s`, s.
    pub fn service_s(&self, bytes: f64, rate_bits_s: f64) -> f64 {
        self.overhead_s + bytes * 8.0 / rate_bits_s
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Medium {
    type Err = UnknownMedium;

    fn from_str(text: &str) -> Result<Self, UnknownMedium> {
        Self::ALL.into_iter().find(|medium| medium.name() == text).ok_or_else(|| UnknownMedium(text.to_owned()))
    }
}

/// Not one of the names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of access network: write wired, wlan, lte, wisun, lora or unknown")]
pub struct UnknownMedium(String);
