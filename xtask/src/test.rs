//! `cargo xtask test`: everything that must hold before a change lands. Each step runs even if an earlier one failed,
//! so that one run shows all there is to correct.

use anyhow::{Result, bail};

use crate::{
    licences, readme, setup, style,
    workspace::{cargo, run},
};

type Step = (&'static str, fn() -> Result<()>);

pub fn test() -> Result<()> {
    setup::setup(&setup::Options::default())?;
    let steps: [Step; 7] = [
        ("format", format),
        ("style", style::check),
        ("licences", licences::check),
        // Before clippy and with the features that the tests need, so that the heavy crates are compiled once.
        ("build", build),
        ("lints", lints),
        ("tests", tests),
        ("readme", readme::check),
    ];
    let mut failed = Vec::new();
    for (name, step) in steps {
        println!("== {name}");
        if let Err(error) = step() {
            eprintln!("error: {name}: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    println!("all {} steps passed", steps.len());
    Ok(())
}

fn format() -> Result<()> {
    run(cargo()?.args(["fmt", "--all", "--check"]))
}

fn build() -> Result<()> {
    run(cargo()?.args(["build", "--release", "--workspace", "--all-targets"]))
}

fn lints() -> Result<()> {
    run(cargo()?.args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Those that need root and namespaces fail without them: a test that is skipped silently proves nothing.
fn tests() -> Result<()> {
    run(cargo()?.args(["test", "--release", "--workspace", "--no-fail-fast"]))
}
