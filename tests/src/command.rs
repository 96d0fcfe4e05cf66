//! The commands of `prober-lab`.

mod attack;
mod daemon;
mod measure;
mod trial;
mod weeks;

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    namespace,
    state::{self, State},
    sys, vectors,
    world::record,
};

/// A laboratory for the prober: two network namespaces, a wire, and a world at its far end. Nothing touches the host's
/// network.
#[derive(Parser)]
#[command(name = "prober-lab", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What can be done.
#[derive(Subcommand)]
pub enum Task {
    /// Makes a lab and keeps it in the background
    Up(UpOptions),
    /// Removes a lab, and what crashed ones left behind
    Down {
        /// Which lab
        #[command(flatten)]
        which: Which,
    },
    /// Shows what a lab is made of, and what it counted
    Status {
        /// Which lab
        #[command(flatten)]
        which: Which,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Runs a command in a lab
    Exec {
        /// Which lab
        #[command(flatten)]
        which: Which,
        /// At which side
        #[arg(long, value_enum, default_value = "prober")]
        ns: Side,
        /// The command and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Sends forged answers to the prober of a lab
    Forge(attack::ForgeOptions),
    /// Keeps answers that leave the world of a lab, and sends them again
    Replay(attack::ReplayOptions),
    /// Prints the record of an emulated world as CSV
    Records {
        /// The file, as `status` names it
        file: PathBuf,
    },
    /// Measures the prober, side by side with bare loops and other scanners
    #[command(subcommand)]
    Bench(measure::Bench),
    /// Writes the named vectors, one frame per file: the fuzzer's first inputs
    Vectors {
        /// Where to; made if it is not there
        directory: PathBuf,
        /// When the probes were sent that the frames reply to, in ns of the monotonic clock
        #[arg(long)]
        sent_ns: u64,
    },
    /// Tries the prober in a lab of its own, and prints the figures
    Trial(trial::TrialOptions),
    /// Watches a simulated country through compressed weeks, in a lab of its own
    Weeks(weeks::WeeksOptions),
    /// Is the lab, in the foreground
    #[command(hide = true)]
    Stay(UpOptions),
}

/// Which lab.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Name of the lab
    #[arg(long, default_value = "lab")]
    pub name: String,
}

/// A side of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// The prober's.
    Prober,
    /// The world's.
    World,
}

/// What can live at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Inhabitant {
    /// The emulated world, with delays and records.
    World,
    /// The reflector, which answers at line rate.
    Reflector,
    /// The counter, which answers nothing.
    Counter,
}

/// How a lab is made.
#[derive(Args, Clone, Debug)]
pub struct UpOptions {
    #[command(flatten)]
    which: Which,
    /// What lives at the far end
    #[arg(long, value_enum, default_value = "world")]
    far_end: Inhabitant,
    /// Seed of the population
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One address in so many is populated
    #[arg(long, default_value_t = 16)]
    one_in: u32,
    /// Reflector: one address in so many refuses with RST; 0 for none
    #[arg(long, default_value_t = 0)]
    refuse_one_in: u32,
    /// World: all delays from this range instead of each host's own, in ms
    #[arg(long, value_name = "MIN-MAX", value_parser = parse_range)]
    delay_ms: Option<(f64, f64)>,
    /// World: probability of loss for all instead of each host's own
    #[arg(long)]
    loss: Option<f64>,
    /// World: probability of a second answer for all instead of each host's own
    #[arg(long)]
    duplicates: Option<f64>,
    /// World: how often each answer is sent again
    #[arg(long, default_value_t = 0)]
    replays: u8,
    /// World: file for the record of its answers [default: below /run/prober-lab]
    #[arg(long)]
    records: Option<PathBuf>,
    /// No real servers
    #[arg(long)]
    no_servers: bool,
    /// Verify checksums of what arrives
    #[arg(long)]
    verify: bool,
    /// Queues of the wire
    #[arg(long, default_value_t = 1)]
    queues: u32,
    /// 802.1Q tag of the wire
    #[arg(long)]
    vlan: Option<u16>,
}

