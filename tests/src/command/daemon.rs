//! The process that a lab lives in: makes it, says so, counts until it is told to end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{Inhabitant, UpOptions};
use crate::{
    far_end::{FarEndConfig, Role},
    lab::Lab,
    servers::Servers,
    state::{self, Counted, ServerState, State},
    wire::WireConfig,
    world::{Habits, WorldConfig, delay::Delay},
};

/// Makes the lab and stays until SIGTERM or SIGINT.
pub fn stay(options: &UpOptions) -> Result<()> {
    const ROUND: Duration = Duration::from_millis(50);
    const ROUNDS_PER_COUNT: u32 = 10;
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ended)).context("cannot listen to signals")?;
    }
    let name = &options.which.name;
    let lab = make(options)?;
    count(name, &lab)?;
    state(options, &lab).write()?;
    let mut round = 0;
    while !ended.load(Ordering::Relaxed) {
        thread::sleep(ROUND);
        round += 1;
        if round % ROUNDS_PER_COUNT == 0 {
            count(name, &lab)?;
        }
    }
    drop(lab);
    state::forget(name)
}

fn make(options: &UpOptions) -> Result<Lab> {
    let far_end = FarEndConfig {
        seed: options.seed,
        answer_one_in: options.one_in,
        refuse_one_in: options.refuse_one_in,
        verify: options.verify,
        ..FarEndConfig::default()
    };
    let wire = WireConfig { queues: options.queues, vlan: options.vlan, ..WireConfig::default() };
    let role = match options.far_end {
        Inhabitant::World => Role::World,
        Inhabitant::Reflector => Role::Reflector,
        Inhabitant::Counter => Role::Counter,
    };
    let mut lab = Lab::new(wire, role, &far_end)?;
    if role == Role::World {
        lab = lab.populated(options.seed, &world(options))?;
    }
    if !options.no_servers {
        lab.serve(&state::directory(&options.which.name).join("servers"))?;
    }
    Ok(lab)
}

fn world(options: &UpOptions) -> WorldConfig {
    let ns = |ms: f64| (ms * 1e6) as u64;
    let delay = options.delay_ms.map(|(least, most)| Delay::LogUniform { least_ns: ns(least), most_ns: ns(most) });
    WorldConfig {
        habits: Habits { delay, loss: options.loss, duplicates: options.duplicates },
        replays: options.replays,
        records: Some(records(options)),
        ..WorldConfig::default()
    }
}

fn records(options: &UpOptions) -> std::path::PathBuf {
    options.records.clone().unwrap_or_else(|| state::directory(&options.which.name).join("records"))
}

fn state(options: &UpOptions, lab: &Lab) -> State {
    let servers = if options.no_servers { Vec::new() } else { Servers::services() };
    State {
        name: options.which.name.clone(),
        pid: std::process::id(),
        prober_namespace: lab.prober().name().to_owned(),
        world_namespace: lab.world_side().name().to_owned(),
        interface: lab.interface(),
        source: lab.source(),
        gateway: lab.gateway(),
        far_end: format!("{:?}", options.far_end).to_lowercase(),
        seed: options.seed,
        one_in: options.one_in,
        records: (options.far_end == Inhabitant::World).then(|| records(options)),
        servers: servers
            .into_iter()
            .map(|service| ServerState {
                name: service.name.to_owned(),
                prefix: format!("{}/24", service.network),
                port: service.port,
                transport: if service.udp { "udp" } else { "tcp" }.to_owned(),
            })
            .collect(),
    }
}

fn count(name: &str, lab: &Lab) -> Result<()> {
    state::write_counted(name, &Counted::new(&lab.counts()?, lab.world_counts()))
}
