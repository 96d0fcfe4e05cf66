//! The XDP program at the far end of the wire, and what it counted: the witness that does not share a line with the
//! prober.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, anyhow, ensure};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, Map, MapData, PerCpuArray, RingBuf},
    programs::{Xdp, xdp::XdpMode},
};
use prober_common::{
    address::V4,
    lab::{
        ARRIVAL_BUCKET_SHIFT, ARRIVAL_BUCKETS, CELL_PORTS, FLAG_ARRIVALS, FLAG_CELLS, FLAG_TALK, FLAG_VERIFY,
        LabCounts, LabRules, PASS_PREFIXES, Prefix, one_in,
    },
};

use crate::sys::{MappedCounters, RulesValue};

/// The lab's eBPF object.
pub(crate) static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/prober-ebpf-lab"));

/// Which program runs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers a seeded choice of addresses at line rate.
    Reflector,
    /// Counts and drops.
    Counter,
    /// Filters for the emulated world.
    World,
    /// Passes everything to the kernel's stack, uncounted.
    Pass,
}

/// What the far end does.
#[derive(Clone, Debug)]
pub struct FarEndConfig {
    /// Decides which addresses answer.
    pub seed: u64,
    /// One address in so many answers (reflector) or is populated (world).
    pub answer_one_in: u32,
    /// Reflector: one address in so many refuses with RST; 0 for none.
    pub refuse_one_in: u32,
    /// Count each address and port of this range by itself.
    pub cells: Option<CellRange>,
    /// Count arrivals per time bucket.
    pub arrivals: bool,
    /// Verify checksums; costs about 50 ns a frame.
    pub verify: bool,
    /// World: hear the segments of connections as well.
    pub talk: bool,
    /// Frames to these go to the kernel's own stack.
    pub pass: Vec<Prefix>,
    /// World: bytes of the ring to user space; a power of two.
    pub ring_bytes: u32,
}

impl Default for FarEndConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            answer_one_in: 16,
            refuse_one_in: 0,
            cells: None,
            arrivals: false,
            verify: false,
            talk: false,
            pass: Vec::new(),
            ring_bytes: 1 << 25,
        }
    }
}

/// A range that is counted address by address and port by port.
#[derive(Clone, Debug)]
pub struct CellRange {
    /// First address.
    pub first: Ipv4Addr,
    /// How many addresses.
    pub addresses: u32,
    /// Up to four ports; 0 stands for ICMP echo.
    pub ports: Vec<u16>,
}

/// A loaded and attached program. It detaches when dropped.
pub struct FarEnd {
    ebpf: Ebpf,
    cells: Option<Cells>,
    arrivals: Option<MappedCounters>,
}

impl FarEnd {
    /// Loads the program and attaches it to `interface` of **this thread's** namespace, natively.
    pub fn attach(interface: &str, role: Role, config: &FarEndConfig) -> Result<Self> {
        let rules = rules(config)?;
        let cell_count = rules.cell_addresses * rules.cell_port_count;
        let mut ebpf = EbpfLoader::new()
            .map_max_entries("LAB_CELLS", cell_count.max(1))
            .map_max_entries("LAB_ARRIVALS", if config.arrivals { ARRIVAL_BUCKETS } else { 1 })
            .map_max_entries("LAB_EVENTS", if role == Role::World { config.ring_bytes } else { 4096 })
            .load(OBJECT)
            .context("cannot load the lab's eBPF object")?;
        let mut map: Array<_, RulesValue> = ebpf.map_mut("LAB_RULES").context("LAB_RULES is missing")?.try_into()?;
        map.set(0, RulesValue(rules), 0)?;
        let cells = match &config.cells {
            Some(range) => Some(Cells { range: range.clone(), counters: mapped(&mut ebpf, "LAB_CELLS", cell_count)? }),
            None => None,
        };
        let arrivals = if config.arrivals { Some(mapped(&mut ebpf, "LAB_ARRIVALS", ARRIVAL_BUCKETS)?) } else { None };
        let name = match role {
            Role::Reflector => "lab_reflector",
            Role::Counter => "lab_counter",
            Role::World => "lab_world",
            Role::Pass => "lab_pass",
        };
        let program: &mut Xdp = ebpf.program_mut(name).with_context(|| format!("{name} is missing"))?.try_into()?;
        program.load().map_err(|e| anyhow!("the kernel refused the XDP program {name}: {e:#}"))?;
        program
            .attach(interface, XdpMode::Driver)
            .with_context(|| format!("cannot attach {name} to {interface} natively"))?;
        Ok(Self { ebpf, cells, arrivals })
    }

