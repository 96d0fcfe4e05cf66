//! Builds the XDP programs from source, for `include_bytes_aligned!` in `io/xdp`, and lists the starter database's files,
//! for `device/starter`.

#[path = "../xtask/src/ebpf.rs"]
mod ebpf;

use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    // As cargo says now, not as it was when this was compiled: checkouts may share a target folder.
    let package = env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells build scripts where they are");
    let package = Path::new(&package);
    let workspace = package.parent().expect("the package lies in the workspace");
    if let Err(error) = list_signatures(&package.join("signatures")) {
        println!("cargo::error=listing the starter database: {error}");
        return ExitCode::FAILURE;
    }
    match ebpf::embed(workspace, "prober-ebpf") {
        Ok(()) => ExitCode::SUCCESS,
        // Cargo has been told, and shows it.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes `signatures.rs`: the array `FILES` of names and texts, by name.
fn list_signatures(folder: &Path) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut text = "static FILES: &[(&str, &str)] = &[\n".to_owned();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    text.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| std::io::Error::other("OUT_DIR is not set"))?;
    std::fs::write(Path::new(&out).join("signatures.rs"), text)
}
