//! Weeks of a watch over the wire in compressed time: a simulated country that the emulated world answers for, and the
//! `prober watch` or `prober daemon` that keeps watch over it. What is made of the figures is not here.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use prober_common::address::V4;
use prober_common::event::ProbeKind;
use prober_userspace::model::watch::{SchemeConfig, SchemeKind};
use prober_userspace::policy::derive::PortCounts;
use prober_userspace::policy::port_bits::PortBits;
use prober_userspace::simulate::country::{Country, CountryConfig, make, sample};
use prober_userspace::simulate::watch::{FIRST_ADDRESS, Standard, standard};
use prober_userspace::target::ports::ProbePort;

use crate::{
    far_end::FarEndConfig,
    lab::Lab,
    trial::prober::program,
    world::{WorldConfig, country::LivingCountry},
};

/// Hosts whose open ports decide which ports are watched.
const HOSTS: usize = 50_000;

/// Which weeks.
#[derive(Clone, Copy, Debug)]
pub struct WeeksConfig {
    /// By which scheme.
    pub kind: SchemeKind,
    /// Addresses of the country; a power of two.
    pub addresses: usize,
    /// Days that pass,
    pub days: u32,
    /// in so many seconds.
    pub seconds: u32,
    /// Of the hosts that answer, those whose banners show a device that is known, 0 to 1; as published if not said.
    pub showing: Option<f64>,
}

/// Weeks, ready to be watched.
#[derive(Clone, Debug)]
pub struct Weeks {
    config: WeeksConfig,
    country: CountryConfig,
    /// The standard set.
    pub ports: Vec<u16>,
    /// What the watch is told of its scheme.
    pub scheme: SchemeConfig,
}

impl Weeks {
    /// Of the country that this seed makes.
    pub fn new(config: WeeksConfig, seed: u64) -> Self {
        let usual = CountryConfig::default();
        let country = CountryConfig {
            addresses: config.addresses,
            days: config.days,
            seed,
            showing: config.showing.unwrap_or(usual.showing),
            ..usual
        };
        let ports = likeliest_ports(&country, ports_of(config.kind));
        let scheme = SchemeConfig { answering: country.answering, ..SchemeConfig::usual(config.kind, ports.clone()) };
        Self { config, country, ports, scheme }
    }

    /// Seconds of the country's clock per second.
    pub fn time_scale(&self) -> f64 {
        f64::from(self.config.days * 86_400) / f64::from(self.config.seconds)
    }

    /// The country. The same each time.
    pub fn country(&self) -> Country {
        make(&self.country)
    }

    /// Its configuration.
    pub fn country_config(&self) -> &CountryConfig {
        &self.country
    }

    /// What the standard scheme sends and finds there.
    pub fn truth(&self) -> Standard {
        let set: PortBits = self.ports.iter().copied().collect();
        standard(&self.country(), &set)
    }

    /// A lab whose far end is the country; its clock begins with the first probe.
    pub fn lab(&self) -> Result<Lab> {
        let living = LivingCountry::new(self.country(), FIRST_ADDRESS, self.time_scale());
        let far_end = FarEndConfig { answer_one_in: 1, ring_bytes: 1 << 27, talk: true, ..FarEndConfig::default() };
        Lab::world(&far_end, &WorldConfig { country: Some(living), ..WorldConfig::default() })
    }

    /// The watch, to be run in that lab.
    pub fn command(&self, lab: &Lab, database: &Path) -> Result<Command> {
        let mut command = lab.command(&program()?.to_string_lossy());
        let list: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let bits = 32 - self.config.addresses.ilog2();
        command
            .args(["watch", &format!("{}/{bits}", V4(FIRST_ADDRESS)), "--allow-special"])
            .args(["-p", &list.join(","), "--scheme", self.config.kind.name(), "-r", "400k", "--rate-per-24", "0"])
            .args(["--rate-per-address", "0", "-c", "500ms", "--checkpoint-interval", "1s"])
            .args(["--reduction", &self.scheme.reduction.to_string()])
            .args(["--exploration", &self.scheme.exploration.to_string()])
            .args(["--answering", &self.scheme.answering.to_string(), "--time-scale", &self.time_scale().to_string()])
            .args(["--sample", "0", "--max-runtime", &format!("{}s", self.config.seconds), "--db"])
            .arg(database);
        Ok(command)
    }
}

/// The daemon over the same weeks, with its files in a folder.
impl Weeks {
    /// Its configuration. No limits but the overall one, because nobody else's network is in the way, and as time is
    /// compressed.
    pub fn configuration(&self, folder: &Path) -> String {
        let at = |name: &str| folder.join(name).display().to_string();
        let ports: Vec<String> = self.ports.iter().map(|port| format!("\"{port}\"")).collect();
        let bits = 32 - self.config.addresses.ilog2();
        format!(
            "[operator]\nname = \"Laboratory\"\ncontact = \"mailto:lab@example.org\"\n\
             [targets]\nranges = \"{}/{bits}\"\nallow-special = true\n\
             [probing]\nscheme = \"{}\"\nports = [{}]\nreduction = \"{}\"\nsample = 0\nexploration = \"{}%\"\nanswering = \"{}%\"\n\
             rate = \"400k\"\nrate-per-24 = 0\nrate-per-address = 0\ncooldown = \"500ms\"\ntime-scale = \"{}\"\n\
             [banners]\nrate = \"max\"\nrate-per-24 = 0\ntimeout = \"1s\"\n\
             [store]\ndatabase = \"{}\"\n\
             [control]\nsocket = \"{}\"\nkill-switch = \"{}\"\n",
            V4(FIRST_ADDRESS),
            self.config.kind.name(),
            ports.join(", "),
            self.scheme.reduction,
            self.scheme.exploration * 100.0,
            self.scheme.answering * 100.0,
            self.time_scale(),
            at("watch.duckdb"),
            at("daemon.sock"),
            at("STOP"),
        )
    }

    /// The daemon, to be run in that lab; writes its configuration.
    pub fn daemon(&self, lab: &Lab, folder: &Path) -> Result<Command> {
        let file = folder.join("daemon.toml");
        fs::write(&file, self.configuration(folder)).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = lab.command(&program()?.to_string_lossy());
        command.args(["daemon", "--config"]).arg(file);
        Ok(command)
    }
}

/// Ports of the standard set. The published scheme probes all of them at each address within half a day of the country,
/// which passes in seconds; the predictive one does not, but has to have some to choose from.
const fn ports_of(kind: SchemeKind) -> usize {
    match kind {
        SchemeKind::Standard | SchemeKind::Efficient => 200,
        SchemeKind::Predictive => 2_000,
    }
}

/// The most frequent ports of the country's kind of hosts, without those that are barred.
pub fn likeliest_ports(country: &CountryConfig, most: usize) -> Vec<u16> {
    let hosts = sample(country, HOSTS);
    let counts = PortCounts::of(hosts.iter().map(Vec::as_slice));
    let is_allowed = |port: &u16| !ProbePort { kind: ProbeKind::TcpSyn, port: *port }.is_printer();
    counts.above(0).into_iter().filter(is_allowed).take(most).collect()
}