/// Does it.
pub fn carry_out(task: Task) -> Result<ExitCode> {
    match task {
        Task::Up(options) => up(&options)?,
        Task::Down { which } => down(&which.name)?,
        Task::Status { which, json } => status(&which.name, json)?,
        Task::Exec { which, ns, command } => return Err(exec(&which.name, ns, &command)?),
        Task::Forge(options) => attack::forge(&options)?,
        Task::Replay(options) => attack::replay(&options)?,
        Task::Records { file } => {
            record::to_csv(&file, std::io::stdout().lock())
                .with_context(|| format!("cannot print {}", file.display()))?;
        }
        Task::Bench(bench) => measure::measure(&bench)?,
        Task::Vectors { directory, sent_ns } => {
            vectors::write(&directory, sent_ns)
                .with_context(|| format!("cannot write vectors to {}", directory.display()))?;
        }
        Task::Trial(options) => return trial::carry_out(&options),
        Task::Weeks(options) => weeks::watch(&options)?,
        Task::Stay(options) => daemon::stay(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn up(options: &UpOptions) -> Result<()> {
    const PATIENCE: Duration = Duration::from_mins(1);
    ensure!(sys::is_root(), "the lab makes network namespaces and loads XDP programs: run it as root");
    let name = &options.which.name;
    if let Some(state) = State::find(name)?.filter(State::is_alive) {
        bail!("the lab `{name}` is up already (process {}): `prober-lab down` removes it", state.pid);
    }
    state::forget(name)?;
    let directory = state::directory(name);
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let log = directory.join("log");
    let out = fs::File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
    // The same words, another verb; its own process group, so that ^C here does not reach it later.
    let mut words: Vec<_> = std::env::args_os().collect();
    let verb = words.iter_mut().skip(1).find(|word| *word == "up").context("`up` is not among the arguments")?;
    *verb = "stay".into();
    let mut child = Command::new(std::env::current_exe().context("cannot find myself")?)
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .process_group(0)
        .spawn()
        .context("cannot start the lab")?;
    let started = Instant::now();
    while State::find(name)?.is_none() {
        if child.try_wait()?.is_some() {
            let said = tail(&log);
            state::forget(name)?;
            bail!("the lab did not come up: {said}");
        }
        if started.elapsed() > PATIENCE {
            sys::end_process(child.id(), false);
            bail!("the lab did not come up within {} s: {}", PATIENCE.as_secs(), tail(&log));
        }
        thread::sleep(Duration::from_millis(20));
    }
    status(name, false)
}

fn down(name: &str) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(15);
    if let Some(state) = State::find(name)?.filter(State::is_alive) {
        sys::end_process(state.pid, false);
        let started = Instant::now();
        while state.is_alive() {
            if started.elapsed() > PATIENCE {
                sys::end_process(state.pid, true);
            }
            thread::sleep(Duration::from_millis(20));
        }
        println!("lab `{name}` is down");
    }
    for namespace in namespace::delete_stale()? {
        println!("removed {namespace}, left over from a lab that crashed");
    }
    state::forget(name)
}

fn status(name: &str, json: bool) -> Result<()> {
    let state = State::read(name)?;
    let counted = state::read_counted(name)?;
    if json {
        println!("{}", serde_json::json!({ "state": state, "counted": counted }));
        return Ok(());
    }
    println!(
        "lab `{name}` is up (process {}): {}, seed {}, one address in {}",
        state.pid, state.far_end, state.seed, state.one_in
    );
    println!(
        "  prober  {} in {}: {}, gateway {}",
        state.interface, state.prober_namespace, state.source, state.gateway
    );
    println!("  world   {}: every address", state.world_namespace);
    for server in &state.servers {
        println!("  server  {:<15} {} port {}/{}", server.name, server.prefix, server.port, server.transport);
    }
    if let Some(records) = &state.records {
        println!("  records {}", records.display());
    }
    let refused = counted.arrivals_lost;
    println!(
        "  counted {} probes, {} to the kernel's stack, {refused} lost by the lab",
        counted.probes, counted.passed
    );
    if let Some(world) = counted.world {
        println!("          {} answered, {} repeated, {} pending", world.answered, world.repeated, world.pending);
    }
    Ok(())
}

/// Becomes the command; returns only if that failed.
fn exec(name: &str, side: Side, words: &[String]) -> Result<anyhow::Error> {
    let state = State::read(name)?;
    let namespace = match side {
        Side::Prober => &state.prober_namespace,
        Side::World => &state.world_namespace,
    };
    let error = Command::new("ip").args(["netns", "exec", namespace]).args(words).exec();
    Ok(anyhow::Error::new(error).context("cannot run `ip netns exec`"))
}

/// The last line of a log, for an error message.
fn tail(log: &std::path::Path) -> String {
    const ENOUGH: u64 = 4096;
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(ENOUGH);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let line = text.trim().lines().last().unwrap_or("it said nothing");
    line.trim_start_matches("error: ").to_owned()
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| part.trim().parse::<f64>().map_err(|e| format!("`{part}`: {e}"));
    let (least, most) = (number(least)?, number(most)?);
    if least > 0.0 && least <= most { Ok((least, most)) } else { Err(format!("`{text}` is not a range MIN-MAX")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_delays() {
        assert_eq!(parse_range("0.5-30000"), Ok((0.5, 30_000.0)));
        assert_eq!(parse_range("5"), Ok((5.0, 5.0)));
        assert!(parse_range("5-1").is_err() && parse_range("x").is_err() && parse_range("0-1").is_err());
    }
}
