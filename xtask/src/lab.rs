//! `cargo xtask lab`: hands over to the lab's own program, built if need be. What the lab is made of is in `tests/`.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;

use crate::workspace;

#[derive(Args)]
pub struct Words {
    /// `up`, `down`, `status`, `exec COMMAND...` and what else `cargo xtask lab help` shows
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<String>,
}

/// What a run needs to know of the lab that is up; the lab tells more.
#[derive(Deserialize)]
pub struct Lab {
    pub interface: String,
    pub servers: Vec<Server>,
}

/// A real server, by one port of a prefix of which every address leads to it.
#[derive(Deserialize)]
pub struct Server {
    pub name: String,
    pub prefix: String,
    pub port: u16,
    pub transport: String,
}

pub fn lab(words: &Words) -> Result<()> {
    build()?;
    workspace::run(program()?.args(&words.words))
}

/// Builds the lab's program and the prober with one call, so that both have the same features of what they share.
pub fn build() -> Result<()> {
    workspace::run(workspace::cargo()?.args(["build", "--release"]))
}

pub fn program() -> Result<Command> {
    let mut lab = Command::new(workspace::built("prober-lab")?);
    lab.current_dir(workspace::root());
    Ok(lab)
}

impl Lab {
    /// Of the lab called `name`, which is up.
    pub fn ask(name: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Status {
            state: Lab,
        }
        let printed = workspace::output(program()?.args(["status", "--json", "--name", name]))?;
        let status: Status = serde_json::from_str(&printed).context("reading what `prober-lab status` printed")?;
        Ok(status.state)
    }
}