    /// What was counted so far, over all CPUs.
    pub fn counts(&self) -> Result<LabCounts> {
        let map = self.ebpf.map("LAB_COUNTS").context("LAB_COUNTS is missing")?;
        let map: PerCpuArray<_, [u64; LabCounts::FIELDS]> = map.try_into()?;
        let mut sum = [0; LabCounts::FIELDS];
        for cpu in map.get(&0, 0)?.iter() {
            for (total, value) in sum.iter_mut().zip(cpu) {
                *total += value;
            }
        }
        Ok(counts_from(sum))
    }

    /// The counters of each address and port, if the configuration asked for them.
    pub fn cells(&self) -> Option<&Cells> {
        self.cells.as_ref()
    }

    /// The arrivals per time bucket, if the configuration asked for them.
    pub fn arrivals(&self) -> Option<Arrivals> {
        self.arrivals.as_ref().map(|map| Arrivals { buckets: map.snapshot() })
    }

    /// Sets the counters of cells and arrivals to 0 (the totals of [`Self::counts`] go on).
    pub fn clear(&self) {
        if let Some(cells) = &self.cells {
            cells.counters.clear();
        }
        if let Some(arrivals) = &self.arrivals {
            arrivals.clear();
        }
    }

    /// World: takes the ring of arrivals; there is one.
    pub fn take_ring(&mut self) -> Result<RingBuf<MapData>> {
        let map = self.ebpf.take_map("LAB_EVENTS").context("the ring of arrivals is taken already")?;
        Ok(map.try_into()?)
    }
}

fn rules(config: &FarEndConfig) -> Result<LabRules> {
    ensure!(config.pass.len() <= PASS_PREFIXES, "at most {PASS_PREFIXES} prefixes can go to the kernel's stack");
    let answer_below = one_in(config.answer_one_in);
    let refuse = if config.refuse_one_in == 0 { 0 } else { one_in(config.refuse_one_in) };
    let mut rules = LabRules {
        seed: config.seed,
        answer_below,
        refuse_below: if refuse == 0 { 0 } else { answer_below.saturating_add(refuse) },
        pass_count: config.pass.len() as u32,
        ..LabRules::default()
    };
    for (flag, wanted) in [(FLAG_ARRIVALS, config.arrivals), (FLAG_VERIFY, config.verify), (FLAG_TALK, config.talk)] {
        rules.flags |= if wanted { flag } else { 0 };
    }
    rules.pass[..config.pass.len()].copy_from_slice(&config.pass);
    if let Some(range) = &config.cells {
        let ports = range.ports.len();
        ensure!((1..=CELL_PORTS).contains(&ports), "1 to {CELL_PORTS} ports can be counted, not {ports}");
        ensure!(range.addresses.checked_mul(ports as u32).is_some_and(|n| n > 0 && n <= 1 << 27), "too many cells");
        rules.flags |= FLAG_CELLS;
        rules.cell_base = V4::from(range.first);
        rules.cell_addresses = range.addresses;
        rules.cell_port_count = ports as u32;
        rules.cell_ports[..ports].copy_from_slice(&range.ports);
    }
    Ok(rules)
}

fn mapped(ebpf: &mut Ebpf, name: &str, len: u32) -> Result<MappedCounters> {
    match ebpf.map(name) {
        Some(Map::Array(data)) => {
            MappedCounters::new(data.fd(), len as usize).with_context(|| format!("cannot map {name}"))
        }
        _ => Err(anyhow!("{name} is missing")),
    }
}

