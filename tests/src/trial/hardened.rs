//! The daemon as its unit runs it: installed by the README's own commands on a host that is thrown away, under its own user
//! with the unit's capabilities and nothing else, configured by the example. It probes, stores, serves its pages, takes over
//! a changed configuration, exports, ends well, and goes on after a new start. `service_manager` says what of the unit is not
//! tried.

mod calls;
mod host;
mod service_manager;
mod unit;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::{
    host::{Host, steps},
    service_manager::ServiceManager,
    unit::Unit,
};
use super::{
    Size,
    account::Account,
    finding::{Bound, Finding},
    prober::Running,
    stage::end,
};
use crate::{far_end::FarEndConfig, lab::Lab, wire};

/// First visits come every two seconds or so.
const PATIENCE: Duration = Duration::from_mins(3);
const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../prober-userspace/systemd/prober.service");
const CONFIGURATION: &str = "/etc/prober/daemon.toml";
const DATABASE: &str = "/var/lib/prober/prober.duckdb";
const EXPORT: &str = "/var/lib/prober/export";

/// All of it.
pub fn run(_size: Size) -> Result<Finding> {
    let lab = Lab::reflector(&FarEndConfig { answer_one_in: 4, ..FarEndConfig::default() })?;
    let host = Host::new(&lab)?;
    let mut finding = Finding::new("hardened");
    install(&host, &mut finding)?;
    let unit = Unit::read(UNIT.as_ref())?;
    let trial = Trial { manager: ServiceManager::new(&lab, &host, &unit)?, lab: &lab, host: &host, unit: &unit };

    trial.confinement(&mut finding)?;
    let mut running = trial.manager.start()?;
    trial.ready(&mut running)?;
    trial.who_it_is(&running, &mut finding)?;
    trial.pages(&mut finding)?;
    trial.probes(&mut running, &mut finding)?;
    trial.reload(&mut running, &mut finding)?;
    trial.alive(&mut running, &mut finding)?;
    let visited = trial.visited()?;
    end(running)?;
    finding.exactly("told that it ends", trial.manager.has_told("STOPPING=1") as u64, 1);
    trial.patience(&mut finding);

    let mut running = trial.manager.start()?;
    trial.ready(&mut running)?;
    finding.add("addresses known after a new start", trial.visited()? as f64, Bound::AtLeast(visited as f64));
    let before = lab.counts()?.syn;
    running.until("probes after a new start", PATIENCE, || Ok(lab.counts()?.syn > before))?;
    end(running)?;
    trial.calls(&mut finding)?;
    // DuckDB follows the way to another mount namespace back to our own.
    let copy = host.outputs().join("copy.duckdb");
    std::fs::copy(host.path(DATABASE), &copy).context("the daemon left no database")?;
    Account::read(&copy)?.close(&mut finding);
    Ok(finding)
}

