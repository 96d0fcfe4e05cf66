//! Builds the lab's XDP programs from source, for `include_bytes_aligned!` in `far_end`.

#[path = "../xtask/src/ebpf.rs"]
mod ebpf;

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    // As cargo says now, not as it was when this was compiled: checkouts may share a target folder.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells build scripts where they are");
    let package = Path::new(&package);
    let workspace = package.parent().expect("the package lies in the workspace");
    match ebpf::embed(workspace, "prober-ebpf-lab") {
        Ok(()) => ExitCode::SUCCESS,
        // Cargo has been told, and shows it.
        Err(_) => ExitCode::FAILURE,
    }
}
