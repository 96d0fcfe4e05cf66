//! One site: a namespace behind the world, its addresses, and what runs in it.

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{inetd::Inetd, program::Program};
use crate::{
    namespace::{self, Namespace},
    sys, wire,
};

/// A site; its programs end, then its namespace, when it is dropped.
pub struct Site {
    children: Vec<(&'static str, Child, PathBuf)>,
    listeners: Vec<Inetd>,
    namespace: Namespace,
}

/// First of the 256 addresses of the site with this number.
pub fn network(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(20, 1, number, 0)
}

/// The site's own address, by which only the lab reaches it.
pub fn inner_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(20, 254, number, 2)
}

impl Site {
    /// Makes the namespace, and the way to it from `world`.
    pub fn create(world: &Namespace, suffix: &str, number: u8) -> Result<Self> {
        let namespace = Namespace::create("site", suffix)?;
        let (outer, inner) = (Ipv4Addr::new(20, 254, number, 1), inner_address(number));
        let (outer_end, network) = (format!("s{number}"), format!("{}/24", network(number)));
        world.ip(&["link", "add", &outer_end, "type", "veth", "peer", "name", "up0", "netns", namespace.name()])?;
        world.ip(&["address", "add", &format!("{outer}/30"), "dev", &outer_end])?;
        world.ip(&["link", "set", &outer_end, "up"])?;
        namespace.ip(&["address", "add", &format!("{inner}/30"), "dev", "up0"])?;
        namespace.ip(&["link", "set", "up0", "up"])?;
        namespace.ip(&["route", "add", "default", "via", &outer.to_string()])?;
        namespace.ip(&["route", "add", "local", &network, "dev", "lo"])?;
        world.ip(&["route", "add", &network, "via", &inner.to_string()])?;
        wire::lift_limits(&namespace)?;
        Ok(Self { children: Vec::new(), listeners: Vec::new(), namespace })
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Lets all of `prefix`, which lies in the servers' own, lead here too: a bench needs many addresses.
    pub fn widen(&self, world: &Namespace, number: u8, prefix: &str) -> Result<()> {
        self.namespace.ip(&["route", "add", "local", prefix, "dev", "lo"])?;
        world.ip(&["route", "add", prefix, "via", &inner_address(number).to_string()])
    }

    /// Starts a program with its files in `directory`.
    pub fn start(&mut self, program: Program, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let arguments = program.prepare(directory)?;
        if program == Program::Telnet {
            self.listeners.push(Inetd::start(&self.namespace, program.port(), program.path()?, arguments)?);
            return Ok(());
        }
        let log = directory.join("log");
        let out = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = self
            .namespace
            .command(program.path()?)
            .args(arguments)
            .env("SNMP_PERSISTENT_DIR", directory)
            // No names for what nobody asks, and no pages of complaints that their files are not there.
            .env("MIBS", "")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        self.children.push((program.name(), child, log));
        Ok(())
    }

    /// The first of its programs that has ended, as a program in the foreground should not.
    pub fn ended(&mut self) -> Option<&'static str> {
        self.children.iter_mut().find_map(|(name, child, _)| child.try_wait().ok().flatten().map(|_| *name))
    }

    /// What its programs wrote last, for an error message.
    pub fn complaints(&self) -> String {
        let last = |log: &PathBuf| fs::read_to_string(log).ok()?.trim().lines().last().map(str::to_owned);
        let lines: Vec<String> =
            self.children.iter().filter_map(|(name, _, log)| Some(format!("{name}: {}", last(log)?))).collect();
        lines.join("; ")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        self.listeners.clear();
        for (_, child, _) in &self.children {
            sys::end_process(child.id(), false);
        }
        let started = Instant::now();
        for (_, child, _) in &mut self.children {
            while matches!(child.try_wait(), Ok(None)) && started.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(5));
            }
            // A child that is gone already is no reason to worry.
            let _ = child.kill();
            let _ = child.wait();
        }
        // What the servers started for their clients.
        if let Err(error) = namespace::end_processes_in(self.namespace.name()) {
            log::warn!("{error:#}");
        }
    }
}