/// As the README says, but for what a running systemd would have to do.
fn install(host: &Host, finding: &mut Finding) -> Result<()> {
    let mut left_out = Vec::new();
    for step in steps()? {
        if step.starts_with("systemctl") || step.starts_with("prober status") {
            left_out.push(step);
            continue;
        }
        let output = host.shell(&step)?;
        if step.starts_with("prober config example") {
            configure(host)?;
        }
        if step.starts_with("prober config check") {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            finding.exactly("the configuration is without problems", u64::from(said.contains("no problem")), 1);
            finding.exactly("and without warnings", said.matches("warning: ").count() as u64, 0);
            finding.remark(format!("config check: {}", said.trim().replace('\n', "; ")));
        }
    }
    finding.remark(format!("left out of the README's steps: {}", left_out.join("; ")));
    let output = host.command("systemd-analyze").args(["verify", "/etc/systemd/system/prober.service"]).output();
    let output = output.context("systemd-analyze has to be installed: `cargo xtask setup`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let about: Vec<&str> = said.lines().filter(|line| line.contains("prober")).collect();
    finding.exactly("complaints about the unit as installed", about.len() as u64, 0);
    finding.remarks.extend(about.iter().map(|line| (*line).to_owned()));
    Ok(())
}

/// The example with names, targets and the interface replaced, and everything on that it has off.
fn configure(host: &Host) -> Result<()> {
    let file = host.path(CONFIGURATION);
    let example = std::fs::read_to_string(&file).context("the README's steps left no configuration")?;
    let (interface, folder) = (format!("\"{}\"", wire::NEAR), format!("\"{EXPORT}\""));
    let changes = [
        ("operator", "name", "\"Lab\""),
        ("operator", "contact", "\"mailto:lab@example.org\""),
        ("operator", "url", "\"https://scan.example.org\""),
        ("targets", "ranges", "\"20.0.0.0/11\""),
        ("exclusions", "files", "\"/etc/prober/optout.txt\""),
        ("way-out", "interface", interface.as_str()),
        ("export", "folder", folder.as_str()),
        ("http", "metrics", "\"127.0.0.1:9477\""),
        ("http", "pages", "\"0.0.0.0:8080\""),
    ];
    let mut text = example;
    for (section, name, value) in changes {
        text = with(&text, section, name, value).with_context(|| format!("the example has no {section}.{name}"))?;
    }
    std::fs::write(&file, text)?;
    Ok(std::fs::write(host.path("/etc/prober/optout.txt"), "20.1.0.0/16 # asked by mail\n")?)
}

/// A configuration with one setting replaced, or no longer commented out.
fn with(text: &str, section: &str, name: &str, value: &str) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let head = format!("[{section}]");
    let begin = lines.iter().position(|line| *line == head)?;
    let (active, off) = (format!("{name} = "), format!("# {name} = "));
    let place = begin
        + 1
        + lines[begin + 1..]
            .iter()
            .take_while(|line| !line.starts_with('['))
            .position(|line| line.starts_with(&active) || line.starts_with(&off))?;
    lines[place] = format!("{name} = {value}");
    Some(lines.join("\n") + "\n")
}

struct Trial<'a> {
    manager: ServiceManager<'a>,
    lab: &'a Lab,
    host: &'a Host,
    unit: &'a Unit,
}

