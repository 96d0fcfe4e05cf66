//! The population: who lives at an address, as a pure function of seed and address.

use std::net::Ipv4Addr;

use prober_common::lab::mix;

use super::delay::Delay;

/// What kind of thing lives at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A web server in a data centre: refuses what it does not serve.
    Server,
    /// A home router.
    Router,
    /// A camera.
    Camera,
    /// Behind a firewall that drops: silent but for what is open.
    Firewalled,
    /// A router in front reports that nothing is there, or that it is forbidden.
    Unreachable,
    /// Two routers point at each other: time exceeded.
    Loop,
}

/// What a port does with a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// SYN-ACK, or the service's UDP answer.
    Open,
    /// RST, or ICMP port unreachable.
    Closed,
    /// Silence.
    Filtered,
    /// An ICMP error of this type and code from [`Host::router`].
    Refused {
        /// ICMP type.
        kind: u8,
        /// ICMP code.
        code: u8,
    },
}

/// An inhabitant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Host {
    /// What it is.
    pub kind: Kind,
    /// How long it takes to answer.
    pub delay: Delay,
    /// Probability that a probe or its answer is lost.
    pub loss: f64,
    /// Probability that an answer comes twice.
    pub duplicates: f64,
    /// TTL that its answers arrive with: 32, 64, 128 or 255 less the hops.
    pub ttl: u8,
    /// Hops between it and the prober.
    pub hops: u8,
    /// The last router before it, which sends the ICMP errors.
    pub router: Ipv4Addr,
    chance: u64,
}

impl Host {
    /// Who lives at `address`. Whether anyone lives there is `population_hash`'s business.
    pub fn at(seed: u64, address: Ipv4Addr) -> Self {
        let chance = mix(mix(seed) ^ u64::from(u32::from(address)));
        let part = |salt: u64| mix(chance ^ (salt << 32));
        let hops = 4 + (part(1) % 22) as u8;
        let initial = match part(2) % 100 {
            0..4 => 32,
            4..66 => 64,
            66..86 => 128,
            _ => 255,
        };
        // One router for each /24, at its end.
        let router = Ipv4Addr::from(u32::from(address) | 0xff);
        let kind = match part(3) % 100 {
            _ if address == router => Kind::Router,
            0..25 => Kind::Server,
            25..50 => Kind::Router,
            50..70 => Kind::Camera,
            70..85 => Kind::Firewalled,
            85..96 => Kind::Unreachable,
            _ => Kind::Loop,
        };
        let clean = part(5) % 3 == 0;
        Self {
            kind,
            delay: Delay::choose(part(4)),
            loss: if clean { 0.0 } else { (part(6) % 50) as f64 / 1000.0 },
            duplicates: if clean { 0.0 } else { (part(7) % 10) as f64 / 1000.0 },
            ttl: initial - hops,
            hops,
            router,
            chance,
        }
    }

    /// What a TCP port does.
    pub fn tcp(&self, port: u16) -> Port {
        let usual: &[u16] = match self.kind {
            Kind::Server => &[22, 25, 80, 443, 3306, 8080],
            Kind::Router => &[22, 23, 53, 80, 443, 7547, 8080],
            Kind::Camera => &[80, 443, 554, 8000, 8080, 37777],
            Kind::Firewalled => &[80, 443, 1883, 8883],
            Kind::Unreachable | Kind::Loop => &[],
        };
        self.port(usual, u64::from(port))
    }

    /// What a UDP port does.
    pub fn udp(&self, port: u16) -> Port {
        let usual: &[u16] = match self.kind {
            Kind::Server => &[53, 123, 111, 3478],
            Kind::Router => &[53, 123, 161, 5683],
            Kind::Camera => &[161, 5683, 3478],
            Kind::Firewalled => &[123],
            Kind::Unreachable | Kind::Loop => &[],
        };
        self.port(usual, 0x1_0000 | u64::from(port))
    }

    /// What it does with an echo request.
    pub fn echo(&self) -> Port {
        match self.kind {
            Kind::Unreachable | Kind::Loop => self.refusal(),
            Kind::Firewalled if !self.chance.is_multiple_of(4) => Port::Filtered,
            _ => Port::Open,
        }
    }

    fn port(&self, usual: &[u16], salted: u64) -> Port {
        let open_in_100 = if usual.contains(&(salted as u16)) { 60 } else { 1 };
        match self.kind {
            Kind::Unreachable | Kind::Loop => self.refusal(),
            _ if mix(self.chance ^ salted) % 100 < open_in_100 => Port::Open,
            Kind::Firewalled => Port::Filtered,
            _ => Port::Closed,
        }
    }

    fn refusal(&self) -> Port {
        // Network, host, host administratively prohibited, communication prohibited (RFC 792, 1812).
        const CODES: [u8; 4] = [0, 1, 10, 13];
        match self.kind {
            Kind::Loop => Port::Refused { kind: 11, code: 0 },
            _ => Port::Refused { kind: 3, code: CODES[(self.chance >> 8) as usize % CODES.len()] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population() -> Vec<Host> {
        (0..10_000).map(|i| Host::at(5, Ipv4Addr::from(0x1400_0000 + i))).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_host() {
        let address = Ipv4Addr::new(20, 9, 8, 7);
        assert_eq!(Host::at(1, address), Host::at(1, address));
        assert_ne!(Host::at(1, address), Host::at(2, address));
    }

    #[test]
    fn every_answer_occurs() {
        let states: Vec<Port> = population().iter().map(|host| host.tcp(80)).collect();
        let count = |wanted: fn(&Port) -> bool| states.iter().filter(|state| wanted(state)).count();
        assert!((4_500..5_700).contains(&count(|s| *s == Port::Open)));
        assert!(count(|s| *s == Port::Closed) > 2_000);
        assert!(count(|s| *s == Port::Filtered) > 300);
        assert!(count(|s| matches!(s, Port::Refused { kind: 3, .. })) > 900);
        assert!(count(|s| matches!(s, Port::Refused { kind: 11, .. })) > 300);
    }

    #[test]
    fn hops_can_be_read_from_the_ttl() {
        for host in population() {
            let initial = [32, 64, 128, 255].into_iter().find(|&t| t >= host.ttl).unwrap();
            assert_eq!(initial - host.ttl, host.hops);
        }
    }
}
