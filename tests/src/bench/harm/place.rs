//! Where the harm is measured: several access networks between two namespaces, each a wire with a token bucket at both
//! ends, and hosts at its far end that the kernel answers for.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;

use super::SLOTS;
use crate::namespace::{self, Namespace, run_quietly};

/// Access networks.
pub const NETWORKS: usize = 4;
/// What their bottlenecks carry, bits/s: like a poor mobile or a good sub-gigahertz network.
const RATES_BITS_S: [u32; NETWORKS] = [800_000, 1_000_000, 1_200_000, 1_000_000];
/// Bottlenecks hold back no more than this.
const LATENCY: Duration = Duration::from_millis(200);

/// Both ends.
pub struct Place {
    /// The side of the Internet: who scans, and who sends to the hosts.
    pub near: Namespace,
    /// The hosts.
    pub far: Namespace,
}

impl Place {
    /// Makes it; ends when dropped, and a crashed one is cleared away by the next.
    pub fn make() -> Result<Self> {
        namespace::delete_stale()?;
        let place = Self { near: Namespace::create("prober", "harm")?, far: Namespace::create("site", "harm")? };
        for network in 0..NETWORKS {
            place.connect(network)?;
        }
        Ok(place)
    }

    /// A host of a network.
    pub fn host(network: usize, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(20, 100, network as u8, host)
    }

    /// What a network's bottleneck carries, bits/s.
    pub fn rate_bits_s(network: usize) -> f64 {
        f64::from(RATES_BITS_S[network])
    }

    /// The others' demand as part of what the bottleneck carries, by slot: two networks of offices and two of homes.
    pub fn demand(network: usize, slot: usize) -> f64 {
        const HOMES: [f64; SLOTS] = [
            0.45, 0.20, 0.15, 0.10, 0.10, 0.12, 0.20, 0.55, 0.70, 0.45, 0.40, 0.45, 0.60, 0.50, 0.50, 0.60, 0.80, 1.00,
            1.05, 1.10, 1.10, 1.05, 1.00, 0.80,
        ];
        const OFFICES: [f64; SLOTS] = [
            0.10, 0.10, 0.10, 0.12, 0.10, 0.15, 0.25, 0.50, 0.90, 1.05, 1.10, 1.05, 0.80, 1.05, 1.10, 1.10, 1.00, 0.90,
            0.60, 0.40, 0.30, 0.25, 0.20, 0.15,
        ];
        if network.is_multiple_of(2) { HOMES[slot % SLOTS] } else { OFFICES[slot % SLOTS] }
    }

    fn connect(&self, network: usize) -> Result<()> {
        let (near, far) = (format!("p{network}"), format!("w{network}"));
        self.near.ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", self.far.name()])?;
        // Segments are to be of the size that the bottleneck sees.
        let off = ["tso", "off", "gso", "off", "gro", "off"];
        for (namespace, end, host) in [(&self.near, &near, 1), (&self.far, &far, 2)] {
            run_quietly(namespace.command("ethtool").args(["-K", end]).args(off))?;
            let address = format!("{}/24", Self::host(network, host));
            namespace.ip(&["address", "add", &address, "dev", end])?;
            namespace.ip(&["link", "set", end, "up"])?;
            let rate = format!("{}bit", RATES_BITS_S[network]);
            let latency = format!("{}ms", LATENCY.as_millis());
            let bucket =
                ["qdisc", "add", "dev", end, "root", "tbf", "rate", &rate, "burst", "1600", "latency", &latency];
            run_quietly(namespace.command("tc").args(bucket))?;
        }
        Ok(())
    }
}
