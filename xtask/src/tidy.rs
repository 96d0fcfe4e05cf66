//! `cargo xtask tidy`: corrects what can be corrected by itself, then says what cannot.

use anyhow::Result;

use crate::{
    style,
    workspace::{cargo, run},
};

pub fn tidy() -> Result<()> {
    const FIX: [&str; 7] =
        ["clippy", "--release", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"];
    run(cargo()?.args(FIX))?;
    run(cargo()?.args(["fmt", "--all"]))?;
    style::check()
}
