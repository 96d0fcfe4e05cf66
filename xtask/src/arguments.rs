//! The command line of `cargo xtask`: one variant for each thing that can be done.

use clap::{Parser, Subcommand};

use crate::{bench, fuzz, lab, run, setup, test, traces};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Set-up, run, test, bench and lab of the prober")]
pub struct Arguments {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Subcommand)]
pub enum Task {
    /// Installs what the build and the lab need (root, Debian 12), or says what to install
    Setup(setup::Options),
    /// Sets up, builds, makes the lab, scans it, stores and reports
    Run(run::Options),
    /// Everything that must hold: format, lints, style, tests in namespaces, licences, README
    Test(test::Options),
    /// What the continuous integration runs: the same as `test`
    Ci(test::Options),
    /// Measures: throughput, grab, rate, ingest, match, plan
    Bench(bench::Options),
    /// Makes the lab and works in it
    Lab(lab::Words),
    /// Searches for frames on which the verdict breaks its own rules
    Fuzz(fuzz::Options),
    /// Simulates access networks and writes the probe traces that models learn from
    Traces(traces::Options),
    /// Formats, applies what clippy can correct, then checks the style
    Tidy,
    /// Builds the eBPF objects from source and prints where they are
    BuildEbpf,
}
