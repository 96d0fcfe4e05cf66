//! What a driver tells about its device through ethtool: its name, queues and offloads.

use super::sys;

// Commands and layouts of linux/ethtool.h.
const GET_DRIVER: u32 = 0x0000_0003;
const GET_FLAGS: u32 = 0x0000_0025;
const GET_CHANNELS: u32 = 0x0000_003c;
const FLAG_RX_VLAN: u32 = 1 << 8;
const FLAG_LRO: u32 = 1 << 15;
/// `struct ethtool_drvinfo` is 196 bytes; the driver's name is the 32 bytes after the command.
const DRIVER_WORDS: usize = 49;
/// `struct ethtool_value`.
const VALUE_WORDS: usize = 2;
/// `struct ethtool_channels`: command, four maxima, then rx, tx, other, combined.
const CHANNELS_WORDS: usize = 9;

/// A device, by name; each question is one system call in the calling thread's network namespace.
pub struct Device {
    name: String,
}

/// Queues in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Receive queues.
    pub rx: u32,
    /// Transmit queues.
    pub tx: u32,
}

/// Offloads that stand in the way of XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offloads {
    /// VLAN tags are taken out of received frames before XDP sees them.
    pub rx_vlan: bool,
    /// Received segments are joined.
    pub lro: bool,
}

impl Device {
    /// Nothing is asked yet.
    pub fn open(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// The kernel driver's name, as `ethtool -i` prints it.
    pub fn driver(&self) -> Option<String> {
        let mut request = [0; DRIVER_WORDS];
        sys::ethtool(&self.name, GET_DRIVER, &mut request).ok()?;
        let bytes: Vec<u8> = request[1..9].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8(bytes[..length].to_vec()).ok().filter(|name| !name.is_empty())
    }

    /// Queues in use; `None` if the driver does not tell.
    pub fn channels(&self) -> Option<Channels> {
        let mut request = [0; CHANNELS_WORDS];
        sys::ethtool(&self.name, GET_CHANNELS, &mut request).ok()?;
        let [_, _, _, _, _, rx, tx, _, combined] = request;
        Some(Channels { rx: rx + combined, tx: tx + combined }).filter(|channels| channels.rx + channels.tx > 0)
    }

    /// Offloads that matter to XDP; `None` if the driver does not tell.
    pub fn offloads(&self) -> Option<Offloads> {
        let mut request = [0; VALUE_WORDS];
        sys::ethtool(&self.name, GET_FLAGS, &mut request).ok()?;
        let [_, flags] = request;
        Some(Offloads { rx_vlan: flags & FLAG_RX_VLAN != 0, lro: flags & FLAG_LRO != 0 })
    }
}
