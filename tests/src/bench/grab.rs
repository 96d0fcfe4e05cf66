//! Banners per second, and what they cost: `prober grab` beside `nmap -sV` and `masscan --banners`, all asking the same
//! nginx. Packets are counted at the far end; nginx runs on the same processors.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::prober;
use crate::{far_end::FarEndConfig, lab::Lab, servers::WIDE};

/// Addresses in [`WIDE`].
const WIDE_ADDRESSES: u32 = 1 << 15;
/// An address on the wire that nobody has: masscan's own TCP must not meet the kernel's.
const MASSCAN_SOURCE: &str = "20.255.0.9";

/// One tool's run.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    tool: &'static str,
    /// Addresses asked.
    targets: u32,
    /// Those whose web server was named.
    named: u64,
    /// Time, in s.
    seconds: f64,
    /// Banners/s.
    per_second: f64,
    /// Packets from the tool that reached the far end, per target.
    packets_per_target: f64,
}

/// All runs.
#[derive(Clone, Debug, Serialize)]
pub struct Grabs {
    rows: Vec<Row>,
}

/// Measures: the prober on all of [`WIDE`], then every tool on the same few addresses.
pub fn measure(targets: u32) -> Result<Grabs> {
    ensure!((1..=4096).contains(&targets), "1 to 4096 targets");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut lab = Lab::reflector(&FarEndConfig::default())?;
    lab.serve(&folder.path().join("servers"))?;
    lab.widen()?;
    let list = folder.path().join("targets.txt");
    let first = u32::from(std::net::Ipv4Addr::new(20, 1, 128, 0));
    let lines: Vec<_> = (first..first + targets).map(|one| std::net::Ipv4Addr::from(one).to_string()).collect();
    fs::write(&list, lines.join("\n") + "\n").context("cannot write the targets")?;
    let list = list.to_str().context("the path of the list is not UTF-8")?.to_owned();
    let place = folder.path();
    let rows = vec![
        row(&lab, "prober", WIDE_ADDRESSES, |lab| grab(lab, place, &[WIDE]))?,
        row(&lab, "prober", targets, |lab| grab(lab, place, &["-w", &list]))?,
        row(&lab, "nmap -sV", targets, |lab| nmap(lab, place, &list))?,
        row(&lab, "masscan --banners", targets, |lab| masscan(lab, place, &list))?,
    ];
    Ok(Grabs { rows })
}

/// Times a tool and counts its packets; `run` gives how many servers it named, and the seconds if the tool itself knows
/// better.
fn row(lab: &Lab, tool: &'static str, targets: u32, run: impl FnOnce(&Lab) -> Result<u64>) -> Result<Row> {
    let before = lab.counts()?.frames;
    let started = Instant::now();
    let named = run(lab).with_context(|| format!("while {tool} ran"))?;
    let seconds = started.elapsed().as_secs_f64();
    let packets = lab.counts()?.frames - before;
    Ok(Row {
        tool,
        targets,
        named,
        seconds,
        per_second: named as f64 / seconds,
        packets_per_target: packets as f64 / f64::from(targets),
    })
}

fn grab(lab: &Lab, place: &Path, targets: &[&str]) -> Result<u64> {
    let database = place.join("grab.duckdb");
    let _ = fs::remove_file(&database);
    let output = lab
        .command(prober()?.to_str().context("the path of the program is not UTF-8")?)
        .arg("grab")
        .args(targets)
        .args(["-p", "80", "--allow-special", "--rate", "max", "--rate-per-24", "0", "--json", "--quiet", "--db"])
        .arg(&database)
        .output()
        .context("cannot run the prober")?;
    ensure!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let summary: Value = serde_json::from_slice(&output.stdout).context("its summary is not JSON")?;
    summary["by_protocol"]["http"].as_u64().context("it found no web server")
}

fn nmap(lab: &Lab, place: &Path, list: &str) -> Result<u64> {
    let found = place.join("nmap.txt");
    let mut command = lab.command("nmap");
    command.args(["-n", "-Pn", "-sV", "-p", "80", "--min-hostgroup", "256", "-iL", list, "-oG"]).arg(&found);
    finish(command, Duration::from_mins(30))?;
    let text = fs::read_to_string(&found).context("nmap wrote nothing")?;
    Ok(text.lines().filter(|line| line.contains("nginx")).count() as u64)
}

/// masscan looks at its clock only when a packet comes: without pings it would neither ask nor end.
fn masscan(lab: &Lab, place: &Path, list: &str) -> Result<u64> {
    let found = place.join("masscan.txt");
    let (source_mac, gateway_mac) = lab.macs()?;
    let mac = |mac: [u8; 6]| mac.map(|octet| format!("{octet:02x}")).join(":");
    let mut command = lab.command("masscan");
    command
        .args(["-iL", list, "-p80", "--banners", "--rate", "10000", "--wait", "10", "-e", &lab.interface()])
        .args(["--router-mac", &mac(gateway_mac), "--adapter-mac", &mac(source_mac)])
        .args(["--adapter-ip", MASSCAN_SOURCE, "-oL"])
        .arg(&found);
    let mut ping = lab.world_side().command("ping");
    ping.args(["-q", "-i", "0.1", &lab.source().to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut ping = ping.spawn().context("cannot run ping")?;
    let ended = finish(command, Duration::from_mins(2));
    let _ = ping.kill();
    let _ = ping.wait();
    ended?;
    let text = fs::read_to_string(&found).context("masscan wrote nothing")?;
    let mut named: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("banner") && line.contains("nginx"))
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    named.sort_unstable();
    named.dedup();
    Ok(named.len() as u64)
}

fn finish(mut command: Command, patience: Duration) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run it; `cargo xtask setup` installs it")?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for it")? {
            ensure!(status.success(), "it ended with {status}");
            return Ok(());
        }
        if started.elapsed() > patience {
            crate::sys::end_process(child.id(), false);
            std::thread::sleep(Duration::from_secs(2));
            let _ = child.kill();
            let _ = child.wait();
            bail!("it did not end within {} s", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl std::fmt::Display for Grabs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{:<18} {:>8} {:>8} {:>9} {:>10} {:>14}",
            "tool", "targets", "named", "seconds", "per second", "packets/target"
        )?;
        for row in &self.rows {
            write!(
                out,
                "\n{:<18} {:>8} {:>8} {:>9.2} {:>10.1} {:>14.1}",
                row.tool, row.targets, row.named, row.seconds, row.per_second, row.packets_per_target
            )?;
        }
        Ok(())
    }
}
