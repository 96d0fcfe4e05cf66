//! The parts, in the order they are installed: a later one may need an earlier one.

use anyhow::Result;

use super::{
    apt, duckdb, linker,
    packages::{self, Package},
};
use crate::ebpf;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A compiler with the sources of `core`, for `bpfel-unknown-none`.
    EbpfCompiler,
    /// What `bpf-linker` is built against.
    Llvm,
    BpfLinker,
    Libduckdb,
    /// The servers that the lab runs in its namespaces, and the tools it makes them with.
    LabServers,
    /// The scanners that `cargo xtask bench` compares with.
    Peers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Which one it is.
    There(String),
    /// What is missing.
    Missing(String),
}

impl Part {
    pub const ALL: [Self; 6] =
        [Self::EbpfCompiler, Self::Llvm, Self::BpfLinker, Self::Libduckdb, Self::LabServers, Self::Peers];

    pub fn name(self) -> &'static str {
        match self {
            Self::EbpfCompiler => "ebpf-compiler",
            Self::Llvm => "llvm",
            Self::BpfLinker => "bpf-linker",
            Self::Libduckdb => "libduckdb",
            Self::LabServers => "lab",
            Self::Peers => "peers",
        }
    }

    pub fn state(self) -> Result<State> {
        match self {
            Self::EbpfCompiler => Ok(match ebpf::Compiler::find() {
                Some(compiler) => State::There(compiler.version),
                None => State::Missing(apt::names(self.packages()).join(" ")),
            }),
            Self::BpfLinker => Ok(linker::state()),
            Self::Libduckdb => duckdb::state(),
            Self::Llvm | Self::LabServers | Self::Peers => Ok(apt::state(self.packages())),
        }
    }

    /// Needs root on Debian 12.
    pub fn install(self) -> Result<()> {
        match self {
            Self::EbpfCompiler | Self::Llvm | Self::LabServers | Self::Peers => apt::install(self.packages()),
            Self::BpfLinker => linker::install(),
            Self::Libduckdb => duckdb::install(),
        }
    }

    /// What to type, or to look for, where `install` may not be used.
    pub fn by_hand(self) -> Vec<String> {
        match self {
            Self::BpfLinker => vec![linker::by_hand()],
            Self::Libduckdb => duckdb::by_hand(),
            Self::EbpfCompiler => {
                vec![format!("{}   # or: rustup component add rust-src", apt::by_hand(self.packages()))]
            }
            Self::Llvm | Self::LabServers | Self::Peers => vec![apt::by_hand(self.packages())],
        }
    }

    /// Debian's names; empty for what Debian does not have.
    fn packages(self) -> &'static [Package] {
        match self {
            Self::EbpfCompiler => packages::EBPF_COMPILER,
            Self::Llvm => packages::LLVM,
            Self::LabServers => packages::LAB,
            Self::Peers => packages::PEERS,
            Self::BpfLinker | Self::Libduckdb => &[],
        }
    }
}
