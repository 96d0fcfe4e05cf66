//! Set-up, run, test, bench and lab of the prober.

mod ebpf;

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the eBPF objects from source and prints where they are
    BuildEbpf,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Task::BuildEbpf => build_ebpf(),
    }
}

fn build_ebpf() -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in the workspace")?;
    let program = std::env::current_exe().context("finding the target directory")?;
    let target_dir = program
        .ancestors()
        .nth(2)
        .context("xtask runs from <target>/release")?;
    println!(
        "{}",
        ebpf::build(workspace, target_dir, "prober-ebpf")?.display()
    );
    Ok(())
}
