//! Builds one eBPF object of the package `prober-ebpf` from source.
//!
//! Shared, by `#[path]`, by `cargo xtask build-ebpf` and by the build scripts that embed an object, so that the
//! compiler is chosen and called in one place only; hence nothing but `std` here. What installs the tools is in
//! `setup`.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "bpfel-unknown-none";

/// The newest LLVM whose bitcode the linker that `setup` installs can read.
pub const LLVM_MAJOR: u32 = 22;

/// The oldest compiler that the workspace accepts (`rust-version`), as the minor of 1.x.
const RUSTC_MINOR: u32 = 95;

/// A compiler together with the sources of `core`, which no distribution ships compiled for eBPF.
#[derive(Debug, Clone)]
pub struct Compiler {
    cargo: PathBuf,
    rustc: PathBuf,
    /// As the compiler prints it, for people.
    #[allow(dead_code, reason = "build scripts do not show it")]
    pub version: String,
}

/// Why there is no object.
#[derive(Debug)]
pub enum Error {
    NoCompiler,
    NoLinker,
    Start(PathBuf, std::io::Error),
    Failed { bin: String, stderr: String },
    Copy(PathBuf, std::io::Error),
}

/// Builds the object of `bin` and returns its path below `target_dir`/bpf. A call that finds everything fresh costs
/// about 0.3 s.
pub fn build(workspace: &Path, target_dir: &Path, bin: &str) -> Result<PathBuf, Error> {
    let compiler = Compiler::find().ok_or(Error::NoCompiler)?;
    let linker = find_linker().ok_or(Error::NoLinker)?;
    // Its own directory: the outer cargo holds the lock of `target_dir` while a build script runs.
    let bpf_dir = target_dir.join("bpf");
    let mut cargo = Command::new(&compiler.cargo);
    forget_outer_cargo(&mut cargo);
    cargo
        .current_dir(workspace)
        .args(["build", "--release", "--package", "prober-ebpf"])
        .args(["--bin", bin, "--target", TARGET])
        .args(["-Z", "build-std=core"])
        .arg("--target-dir")
        .arg(&bpf_dir)
        .env("RUSTC", &compiler.rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(&linker))
        .envs(PROFILE.iter().copied());
    let output = cargo.output().map_err(|e| Error::Start(compiler.cargo.clone(), e))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let bin = bin.to_owned();
        return Err(Error::Failed { bin, stderr });
    }
    Ok(bpf_dir.join(TARGET).join("release").join(bin))
}

/// For a build script: builds `bin` and puts the object at `$OUT_DIR/<bin>`, ready for `include_bytes_aligned!`. Tells
/// cargo what it depends on, or why there is none.
#[allow(dead_code, reason = "xtask builds without embedding")]
pub fn embed(workspace: &Path, bin: &str) -> Result<(), Error> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    let embedded = build_into_out_dir(workspace, bin);
    if let Err(error) = &embedded {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
    embedded
}

const SOURCES: [&str; 7] = [
    "prober-ebpf/src",
    "prober-ebpf/Cargo.toml",
    "prober-common/src",
    "prober-common/Cargo.toml",
    "xtask/src/ebpf.rs",
    "Cargo.toml",
    "Cargo.lock",
];

fn build_into_out_dir(workspace: &Path, bin: &str) -> Result<(), Error> {
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    // <target>/<profile>/build/<package>/out
    let target_dir = out_dir.ancestors().nth(4).expect("OUT_DIR lies four levels below the target directory");
    let object = build(workspace, target_dir, bin)?;
    let embedded = out_dir.join(bin);
    fs::copy(&object, &embedded).map_err(|e| Error::Copy(embedded, e))?;
    Ok(())
}

impl Compiler {
    /// The first of: toolchains of rustup that have `rust-src`, nightly ones first; the distribution's compiler. The
    /// stable ones do as well, because `RUSTC_BOOTSTRAP` opens what `build-std` needs.
    pub fn find() -> Option<Self> {
        let toolchains =
            rustup_toolchains().into_iter().map(|root| (root.join("bin/cargo"), root.join("bin/rustc"), root));
        let outer_cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let distribution = (outer_cargo.into(), "/usr/bin/rustc".into(), PathBuf::from("/usr"));
        toolchains
            .chain([distribution])
            .filter(|(_, rustc, root)| has_core_sources(root) && rustc.exists())
            .find_map(|(cargo, rustc, _)| Self::accept(cargo, rustc))
    }

