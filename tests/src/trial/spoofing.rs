//! An attacker who knows whom we probe, on which ports and from where, but not the key, sends forged answers while a
//! scan runs and while it waits for late replies.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Result;
use prober_common::{
    address::V4,
    lab::{one_in, population_hash},
};

use super::{
    Size,
    account::{self, Account},
    finding::{Bound, Finding},
    prober::Scan,
};
use crate::{
    far_end::FarEndConfig,
    forger::{self, Forgery},
    lab::Lab,
};

const FIRST: Ipv4Addr = Ipv4Addr::new(20, 8, 0, 0);
const PATIENCE: Duration = Duration::from_mins(10);

/// One scan of addresses of which one in 16 answers truly, under forged answers from all of them.
pub fn run(size: Size) -> Result<Finding> {
    let (bits, rate, frames) = size.pick((20, "2k", 200_000), (16, "10k", 10_000_000));
    let config = FarEndConfig { answer_one_in: 16, ..FarEndConfig::default() };
    let lab = Lab::reflector(&config)?;
    let directory = tempfile::tempdir()?;
    // It waits until it is told that the attack is over.
    let targets = format!("{FIRST}/{bits}");
    let scan = Scan::new(
        directory.path(),
        &[&targets, "-p", "80,icmp", "-r", rate, "--rate-per-24", "0", "-c", "20m", "--profile", "linux"],
    );
    let mut running = scan.start(&lab)?;
    running.until("the first probe", PATIENCE, || Ok(lab.counts()?.probes() > 0))?;
    let addresses = 1u32 << (32 - bits);
    let (_, to_mac) = lab.macs().map(|(near, far)| (far, near))?;
    let forgery = Forgery { frames, first: FIRST, addresses, ports: vec![80], to: lab.source(), to_mac, seed: 3 };
    let forged = forger::forge(lab.world_side(), &forgery)?;
    running.until("done sending", PATIENCE, || Ok(lab.counts()?.probes() >= 2 * u64::from(addresses)))?;
    running.signal(libc::SIGINT)?;
    running.ended_within(PATIENCE)?.summary()?;

    let account = Account::read(&scan.database())?;
    let answered = |address: u32| population_hash(config.seed, V4(address)) < one_in(config.answer_one_in);
    // Whoever answers truly does so once, and never with RST.
    let mut untrue = 0;
    for row in account::rows(&scan.database(), "SELECT address, kind FROM reply")? {
        let [address, kind] = row.as_slice() else { continue };
        untrue += u64::from(kind == "1" || !answered(address.parse()?));
    }
    let mut finding = Finding::new("spoofing");
    finding.exactly("forged frames", forged.syn_acks + forged.rsts + forged.echo_replies, frames);
    finding.note("forged frames per second", (frames as f64 / (forged.elapsed_ns as f64 / 1e9)).round());
    let accepted = untrue + account.repeats + account.role("duplicate");
    finding.add("forged frames accepted", accepted as f64, Bound::AtMost(size.pick(1.0, 5.0)));
    finding.add("forged frames seen and refused", refused(&account) as f64, Bound::AtLeast(frames as f64 / 2.0));
    // Under the flood the wire itself has no room for some.
    let (sent, dropped) = (lab.counts()?.answers(), lab.dropped_by_the_wire()?);
    finding.note("true answers sent", sent as f64);
    finding.note("true answers that the wire dropped", dropped as f64);
    finding.exactly("true answers stored", account.rows - untrue, sent - dropped);
    account.close(&mut finding);
    Ok(finding)
}

fn refused(account: &Account) -> u64 {
    account.counter("bad_token") + account.counter("foreign")
}
