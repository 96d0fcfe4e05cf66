//! Real servers behind the world: four sites, each a namespace of its own with a /24 of addresses that all lead to it
//! (`AnyIP`), so that the same port can be a different program elsewhere. Debian's binaries, our configuration, nothing
//! of the host's; nobody can log in anywhere.

mod inetd;
mod program;
mod site;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use prober_common::{address::V4, lab::Prefix};

use crate::namespace::Namespace;
use program::Program;
use site::Site;

/// Everything below this goes to the kernel's stack, and from there to the sites.
pub const PREFIX: Prefix = Prefix::new(V4(0x1401_0000), 16);

/// 32,768 addresses that can be one site's, for a bench.
pub const WIDE: &str = "20.1.128.0/17";

/// A site: its name, third octet and programs.
const SITES: [(&str, u8, &[Program]); 4] = [
    ("web", 1, &[Program::Nginx, Program::OpenSsh, Program::Vsftpd]),
    ("router", 2, &[Program::Lighttpd, Program::Dropbear, Program::Telnet, Program::Snmp]),
    ("camera", 3, &[Program::Lighttpd, Program::Telnet, Program::Rtsp, Program::Camera]),
    ("broker", 4, &[Program::Mosquitto, Program::OpenSsh]),
];

/// Where a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its program.
    pub name: &'static str,
    /// First of 256 addresses.
    pub network: Ipv4Addr,
    /// The port; UDP for SNMP, TCP for all others.
    pub port: u16,
    /// Whether the port is UDP's.
    pub udp: bool,
}

/// Running servers; they end when this is dropped.
pub struct Servers {
    sites: Vec<Site>,
}

impl Servers {
    /// Starts all of them below `world`, with their files in `directory`. Returns when each accepts connections.
    pub fn start(world: &Namespace, suffix: &str, directory: &Path) -> Result<Self> {
        let mut sites = Vec::new();
        for (name, number, programs) in SITES {
            let mut site = Site::create(world, &format!("{suffix}-{name}"), number)?;
            for &program in programs {
                let files = directory.join(format!("{name}-{}", program.name()));
                site.start(program, &files).with_context(|| format!("cannot start {}", program.name()))?;
            }
            sites.push(site);
        }
        let mut servers = Self { sites };
        servers.wait_until_ready()?;
        Ok(servers)
    }

    /// Lets all of [`WIDE`] lead to the first site as well, whose web server is nginx.
    pub fn widen(&self, world: &Namespace) -> Result<()> {
        let (site, (_, number, _)) = (self.sites.first().context("no site")?, SITES[0]);
        site.widen(world, number, WIDE)
    }

    /// What answers where.
    pub fn services() -> Vec<Service> {
        let at = |number: u8, program: &Program| Service {
            name: program.name(),
            network: site::network(number),
            port: program.port(),
            udp: *program == Program::Snmp,
        };
        SITES.iter().flat_map(|(_, number, programs)| programs.iter().map(move |p| at(*number, p))).collect()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(15);
        let started = Instant::now();
        for (site, (_, number, programs)) in self.sites.iter_mut().zip(SITES) {
            for &program in programs {
                while !is_ready(site, number, program)? {
                    if let Some(name) = site.ended() {
                        bail!("{name} ended at once: {}", site.complaints());
                    }
                    if started.elapsed() > PATIENCE {
                        let (name, port) = (program.name(), program.port());
                        bail!("{name} does not answer on port {port}: {}", site.complaints());
                    }
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
        Ok(())
    }
}

/// Whether a TCP server accepts, and whether a UDP server holds its port.
fn is_ready(site: &Site, number: u8, program: Program) -> Result<bool> {
    let address = SocketAddr::from((site::inner_address(number), program.port()));
    site.namespace().run(|| match program {
        Program::Snmp => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, program.port())).is_err(),
        _ => TcpStream::connect(address).is_ok(),
    })
}
