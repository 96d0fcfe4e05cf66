//! Builds the lab's XDP programs from source, for `include_bytes_aligned!` in `far_end`.

#[path = "../xtask/src/ebpf.rs"]
mod ebpf;

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package.parent().expect("the package lies in the workspace");
    match ebpf::embed(workspace, "prober-ebpf-lab") {
        Ok(()) => ExitCode::SUCCESS,
        // Cargo has been told, and shows it.
        Err(_) => ExitCode::FAILURE,
    }
}
