//! A list of random excluded prefixes: not one packet to them, and each other address exactly once.

use std::{fmt::Write, fs, net::Ipv4Addr};

use anyhow::Result;
use prober_common::lab::mix;

use super::{
    Size,
    account::Account,
    coverage::{FIRST, Field, PATIENCE, PORTS},
    finding::Finding,
    prober::Scan,
};

/// One scan with the list.
pub fn run(size: Size) -> Result<Finding> {
    let field = Field::new(size)?;
    let directory = tempfile::tempdir()?;
    let (list, excluded) = random_prefixes(size.pick(500, 10_000), field.bits);
    let file = directory.path().join("excluded.txt");
    fs::write(&file, list)?;
    let (prefix, file) = (field.prefix(), file.to_string_lossy().into_owned());
    let scan = Scan::new(
        directory.path(),
        &[&prefix, "-p", PORTS.0, "-b", &file, "-r", "max", "--rate-per-24", "0", "-c", "100ms"],
    );
    scan.complete(&field.lab, PATIENCE)?;

    let (mut to_excluded, mut missing, mut repeated) = (0, 0, 0);
    let cells = field.lab.cells()?;
    for (i, &is_excluded) in excluded.iter().enumerate() {
        let address = Ipv4Addr::from(u32::from(FIRST) + i as u32);
        for port in PORTS.1 {
            match (cells.count(address, port).unwrap_or(0), is_excluded) {
                (count, true) => to_excluded += count,
                (0, false) => missing += 1,
                (count, false) => repeated += count - 1,
            }
        }
    }
    let mut finding = Finding::new("exclusions");
    let count = excluded.iter().filter(|is_excluded| **is_excluded).count();
    finding.note("excluded addresses", count as f64);
    finding.note("other addresses", (excluded.len() - count) as f64);
    finding.exactly("packets to excluded addresses", to_excluded, 0);
    finding.exactly("others never probed", missing, 0);
    finding.exactly("others probed again", repeated, 0);
    field.nothing_else(&mut finding)?;
    Account::read(&scan.database())?.close(&mut finding);
    Ok(finding)
}

/// A list of prefixes inside the field, as a file has them, and for each address whether one of them holds it.
fn random_prefixes(count: u64, field_bits: u32) -> (String, Vec<bool>) {
    let mut list = String::from("# random prefixes\n");
    let mut excluded = vec![false; 1 << (32 - field_bits)];
    for i in 0..count {
        let chance = mix(i ^ 0x5eed);
        // From single addresses to prefixes of 64.
        let bits = 26 + (chance >> 8) as u32 % 7;
        let len = 1usize << (32 - bits);
        let first = ((chance >> 32) as usize % excluded.len()) & !(len - 1);
        excluded[first..first + len].fill(true);
        let address = Ipv4Addr::from(u32::from(FIRST) + first as u32);
        // Writing to a String cannot fail.
        let _ = writeln!(list, "{address}/{bits} # number {i}");
    }
    (list, excluded)
}