impl Trial<'_> {
    /// Whether what is taken away is away, tried from within.
    fn confinement(&self, finding: &mut Finding) -> Result<()> {
        let may = |line: &str| -> Result<u64> { Ok(u64::from(self.manager.run(line)?.status.success())) };
        finding.exactly("may write to its state", may("touch /var/lib/prober/tried")?, 1);
        finding.exactly("may write to its run folder", may("touch /run/prober/tried")?, 1);
        for elsewhere in ["/etc/prober/tried", "/var/tried", "/usr/local/bin/tried", "/proc/sys/net/ipv4/ip_forward"] {
            finding.exactly(format!("may write {elsewhere}"), may(&format!("touch {elsewhere}"))?, 0);
        }
        finding.exactly("may see into /root", may("ls /root")?, 0);
        finding.exactly("may become root", may("setpriv --reuid=0 true")?, 0);
        finding.exactly("may read its configuration", may(&format!("cat {CONFIGURATION}"))?, 1);
        Ok(())
    }

    fn ready(&self, running: &mut Running) -> Result<()> {
        running.until("ready", PATIENCE, || Ok(self.manager.has_told("READY=1") > 0))
    }

    /// User, groups and capabilities of the process, as the kernel has them.
    fn who_it_is(&self, running: &Running, finding: &mut Finding) -> Result<()> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid()))?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.split_whitespace().collect::<Vec<_>>()).unwrap_or_default()
        };
        let user = of("Uid");
        finding.exactly("user ids other than one", user.iter().filter(|id| **id != user[0]).count() as u64, 0);
        finding.exactly("runs as root", u64::from(user.contains(&"0")), 0);
        finding.exactly("further groups", of("Groups").len() as u64, 0);
        finding.exactly("may gain privileges", u64::from(of("NoNewPrivs") != ["1"]), 0);
        let mask =
            |name: &str| of(name).first().and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(u64::MAX);
        let granted = self.unit.capabilities("CapabilityBoundingSet").len() as u64;
        finding.add("capabilities at most", mask("CapBnd").count_ones().into(), Bound::AtMost(granted as f64));
        // It gives up what it does not use once it has started.
        finding.add("capabilities kept", mask("CapPrm").count_ones().into(), Bound::AtMost(granted as f64));
        finding.exactly("capabilities handed on", mask("CapAmb").count_ones().into(), 0);
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.pid()))?;
        for line in
            limits.lines().filter(|line| line.starts_with("Max locked memory") || line.starts_with("Max open files"))
        {
            finding
                .remark(format!("as this machine lets it: {}", line.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        Ok(())
    }

    fn pages(&self, finding: &mut Finding) -> Result<()> {
        let pages = [
            ("127.0.0.1:8080", "/", "Lab"),
            ("127.0.0.1:8080", "/.well-known/probing.txt", "mailto:lab@example.org"),
            ("127.0.0.1:9477", "/metrics", "prober_"),
        ];
        for (server, path, holds) in pages {
            let page = self.lab.prober().run(|| get(server, path))??;
            let is_good = page.starts_with("HTTP/1.1 200") && page.contains(holds);
            finding.exactly(format!("serves {path}"), u64::from(is_good), 1);
        }
        Ok(())
    }

    fn probes(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        running.until("probes", PATIENCE, || Ok(self.lab.counts()?.syn > 0))?;
        let open = "SELECT count(*) FROM open_port";
        running.until("an open port was stored", PATIENCE, || {
            std::thread::sleep(Duration::from_millis(200));
            Ok(self.number(open)? > 0)
        })?;
        finding.note("open ports stored", self.number(open)? as f64);
        let asked = "SELECT count(*) FROM banner";
        running.until("an open port was asked who it is", PATIENCE, || {
            std::thread::sleep(Duration::from_millis(200));
            Ok(self.number(asked)? > 0)
        })?;
        finding.note("banners asked for", self.number(asked)? as f64);
        let status = self.status()?;
        finding.exactly("sending is held back", status["holds"].as_array().map_or(1, Vec::len) as u64, 0);
        let sent = status["watch"]["probing"]["sent"].as_f64().unwrap_or_default();
        // The kernel's own, of the banners, come on top.
        finding.add(
            "probes sent and not counted at the far end",
            sent - self.lab.counts()?.syn as f64,
            Bound::AtMost(0.0),
        );
        let exported = || std::fs::read_dir(self.host.path(&format!("{EXPORT}/latest"))).map_or(0, Iterator::count);
        running.until("an export", PATIENCE, || Ok(exported() > 0))?;
        finding.note("files exported", exported() as f64);
        Ok(())
    }

    /// By the command of the unit, and by the signal.
    fn reload(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let file = self.host.path(CONFIGURATION);
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, with(&text, "operator", "name", "\"Other Lab\"").context("no name")?)?;
        let output = self.manager.run(self.unit.value("ExecReload")?)?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the unit's reload failed: {}", complaint.trim());
        let page = self.lab.prober().run(|| get("127.0.0.1:8080", "/"))??;
        finding.exactly("the page shows what was reloaded", u64::from(page.contains("Other Lab")), 1);
        running.signal(1)?;
        let by_signal = "SELECT count(*) FROM audit WHERE what = 'config.reload' AND who = 'SIGHUP'";
        running.until("the reload by signal in the trail", PATIENCE, || Ok(self.number(by_signal)? == 1))?;
        finding.exactly(
            "reloads in the trail",
            self.number("SELECT count(*) FROM audit WHERE what = 'config.reload'")?,
            2,
        );
        finding.exactly("told that it is ready", self.manager.has_told("READY=1") as u64, 3);
        Ok(())
    }

    /// The manager hears that it lives, and its state in words.
    fn alive(&self, running: &mut Running, finding: &mut Finding) -> Result<()> {
        let so_far = self.manager.has_told("WATCHDOG=1");
        running.until("told that it lives", PATIENCE, || Ok(self.manager.has_told("WATCHDOG=1") >= so_far + 3))?;
        let lines = self.manager.heard().iter().filter(|told| told.starts_with("STATUS=")).count();
        finding.add("states told in words", lines as f64, Bound::AtLeast(1.0));
        Ok(())
    }

    /// It asks for time while it starts and while it ends, and never in between.
    fn patience(&self, finding: &mut Finding) {
        let heard = self.manager.heard();
        let place = |notice: &str| heard.iter().position(|told| told.lines().any(|line| line == notice));
        let (ready, stopping) = (place("READY=1").unwrap_or(0), place("STOPPING=1").unwrap_or(0));
        let asks = |told: &&String| told.starts_with("EXTEND_TIMEOUT_USEC=");
        finding.add(
            "asked for time at its start",
            heard[..ready].iter().filter(asks).count() as f64,
            Bound::AtLeast(1.0),
        );
        finding.exactly("and once it was ready", heard[ready..stopping].iter().filter(asks).count() as u64, 0);
        finding.add("and at its end", heard[stopping..].iter().filter(asks).count() as f64, Bound::AtLeast(1.0));
    }

    /// What it calls of the kernel, from its start to its end.
    fn calls(&self, finding: &mut Finding) -> Result<()> {
        const TRACE: &str = "/var/lib/prober/trace";
        let mut running = self.manager.start_traced(TRACE)?;
        self.ready(&mut running)?;
        let before = self.lab.counts()?.syn;
        running.until("probes under strace", PATIENCE, || Ok(self.lab.counts()?.syn > before))?;
        self.number("SELECT count(*) FROM reply")?;
        self.command("control --socket /run/prober/daemon.sock stop")?;
        let ended = running.ended_within(PATIENCE)?;
        ensure!(ended.status.success(), "prober daemon failed under strace: {}", ended.complained);
        let refused = calls::refused(self.unit, &self.host.path(TRACE))?;
        finding.exactly("system calls that the unit's filter refuses", refused.len() as u64, 0);
        if !refused.is_empty() {
            finding
                .remark(format!("refused by SystemCallFilter=: {}", refused.into_iter().collect::<Vec<_>>().join(" ")));
        }
        Ok(())
    }

    /// Targets that it knows more of than that they exist.
    fn visited(&self) -> Result<u64> {
        let watch = &self.status()?["watch"];
        let number = |value: &Value| value.as_u64().context("the status has a number less");
        Ok(number(&watch["targets"])? - number(&watch["standings"]["new"])?)
    }

    fn status(&self) -> Result<Value> {
        serde_json::from_str(&self.command("status --json")?).context("`prober status` printed no JSON")
    }

    fn number(&self, sql: &str) -> Result<u64> {
        let said = self.command(&format!("sql --format csv --db {DATABASE} \"{sql}\""))?;
        said.lines().nth(1).and_then(|number| number.parse().ok()).with_context(|| format!("`{said}` is no number"))
    }

    /// `prober` as its user calls it, like `sudo -u prober`.
    fn command(&self, arguments: &str) -> Result<String> {
        let user = self.unit.value("User")?;
        let line = format!(
            "exec env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/var/lib/prober setpriv --reuid={user} --regid={user} \
             --init-groups --inh-caps=-all prober {arguments}"
        );
        let output = self.host.shell(&line)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What a server answers to a request for a page, its head included.
fn get(server: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(server).with_context(|| format!("nobody listens on {server}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_replaced_in_its_own_section_only() {
        let text = "[a]\nname = 1\n[b]\n# about\n# name = 2\nother = 3\n";
        assert_eq!(with(text, "b", "name", "4").unwrap(), "[a]\nname = 1\n[b]\n# about\nname = 4\nother = 3\n");
        assert_eq!(with(text, "a", "other", "4"), None);
        assert_eq!(with(text, "c", "name", "4"), None);
    }
}
