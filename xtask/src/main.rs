//! Set-up, run, test, bench and lab of the prober: the one entry for everything that is done with this workspace.
//!
//! Builds with nothing but a Rust toolchain; hence no dependency on the prober itself.

mod arguments;
mod bench;
mod ebpf;
mod fuzz;
mod lab;
mod licences;
mod readme;
mod run;
mod setup;
mod style;
mod test;
mod tidy;
mod traces;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use arguments::{Arguments, Task};

fn main() -> ExitCode {
    match carry_out(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(task: Task) -> Result<()> {
    match task {
        Task::Setup(options) => setup::setup(&options),
        Task::Run(options) => run::run(&options),
        Task::Test(options) | Task::Ci(options) => test::test(&options),
        Task::Lab(words) => lab::lab(&words),
        Task::Bench(options) => bench::bench(&options),
        Task::Fuzz(options) => fuzz::fuzz(&options),
        Task::Traces(options) => traces::traces(&options),
        Task::Tidy => tidy::tidy(),
        Task::BuildEbpf => build_ebpf(),
    }
}

fn build_ebpf() -> Result<()> {
    for bin in ["prober-ebpf", "prober-ebpf-lab"] {
        let object = ebpf::build(workspace::root(), &workspace::target_dir()?, bin)?;
        println!("{}", object.display());
    }
    Ok(())
}
