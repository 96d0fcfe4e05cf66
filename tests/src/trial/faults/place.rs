//! What is wrong with the host and its network: each case makes the place a little worse than the one before.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};

use super::{PATIENCE, judge};
use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    trial::{
        account::Account,
        finding::{Bound, Finding},
        prober::{self, Running, Scan},
    },
    wire,
    world::{Habits, WorldConfig, delay::Delay},
};

/// The cases, in one lab.
pub fn run() -> Result<Finding> {
    let lab = Lab::reflector(&FarEndConfig { answer_one_in: 1, ..FarEndConfig::default() })?;
    let directory = tempfile::tempdir()?;
    let scan = Scan::new(directory.path(), &["20.6.0.0/24", "-p", "80", "-r", "5k", "-c", "300ms"]);
    let mut finding = Finding::new("place");
    generic(&mut finding)?;
    let try_it = |finding: &mut Finding, case: &str, scan: &Scan, words: &[&str]| -> Result<()> {
        judge(finding, case, &scan.start(&lab)?.ended_within(PATIENCE)?, 1, words);
        Ok(())
    };

    unprivileged(&lab, &mut finding)?;
    try_it(&mut finding, "interface missing", &scan.and(&["-i", "nope0"]), &["nope0", wire::NEAR])?;
    lab.prober().ip(&["route", "replace", "default", "via", "20.255.0.77"])?;
    try_it(&mut finding, "gateway silent", &scan, &["20.255.0.77", "ARP", "--gateway-mac"])?;
    lab.prober().ip(&["route", "del", "default"])?;
    try_it(&mut finding, "no route", &scan, &["no route to 20.6.0.", "ip route add"])?;
    lab.prober().ip(&["address", "flush", "dev", wire::NEAR])?;
    let by_name = scan.and(&["-i", wire::NEAR, "--gateway-mac", "02:00:00:00:00:01"]);
    try_it(&mut finding, "no address", &by_name, &[wire::NEAR, "no IPv4 address", "--source-ip"])?;
    lab.prober().ip(&["link", "set", wire::NEAR, "down"])?;
    try_it(&mut finding, "interface down", &by_name, &[wire::NEAR, "is down", "ip link set p0 up"])?;
    finding.exactly("probes of refused scans", lab.counts()?.probes(), 0);
    Ok(finding)
}

/// Nobody may not scan. He cannot look into our directories either, so he gets a copy.
fn unprivileged(lab: &Lab, finding: &mut Finding) -> Result<()> {
    let directory = tempfile::tempdir()?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777))?;
    let copy = directory.path().join("prober");
    fs::copy(prober::program()?, &copy).context("cannot copy the prober")?;
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    let mut command = lab.command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(&copy).args(["scan", "20.6.0.0/24", "-p", "80", "--db", "nobody.duckdb"]);
    let ended = Running::start(command, directory.path())?.ended_within(PATIENCE)?;
    judge(finding, "not root", &ended, 1, &["privileges", "CAP_NET_RAW", "run as root"]);
    Ok(())
}

/// An interface that cannot run XDP natively: the far end's frames might be too large. It is said, and the scan goes on.
///
/// The world sends from a socket: what the reflector's program sends only gets through between two native programs.
fn generic(finding: &mut Finding) -> Result<()> {
    let habits = Habits { delay: Some(Delay::Constant { ns: 2_000_000 }), loss: Some(0.0), duplicates: Some(0.0) };
    let far_end = FarEndConfig { seed: 4, answer_one_in: 1, ..FarEndConfig::default() };
    let mut lab = Lab::world(&far_end, &WorldConfig { habits, replays: 0, records: None, ..WorldConfig::default() })?;
    lab.world_side().ip(&["link", "set", wire::FAR, "mtu", "9000"])?;
    let directory = tempfile::tempdir()?;
    let targets = "20.10.0.0/23";
    let scan = Scan::new(directory.path(), &[targets, "-p", "80,icmp", "-r", "5k", "--rate-per-24", "0", "-c", "1s"]);
    let ended = scan.start(&lab)?.ended_within(PATIENCE)?;
    finding.exactly("generic XDP: exit code", ended.status.code().unwrap_or(-1).unsigned_abs().into(), 0);
    let said = ended.complained.lines().find(|line| line.contains("warning")).unwrap_or_default().to_owned();
    finding.exactly("generic XDP: said aloud", u64::from(said.contains("generic") && said.contains(wire::NEAR)), 1);
    finding.remark(format!("generic XDP: {}", ended.complained.trim_end()));
    let counts = lab.stop_world()?;
    let account = Account::read(&scan.database())?;
    finding.add("generic XDP: answers", counts.answered as f64, Bound::AtLeast(100.0));
    finding.exactly("generic XDP: rows", account.rows, counts.answered);
    account.close(finding);
    Ok(())
}