fn counts_from(values: [u64; LabCounts::FIELDS]) -> LabCounts {
    let [
        frames,
        bytes,
        syn,
        rst,
        tcp_other,
        echo,
        icmp_other,
        udp,
        other,
        truncated,
        bad_checksum,
        passed,
        syn_ack_sent,
        rst_sent,
        echo_reply_sent,
        outside_cells,
        unpopulated,
        arrivals,
        arrivals_lost,
    ] = values;
    LabCounts {
        frames,
        bytes,
        syn,
        rst,
        tcp_other,
        echo,
        icmp_other,
        udp,
        other,
        truncated,
        bad_checksum,
        passed,
        syn_ack_sent,
        rst_sent,
        echo_reply_sent,
        outside_cells,
        unpopulated,
        arrivals,
        arrivals_lost,
    }
}

/// How often each address and port of a range was probed.
pub struct Cells {
    range: CellRange,
    counters: MappedCounters,
}

impl Cells {
    /// How many cells were probed how often: index 0 is never, 1 once, and the last one that often or more.
    pub fn histogram(&self) -> [u64; 8] {
        let mut histogram = [0; 8];
        for count in self.counters.snapshot() {
            histogram[(count as usize).min(7)] += 1;
        }
        histogram
    }

    /// How often each cell was probed: address by address, port by port as the configuration names them.
    pub fn counts(&self) -> Vec<u64> {
        self.counters.snapshot()
    }

    /// How often `address` was probed on `port`; `None` outside the range.
    pub fn count(&self, address: Ipv4Addr, port: u16) -> Option<u64> {
        let offset = u32::from(address).checked_sub(u32::from(self.range.first))?;
        let port = self.range.ports.iter().position(|&p| p == port)?;
        let index = offset as usize * self.range.ports.len() + port;
        Some(self.counters.counters().get(index)?.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// All probed cells with their counts, in address order.
    pub fn probed(&self) -> Vec<(Ipv4Addr, u16, u64)> {
        let ports = &self.range.ports;
        let first = u32::from(self.range.first);
        let cell = |(index, count): (usize, u64)| {
            let address = Ipv4Addr::from(first + (index / ports.len()) as u32);
            (address, ports[index % ports.len()], count)
        };
        self.counters.snapshot().into_iter().enumerate().filter(|(_, count)| *count > 0).map(cell).collect()
    }
}

/// Probes that arrived, per bucket of time.
pub struct Arrivals {
    buckets: Vec<u64>,
}

impl Arrivals {
    /// Length of a bucket in ns.
    pub const BUCKET_NS: u64 = 1 << ARRIVAL_BUCKET_SHIFT;

    /// The most probes in any window of at most `window_ns` that begins with a bucket.
    pub fn most_in(&self, window_ns: u64) -> u64 {
        let width = (window_ns / Self::BUCKET_NS).max(1) as usize;
        let mut sum: u64 = self.buckets.iter().take(width).sum();
        let mut most = sum;
        for start in 0..self.buckets.len() {
            // The buckets are a ring: time comes round after 137 s.
            sum = sum + self.buckets[(start + width) % self.buckets.len()] - self.buckets[start];
            most = most.max(sum);
        }
        most
    }

    /// Time between the first and the last probe in ns, if the run was shorter than the ring of buckets; 0 without
    /// probes.
    pub fn span_ns(&self) -> u64 {
        let used: Vec<usize> = (0..self.buckets.len()).filter(|&i| self.buckets[i] > 0).collect();
        let (Some(&first), Some(&last)) = (used.first(), used.last()) else { return 0 };
        // The longest silence lies outside the run.
        let around = self.buckets.len() - last + first;
        let silence = used.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0).max(around);
        (self.buckets.len() - silence) as u64 * Self::BUCKET_NS
    }

    /// All probes.
    pub fn total(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(used: &[(usize, u64)]) -> Arrivals {
        let mut buckets = vec![0; 64];
        for &(i, n) in used {
            buckets[i] = n;
        }
        Arrivals { buckets }
    }

    #[test]
    fn windows_and_spans_go_round_the_ring() {
        let run = arrivals(&[(62, 5), (63, 7), (0, 1), (3, 2)]);
        assert_eq!(run.most_in(2 * Arrivals::BUCKET_NS), 12);
        assert_eq!(run.most_in(3 * Arrivals::BUCKET_NS), 13);
        assert_eq!(run.span_ns(), 5 * Arrivals::BUCKET_NS);
        assert_eq!(arrivals(&[]).span_ns(), 0);
        assert_eq!(run.total(), 15);
    }
}
