//! `cargo xtask fuzz`: libFuzzer on the verdict, from the lab's named vectors on. The compiler's own coverage pass and
//! the crate that brings libFuzzer are enough for it: no nightly toolchain, no cargo-fuzz.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    lab,
    workspace::{cargo, output, root, run, target_dir},
};

#[derive(Args)]
pub struct Options {
    /// How long to search
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Where the search begins; another seed goes other ways
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// When the probes of the first inputs were sent; the fuzzer (`tests/fuzz`) takes the same moment for it.
const SENT_NS: u64 = 1 << 45;
/// Longest input: every header with all options, quoted ones too, and some payload.
const LEN_MAX: u32 = 600;
/// Coverage of edges and comparisons, counted where it happens: what libFuzzer needs.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

pub fn fuzz(options: &Options) -> Result<()> {
    let place = target_dir()?.join("fuzz");
    let (vectors, corpus, finds) = (place.join("vectors"), place.join("corpus"), place.join("finds"));
    for folder in [&corpus, &finds] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    lab::build()?;
    let sent_ns = SENT_NS.to_string();
    run(lab::program()?.arg("vectors").arg(&vectors).args(["--sent-ns", &sent_ns]))?;

    // With a target named, the flags are kept from build scripts.
    let target = host()?;
    let build = ["build", "--quiet", "--release", "--locked", "--manifest-path", "tests/fuzz/Cargo.toml", "--target"];
    run(cargo()?.args(build).arg(&target).env("CARGO_TARGET_DIR", &place).env("RUSTFLAGS", COVERAGE))?;

    let mut fuzzer = Command::new("nice");
    fuzzer
        .args(["-n", "19"])
        .arg(place.join(target).join("release").join("prober-fuzz"))
        .args([&corpus, &vectors])
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-max_len={LEN_MAX}"))
        .arg(format!("-seed={}", options.seed))
        .arg(format!("-artifact_prefix={}/", finds.display()))
        .arg("-print_final_stats=1")
        .current_dir(root());
    run(&mut fuzzer).with_context(|| format!("a find may lie in {}: make it a named vector", finds.display()))
}

/// The platform that we build for, as cargo names it.
fn host() -> Result<String> {
    let about = output(cargo()?.arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).context("`cargo -vV` names no host")?;
    Ok(host.to_owned())
}
