//! Each address and port of a network exactly once, counted one by one at the far end, with every engine.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;

use super::{Size, account::Account, finding::Finding, prober::Scan};
use crate::{
    far_end::{CellRange, FarEndConfig},
    lab::Lab,
};

/// The transmit engines.
pub const ENGINES: [&str; 3] = ["live-frames", "af-xdp", "packet"];
/// The first address of the probed network; nobody lives there.
pub const FIRST: Ipv4Addr = Ipv4Addr::new(20, 4, 0, 0);
/// The ports, as the prober and as the counter call them.
pub const PORTS: (&str, [u16; 3]) = ("80,443,icmp", [80, 443, 0]);

/// A network whose addresses and ports are counted one by one, and of which one address in sixteen answers.
pub struct Field {
    /// Its laboratory.
    pub lab: Lab,
    /// Bits of the prefix.
    pub bits: u32,
}

impl Field {
    /// A /20, or a /14.
    pub fn new(size: Size) -> Result<Self> {
        let bits = size.pick(20, 14);
        let cells = CellRange { first: FIRST, addresses: 1 << (32 - bits), ports: PORTS.1.to_vec() };
        let config = FarEndConfig { cells: Some(cells), verify: true, answer_one_in: 16, ..FarEndConfig::default() };
        Ok(Self { lab: Lab::reflector(&config)?, bits })
    }

    /// The prefix as an argument.
    pub fn prefix(&self) -> String {
        format!("{FIRST}/{}", self.bits)
    }

    /// How many addresses and ports there are.
    pub fn cells(&self) -> u64 {
        3 << (32 - self.bits)
    }

    /// What was probed how often: never, once, twice or more.
    pub fn probed(&self) -> Result<[u64; 3]> {
        let [never, once, more @ ..] = self.lab.cells()?.histogram();
        Ok([never, once, more.iter().sum()])
    }

    /// Nothing but probes arrived, unbroken and inside the field.
    pub fn nothing_else(&self, finding: &mut Finding) -> Result<()> {
        let counts = self.lab.counts()?;
        finding.exactly("probes outside the network", counts.outside_cells, 0);
        let broken = counts.bad_checksum + counts.truncated + counts.other + counts.tcp_other + counts.icmp_other;
        finding.exactly("broken or foreign frames", broken, 0);
        Ok(())
    }
}

/// Patience for one scan: far more than it takes.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// One scan by `engine`.
pub fn run(size: Size, engine: &str) -> Result<Finding> {
    let field = Field::new(size)?;
    let directory = tempfile::tempdir()?;
    let prefix = field.prefix();
    let scan = Scan::new(
        directory.path(),
        &[&prefix, "-p", PORTS.0, "-r", "max", "--rate-per-24", "0", "-c", "100ms", "--engine", engine],
    );
    let summary = scan.complete(&field.lab, PATIENCE)?;
    let mut finding = Finding::new("coverage");
    let [never, once, more] = field.probed()?;
    finding.exactly("probed once", once, field.cells());
    finding.exactly("never probed", never, 0);
    finding.exactly("probed again", more, 0);
    field.nothing_else(&mut finding)?;
    let account = Account::read(&scan.database())?;
    finding.exactly("probes sent by its own count", account.role("sent"), field.cells());
    finding.note("mean rate pps", summary["mean_pps"].as_f64().unwrap_or(0.0).round());
    account.close(&mut finding);
    Ok(finding)
}

/// One scan by each engine.
pub fn every_engine(size: Size) -> Result<Finding> {
    let mut all = Finding::new("coverage");
    for engine in ENGINES {
        all.absorb(engine, run(size, engine)?);
    }
    Ok(all)
}
