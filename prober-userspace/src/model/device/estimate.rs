//! What a device at an address is taken to be.

use prober_common::address::V4;

/// A device of a database: its place in [`Database::devices`](crate::device::database::Database::devices).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

/// A device whose score reached the threshold. An address has one for each: several hosts may share it.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Which.
    pub device: DeviceId,
    /// S = a S_b + (1 - a) S_p.
    pub score: f64,
    /// S_b: the weights of the keywords that matched, added up.
    pub banner_score: f64,
    /// S_p: the open ports that are the device's, of all that are open or the device's.
    pub port_score: f64,
    /// The keywords that matched: places in the device's list, ascending.
    pub keywords: Vec<u16>,
    /// Firmware version, where the banner tells.
    pub version: Option<String>,
}

/// The estimates of an address; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressEstimates {
    /// Whose.
    pub address: V4,
    /// By device.
    pub estimates: Vec<Estimate>,
}
