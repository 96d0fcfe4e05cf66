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
