//! `bpf-linker`, built from its source against Debian's LLVM 22: the published crate wants the LLVM of the compiler,
//! and Debian's compiler has that one.

use std::process::Command;

use anyhow::Result;

use super::part::State;
use crate::{ebpf, workspace};

const VERSION: &str = "0.13.0";

pub fn state() -> State {
    let missing = State::Missing(format!("bpf-linker {VERSION} (compiled from source, about 80 s)"));
    let Some(linker) = ebpf::find_linker() else { return missing };
    match workspace::output(Command::new(&linker).arg("--version")) {
        Ok(version) if version.trim() == format!("bpf-linker {VERSION}") => State::There(version.trim().to_owned()),
        _ => missing,
    }
}

pub fn install() -> Result<()> {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut cargo = Command::new("cargo");
    cargo.args(["install", "--quiet", "--force", "bpf-linker", "--version", VERSION, "--locked"]);
    cargo.args(["--no-default-features", "--features", &format!("llvm-{}", ebpf::LLVM_MAJOR)]);
    cargo.env("LLVM_PREFIX", llvm_prefix()).env("PATH", format!("{}/bin:{path}", llvm_prefix()));
    cargo.env_remove("CARGO_TARGET_DIR");
    workspace::output(&mut cargo).map(drop)
}

pub fn by_hand() -> String {
    let (prefix, major) = (llvm_prefix(), ebpf::LLVM_MAJOR);
    format!(
        "LLVM_PREFIX={prefix} PATH={prefix}/bin:$PATH cargo install bpf-linker --version {VERSION} --locked \
         --no-default-features --features llvm-{major}"
    )
}

fn llvm_prefix() -> String {
    format!("/usr/lib/llvm-{}", ebpf::LLVM_MAJOR)
}