    /// `None` where the compiler is too old for the workspace or its bitcode too new for the linker.
    fn accept(cargo: PathBuf, rustc: PathBuf) -> Option<Self> {
        let output = Command::new(&rustc).arg("-vV").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
        let minor: u32 = field("release: 1.")?.split('.').next()?.parse().ok()?;
        let llvm: u32 = field("LLVM version: ")?.split('.').next()?.parse().ok()?;
        let version = text.lines().next()?.to_owned();
        (minor >= RUSTC_MINOR && llvm <= LLVM_MAJOR).then_some(Self { cargo, rustc, version })
    }
}

/// Whether the eBPF linker is in the search path or where `cargo install` puts it.
pub fn find_linker() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(home_of("CARGO_HOME", ".cargo").map(|home| home.join("bin")))
        .map(|dir| dir.join("bpf-linker"))
        .find(|file| file.is_file())
}

fn rustup_toolchains() -> Vec<PathBuf> {
    let Some(home) = home_of("RUSTUP_HOME", ".rustup") else {
        return Vec::new();
    };
    let entries = fs::read_dir(home.join("toolchains"));
    let mut roots: Vec<PathBuf> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let is_nightly =
        |root: &PathBuf| root.file_name().is_some_and(|name| name.to_string_lossy().starts_with("nightly"));
    roots.sort_by_key(|root| (!is_nightly(root), root.clone()));
    roots
}

fn has_core_sources(root: &Path) -> bool {
    root.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
}

fn home_of(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from);
    set.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(below_home)))
}

/// The object must be optimised in every profile of the outer build: unoptimised code does not pass the verifier. Debug
/// information is what the linker makes BTF from.
const PROFILE: [(&str, &str); 8] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "2"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
];

/// Separated as `CARGO_ENCODED_RUSTFLAGS` wants it. `aya-ebpf` reads the host's architecture from the `cfg`.
fn rustflags(linker: &Path) -> String {
    [
        format!("--cfg=bpf_target_arch=\"{}\"", env::consts::ARCH),
        format!("-Clinker={}", linker.display()),
        "-Clink-arg=--btf".to_owned(),
    ]
    .join("\u{1f}")
}

/// Takes out of the environment what the outer cargo, clippy or rustup put there about the host's build; keeps what
/// says where things are and how to reach the registry.
fn forget_outer_cargo(command: &mut Command) {
    const KEPT: [&str; 5] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"];
    const FORGOTTEN: [&str; 9] = [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "CLIPPY_",
        "DEP_",
        "RUSTUP_TOOLCHAIN",
        "MAKEFLAGS",
        "LD_LIBRARY_PATH",
    ];
    const EXACT: [&str; 7] = ["TARGET", "HOST", "PROFILE", "OPT_LEVEL", "DEBUG", "NUM_JOBS", "OUT_DIR"];
    for (name, _) in env::vars_os() {
        let starts = |prefix: &&str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        let forget = FORGOTTEN.iter().any(starts) || EXACT.iter().any(|exact| name == OsStr::new(exact));
        if forget && !KEPT.iter().any(starts) {
            command.env_remove(&name);
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCompiler => write!(
                f,
                "no eBPF compiler: none with the sources of core (1.{RUSTC_MINOR} or newer, LLVM {LLVM_MAJOR} or older) \
                 found: run `cargo xtask setup`"
            ),
            Self::NoLinker => write!(f, "eBPF build: bpf-linker not found: run `cargo xtask setup`"),
            Self::Start(program, e) => {
                write!(f, "eBPF build: cannot start {}: {e}", program.display())
            }
            Self::Failed { bin, stderr } => write!(f, "eBPF build of `{bin}` failed:\n{stderr}"),
            Self::Copy(path, e) => write!(f, "eBPF build: cannot write {}: {e}", path.display()),
        }
    }
}

impl std::error::Error for Error {}
