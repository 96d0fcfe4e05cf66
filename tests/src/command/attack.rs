//! `prober-lab forge` and `prober-lab replay`: attacks on the prober of a lab that is up.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use clap::Args;

use super::Which;
use crate::{
    forger::{self, Forgery},
    lab,
    namespace::Namespace,
    replayer::{self, Replayer},
    state::State,
};

/// What to forge.
#[derive(Args, Clone, Debug)]
pub struct ForgeOptions {
    #[command(flatten)]
    which: Which,
    /// How many frames: half SYN-ACKs, a quarter RSTs, a quarter echo replies
    #[arg(long, default_value_t = 10_000_000)]
    frames: u64,
    /// First address that they claim to come from
    #[arg(long, default_value = "20.8.0.0")]
    first: Ipv4Addr,
    /// How many addresses
    #[arg(long, default_value_t = 65_536)]
    addresses: u32,
    /// Ports that they claim to come from
    #[arg(long, value_delimiter = ',', default_value = "80")]
    ports: Vec<u16>,
    /// Decides the rest
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What to replay.
#[derive(Args, Clone, Debug)]
pub struct ReplayOptions {
    #[command(flatten)]
    which: Which,
    /// How often each answer is sent again
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Listen until nothing has left the world for so long, in ms
    #[arg(long, default_value_t = 3_000)]
    quiet_ms: u32,
    /// Keep at most so many answers
    #[arg(long, default_value_t = 1_000_000)]
    most: usize,
}

/// Prints what was sent as JSON.
pub fn forge(options: &ForgeOptions) -> Result<()> {
    let state = State::read(&options.which.name)?;
    let world = Namespace::existing(&state.world_namespace);
    let prober = Namespace::existing(&state.prober_namespace);
    let forgery = Forgery {
        frames: options.frames,
        first: options.first,
        addresses: options.addresses,
        ports: options.ports.clone(),
        to: state.source,
        to_mac: lab::mac(&prober, &state.interface)?,
        seed: options.seed,
    };
    println!("{}", serde_json::to_string(&forger::forge(&world, &forgery)?)?);
    Ok(())
}

/// Prints how many frames were kept and sent as JSON.
pub fn replay(options: &ReplayOptions) -> Result<()> {
    let state = State::read(&options.which.name)?;
    let world = Namespace::existing(&state.world_namespace);
    let kept = Replayer::listen(&world)?
        .heard(state.source, options.quiet_ms, options.most)
        .context("cannot listen to the world's answers")?;
    let sent = replayer::replay(&world, &kept, options.times)?;
    println!("{}", serde_json::json!({ "kept": kept.len(), "sent": sent }));
    Ok(())
}
