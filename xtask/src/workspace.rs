//! Where things are, and how other programs are run: with the workspace as the current directory and a clear word when
//! one fails.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

/// The folder of the workspace's `Cargo.toml`: that of the checkout in which xtask runs. Several checkouts may share a
/// target folder, so what stood there when it was compiled does not count while cargo says where it is.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        package.parent().expect("xtask is a folder of the workspace").to_owned()
    })
}

/// Where cargo builds, whichever way that was set: the running program lies in it.
pub fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding the running xtask")?;
    let target = program.ancestors().nth(2).context("xtask does not run from <target>/<profile>")?;
    Ok(target.to_owned())
}

/// A program that `cargo build --release` has made.
pub fn built(program: &str) -> Result<PathBuf> {
    Ok(target_dir()?.join("release").join(program))
}

/// The cargo that runs this, working in the same target directory. What cargo told us about xtask is taken out of its
/// environment: build scripts that look at it would run again, and with them all that depends on them.
pub fn cargo() -> Result<Command> {
    const ABOUT_XTASK: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "LD_LIBRARY_PATH"];
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if ABOUT_XTASK.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(root()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(cargo)
}

/// Runs to the end with our own input and output; an error unless it succeeds.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns what it printed; an error, with what it complained about, unless it succeeds.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting `{}`", shown(command)))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(command), output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
