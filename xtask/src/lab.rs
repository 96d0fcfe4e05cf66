//! `cargo xtask lab up|down|exec`: hands over to the lab's own program, built if need be. What the lab is made of is
//! in `tests/`.

use anyhow::Result;
use clap::Subcommand;

use crate::workspace;

#[derive(Subcommand)]
pub enum Command {
    /// Makes the namespaces, the emulated world and the servers; options are the lab's own
    Up {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Removes all of it
    Down,
    /// Runs a command in the scanner's namespace
    Exec {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}

pub fn lab(command: &Command) -> Result<()> {
    build()?;
    let mut lab = program()?;
    match command {
        Command::Up { options } => lab.arg("up").args(options),
        Command::Down => lab.arg("down"),
        Command::Exec { command } => lab.arg("exec").arg("--").args(command),
    };
    workspace::run(&mut lab)
}

/// Builds the lab's program and the prober with one call, so that both have the same features of what they share.
pub fn build() -> Result<()> {
    workspace::run(workspace::cargo()?.args(["build", "--release"]))
}

pub fn program() -> Result<std::process::Command> {
    let mut lab = std::process::Command::new(workspace::built("prober-lab")?);
    lab.current_dir(workspace::root());
    Ok(lab)
}
