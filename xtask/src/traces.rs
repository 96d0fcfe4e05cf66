//! `cargo xtask traces`: probe traces out of a network simulator (`tests/ns3`), to learn access networks from beside measured
//! ones. Each run is a process of its own; the same seeds give the same traces with the same simulator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    setup,
    workspace::{root, run, target_dir},
};

#[derive(Args)]
pub struct Options {
    /// Where to write them (CSV)
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Only the first so many runs of each world
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Ends a run that takes longer; it is left out and told
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    run_time: u32,
}

/// A program of `tests/ns3`, one of its worlds, and how many runs of it.
type World = (&'static str, &'static str, u64);

/// Those that the models which come with the program have learnt from.
const WORLDS: [World; 11] = [
    ("wired", "idle", 30),
    ("wired", "calm", 30),
    ("wired", "busy", 30),
    ("wired", "loaded", 6),
    ("wlan", "calm", 12),
    ("wlan", "weak", 12),
    ("wlan", "unstable", 12),
    ("wlan", "hidden", 12),
    ("wlan", "congestion", 12),
    ("wlan", "idle", 6),
    ("wlan", "loaded", 6),
];
const MODULES: [&str; 9] = [
    "core",
    "network",
    "internet",
    "applications",
    "point-to-point",
    "mobility",
    "propagation",
    "traffic-control",
    "wifi",
];

/// Simulates and writes.
pub fn traces(options: &Options) -> Result<()> {
    setup::install_simulator()?;
    let place = target_dir()?.join("ns3");
    fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    for program in ["wired", "wlan"] {
        build(program, &place)?;
    }
    let runs: Vec<(World, u64)> = WORLDS
        .into_iter()
        .flat_map(|world| (1..=world.2.min(options.runs.unwrap_or(u64::MAX))).map(move |seed| (world, seed)))
        .collect();
    let (next, threads) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, Into::into));
    let work = || -> Result<Vec<(usize, Option<String>)>> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(world, seed)) = runs.get(number) else { return Ok(done) };
            let text = simulate(&place, world, seed, options.run_time)?;
            let said = if text.is_some() { "" } else { ": left out, the simulator gave up or took too long" };
            eprintln!("{}/{} {} {} {seed}{said}", number + 1, runs.len(), world.0, world.1);
            done.push((number, text));
        }
    };
    let mut texts = thread::scope(|scope| -> Result<Vec<(usize, Option<String>)>> {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in running {
            all.extend(thread.join().expect("no run panics")?);
        }
        Ok(all)
    })?;
    texts.sort_unstable();
    let texts: Vec<&str> = texts.iter().filter_map(|(_, text)| text.as_deref()).collect();
    let heading = texts.first().and_then(|text| text.lines().next()).context("no run came to its end")?;
    let mut all = format!("{heading}\n");
    for text in &texts {
        all.extend(text.lines().skip(1).flat_map(|line| [line, "\n"]));
    }
    fs::write(&options.out, all).with_context(|| format!("writing {}", options.out.display()))?;
    println!("{} of {} runs in {}", texts.len(), runs.len(), options.out.display());
    Ok(())
}

fn build(program: &str, place: &Path) -> Result<()> {
    let source = root().join("tests/ns3").join(program).with_extension("cc");
    let mut compiler = Command::new("c++");
    compiler.args(["-O2", "-std=c++17", "-o"]).arg(place.join(program)).arg(source).arg("-Wl,--no-as-needed");
    // What the simulator's own libraries miss belongs to parts of it that are not used here.
    compiler.arg("-Wl,--unresolved-symbols=ignore-in-shared-libs");
    compiler.args(MODULES.map(|module| format!("-lns3-{module}")));
    run(&mut compiler).context("compiling the simulated worlds; `cargo xtask traces` needs a C++ compiler")
}

/// What a run prints; nothing if it does not come to its end.
fn simulate(place: &Path, (program, world, _): World, seed: u64, run_time: u32) -> Result<Option<String>> {
    let mut timed = Command::new("timeout");
    timed.arg(run_time.to_string()).arg(place.join(program)).args([world, &seed.to_string()]);
    let output = timed.stderr(Stdio::null()).output().context("starting `timeout`")?;
    match output.status.code() {
        Some(0) => {
            let text = String::from_utf8(output.stdout).context("a run printed no text")?;
            ensure!(text.lines().count() > 1, "the world {world} with seed {seed} has no probe");
            Ok(Some(text))
        }
        Some(2) => bail!("{program} knows no world {world}"),
        _ => Ok(None),
    }
}
