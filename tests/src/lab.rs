//! One laboratory: two namespaces, the wire between them, and a program at its far end.

use std::{
    net::Ipv4Addr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, ensure};
use prober_common::lab::LabCounts;

use crate::{
    far_end::{Arrivals, Cells, FarEnd, FarEndConfig, Role},
    namespace::{self, Namespace},
    servers::{self, Servers},
    sys, wire,
    wire::WireConfig,
    world::{World, WorldConfig, WorldCounts},
};

/// A laboratory; everything in it ends when it is dropped.
pub struct Lab {
    // Dropped in this order: inhabitants before the programs that feed them, these before their interfaces.
    inhabitants: Option<World>,
    servers: Option<Servers>,
    far: FarEnd,
    near: Option<FarEnd>,
    prober: Namespace,
    world: Namespace,
    wire: WireConfig,
}

impl Lab {
    /// With a reflector that answers a seeded choice of addresses at line rate.
    pub fn reflector(config: &FarEndConfig) -> Result<Self> {
        Self::new(WireConfig::default(), Role::Reflector, config)
    }

    /// With a counter that answers nothing.
    pub fn counter(config: &FarEndConfig) -> Result<Self> {
        Self::new(WireConfig::default(), Role::Counter, config)
    }

    /// With an emulated world. `far_end` says who is populated.
    pub fn world(far_end: &FarEndConfig, world: &WorldConfig) -> Result<Self> {
        Self::new(WireConfig::default(), Role::World, far_end)?.populated(far_end.seed, world)
    }

    /// With any wire and program. The wire's own prefix and the servers' always go to the kernel's stack, so ARP and
    /// ping of the gateway work.
    pub fn new(wire: WireConfig, role: Role, config: &FarEndConfig) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let suffix = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        namespace::delete_stale()?;
        let prober = Namespace::create("prober", &suffix)?;
        let world = Namespace::create("world", &suffix)?;
        wire::connect(&prober, &world, wire)?;
        wire::lift_limits(&world)?;
        let mut config = config.clone();
        config.pass.push(wire::link_prefix());
        config.pass.push(servers::PREFIX);
        let far = world.run(|| FarEnd::attach(wire::FAR, role, &config))??;
        Ok(Self { inhabitants: None, servers: None, far, near: None, prober, world, wire })
    }

    /// Lets an emulated world live at the far side; its program must be [`Role::World`].
    pub fn populated(mut self, seed: u64, config: &WorldConfig) -> Result<Self> {
        let ring = self.far.take_ring()?;
        self.inhabitants = Some(World::start(&self.world, ring, seed, config)?);
        Ok(self)
    }

    /// Starts the real servers, with their files in `directory`.
    pub fn serve(&mut self, directory: &Path) -> Result<()> {
        let suffix = self.world.name().rsplit('-').next().unwrap_or_default();
        self.servers = Some(Servers::start(&self.world, suffix, directory)?);
        Ok(())
    }

    /// Lets [`servers::WIDE`] lead to nginx as well; after [`Self::serve`].
    pub fn widen(&self) -> Result<()> {
        self.servers.as_ref().context("no servers were started")?.widen(&self.world)
    }

    /// What the emulated world did so far.
    pub fn world_counts(&self) -> Option<WorldCounts> {
        self.inhabitants.as_ref().map(World::counts)
    }

    /// Stops the emulated world; its file of records is complete then.
    pub fn stop_world(&mut self) -> Result<WorldCounts> {
        self.inhabitants.take().context("no emulated world lives here")?.stop()
    }

    /// Attaches a program that passes everything at the prober's end. Only tests without a prober need it: a prober
    /// attaches its own, and without any the reflector's answers do not get through.
    pub fn receive_by_kernel(&mut self) -> Result<()> {
        self.near = Some(self.prober.run(|| FarEnd::attach(wire::NEAR, Role::Pass, &FarEndConfig::default()))??);
        Ok(())
    }

    /// The prober's namespace.
    pub fn prober(&self) -> &Namespace {
        &self.prober
    }

    /// The world's namespace.
    pub fn world_side(&self) -> &Namespace {
        &self.world
    }

    /// The program at the far end.
    pub fn far_end(&self) -> &FarEnd {
        &self.far
    }

    /// The program at the far end, to take its ring.
    pub fn far_end_mut(&mut self) -> &mut FarEnd {
        &mut self.far
    }

    /// A command that will run at the prober's side.
    pub fn command(&self, program: &str) -> Command {
        self.prober.command(program)
    }

    /// The interface that a prober should use.
    pub fn interface(&self) -> String {
        self.wire.vlan.map_or_else(|| wire::NEAR.to_owned(), |id| format!("{}.{id}", wire::NEAR))
    }

    /// The prober's address.
    pub fn source(&self) -> Ipv4Addr {
        wire::SOURCE
    }

    /// The gateway's address.
    pub fn gateway(&self) -> Ipv4Addr {
        wire::GATEWAY
    }

    /// MAC addresses of the prober's and of the world's end.
    pub fn macs(&self) -> Result<([u8; 6], [u8; 6])> {
        Ok((mac(&self.prober, wire::NEAR)?, mac(&self.world, wire::FAR)?))
    }

    /// What the far end counted so far.
    pub fn counts(&self) -> Result<LabCounts> {
        self.far.counts()
    }

    /// Frames that the far end's program sent back and the wire dropped, because the prober's end had no room.
    pub fn dropped_by_the_wire(&self) -> Result<u64> {
        let output = self.world.command("ethtool").args(["-S", wire::FAR]).output().context("cannot run ethtool")?;
        ensure!(output.status.success(), "ethtool -S {} failed", wire::FAR);
        let text = String::from_utf8_lossy(&output.stdout);
        let counts = text.lines().filter_map(|line| line.trim().split_once(": "));
        Ok(counts.filter(|(name, _)| name.ends_with("_xdp_tx_errors")).filter_map(|(_, n)| n.parse::<u64>().ok()).sum())
    }

    /// How often each address and port was probed.
    pub fn cells(&self) -> Result<&Cells> {
        self.far.cells().context("this lab was made without `cells`")
    }

    /// When probes arrived.
    pub fn arrivals(&self) -> Result<Arrivals> {
        self.far.arrivals().context("this lab was made without `arrivals`")
    }

    /// A socket for whole frames at the prober's end that also receives.
    pub fn near_socket(&self) -> Result<sys::FrameSocket> {
        let open = || sys::FrameSocket::open(sys::interface_index(wire::NEAR)?, 3, false);
        let socket = self.prober.run(open)?.context("cannot open a packet socket on the prober's end")?;
        socket.set_receive_buffer(64 << 20).context("cannot enlarge a socket's buffer")?;
        Ok(socket)
    }
}

/// MAC address of an interface.
pub(crate) fn mac(namespace: &Namespace, interface: &str) -> Result<[u8; 6]> {
    let output = namespace
        .command("cat")
        .arg(format!("/sys/class/net/{interface}/address"))
        .output()
        .context("cannot read the MAC address")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let bytes: Vec<u8> = text.trim().split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes.try_into().map_err(|_| anyhow::anyhow!("{interface} in {} has no MAC address", namespace.name()))
}
