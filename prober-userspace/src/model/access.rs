//! Kinds of access network that a host can sit behind.

use std::fmt;
use std::str::FromStr;

/// The network between the last router and the host (METHODS section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessType {
    /// Fibre, cable, DSL, Ethernet.
    Wired,
    /// Wireless LAN behind a wired line.
    Wlan,
    /// Cellular broadband: LTE and its successor.
    Lte,
    /// Cellular for things.
    NbIot,
    /// Wi-SUN and other meshes of 802.15.4 radios.
    Wisun,
    /// LoRa.
    Lora,
    /// By satellite.
    Satellite,
}

impl AccessType {
    /// Every type.
    pub const ALL: [Self; 7] =
        [Self::Wired, Self::Wlan, Self::Lte, Self::NbIot, Self::Wisun, Self::Lora, Self::Satellite];

    /// Name in files and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wired => "wired",
            Self::Wlan => "wlan",
            Self::Lte => "lte",
            Self::NbIot => "nb-iot",
            Self::Wisun => "wisun",
            Self::Lora => "lora",
            Self::Satellite => "satellite",
        }
    }

    /// The least round trip over it that its own rules allow, in milliseconds; an answer that was quicker did not come this
    /// way. Wlan: DIFS, preamble and acknowledgement of two frames (IEEE 802.11 section 10.3). Cellular: a slot each way and
    /// the time to process it (3GPP TS 38.214 section 5.3). Wi-SUN: 40 bytes at 300 kbit/s, each way. LoRa: the shortest
    /// frame at SF7 and 500 kHz, each way. Satellite: four times 550 km at the speed of light.
    pub const fn least_rtt_ms(self) -> f64 {
        match self {
            Self::Wired => 0.0,
            Self::Wlan => 0.2,
            Self::Lte | Self::Wisun => 2.0,
            Self::Satellite => 7.0,
            Self::NbIot | Self::Lora => 10.0,
        }
    }

    /// The slowest that the quickest of several answers over it can be, in milliseconds. Lines and WLAN: half way round the Earth
    /// through fibre and back is 200 ms, detours double it, and no buffer stays full for the whole of a series. Cellular: the
    /// longest paging cycle twice, and a connection (3GPP TS 36.304 section 7.1). Satellite: a geostationary hop each way. Meshes
    /// and long-range radio have no such end.
    pub const fn most_floor_ms(self) -> f64 {
        match self {
            Self::Wired | Self::Wlan => 1_000.0,
            Self::Satellite => 1_500.0,
            Self::Lte => 3_500.0,
            Self::NbIot | Self::Wisun | Self::Lora => f64::INFINITY,
        }
    }
}

impl fmt::Display for AccessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No access network has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network type; known are wired, wlan, lte, nb-iot, wisun, lora and satellite")]
pub struct UnknownAccess(pub String);

impl FromStr for AccessType {
    type Err = UnknownAccess;

    /// Its name, or the name that public collections of measurements use for a network of that type.
    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        let name = match text {
            "5g" => "lte",
            "802.15.4" => "wisun",
            text if text.starts_with("wired-") => "wired",
            text => text,
        };
        Self::ALL.into_iter().find(|access| access.name() == name).ok_or_else(|| UnknownAccess(text.to_owned()))
    }
}
