//! `libduckdb.so`, the official build: taken from the npm package that carries it, because Debian has none and compiling
//! it takes over an hour on two cores. What is installed is checked against a hash that is written here.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{apt, packages, part::State};
use crate::workspace;

const VERSION: &str = "1.5.5";
const PACKAGE_VERSION: &str = "1.5.5-r.5";
/// Where the linker and the loader look without being told.
const FOLDER: &str = "/usr/local/lib";
const FILE: &str = "libduckdb.so";

struct Build {
    /// As Rust names it.
    architecture: &'static str,
    /// As the package's name ends.
    suffix: &'static str,
    length_bytes: u64,
    sha256: &'static str,
}

const BUILDS: [Build; 2] = [
    Build {
        architecture: "x86_64",
        suffix: "x64",
        length_bytes: 70_529_912,
        sha256: "fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405",
    },
    Build {
        architecture: "aarch64",
        suffix: "arm64",
        length_bytes: 62_963_152,
        sha256: "d00d007f3f7ca1f2896a5e4b89c2ce141bf0508506a9d6d56f9598b8e59d074e",
    },
];

/// The length tells one release from another and from half a file; the hash (0.8 s) was checked when it was installed.
pub fn state() -> Result<State> {
    if let Some(own) = own_folder() {
        let file = own.join(FILE);
        if file.exists() {
            return Ok(State::There(format!("{} (DUCKDB_LIB_DIR)", file.display())));
        }
        bail!("libduckdb: DUCKDB_LIB_DIR is {}, but there is no {FILE}: unset it or correct it", own.display());
    }
    let build = Build::of_this_machine()?;
    let file = Path::new(FOLDER).join(FILE);
    match fs::metadata(&file) {
        Ok(found) if found.len() == build.length_bytes => Ok(State::There(format!("libduckdb {VERSION} in {FOLDER}"))),
        Ok(_) => {
            Ok(State::Missing(format!("libduckdb {VERSION} (the one in {FOLDER} is another and will be set aside)")))
        }
        Err(_) => Ok(State::Missing(format!("libduckdb {VERSION}"))),
    }
}

pub fn install() -> Result<()> {
    let build = Build::of_this_machine()?;
    apt::install_program(packages::NPM).context("libduckdb comes as an npm package")?;
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let within = |program| {
        let mut command = Command::new(program);
        command.current_dir(folder.path());
        command
    };
    let archive = workspace::output(within("npm").args(["pack", "--silent", &build.package()]))?;
    let archive = archive.lines().last().context("npm pack named no file")?.to_owned();
    let member = format!("package/{FILE}");
    workspace::output(within("tar").args(["-xzf", &archive, &member]))?;
    let file = folder.path().join(&member);
    build.verify(&file)?;
    put_in_place(&file)?;
    workspace::output(&mut Command::new("/sbin/ldconfig")).map(drop)
}

pub fn by_hand() -> Vec<String> {
    let Ok(build) = Build::of_this_machine() else {
        return vec![format!("libduckdb {VERSION}, built for this machine, into {FOLDER}")];
    };
    vec![
        format!("npm pack {}", build.package()),
        format!("tar -xzf duckdb-node-bindings-linux-{}-{PACKAGE_VERSION}.tgz package/{FILE}", build.suffix),
        format!("echo '{}  package/{FILE}' | sha256sum --check", build.sha256),
        format!("install -m 644 package/{FILE} {FOLDER}/ && ldconfig"),
    ]
}

impl Build {
    fn of_this_machine() -> Result<&'static Self> {
        let found = BUILDS.iter().find(|build| build.architecture == env::consts::ARCH);
        found.with_context(|| {
            format!(
                "libduckdb: no official build for {}: compile it (`--features bundled`) and set DUCKDB_LIB_DIR",
                env::consts::ARCH
            )
        })
    }

    fn package(&self) -> String {
        format!("@duckdb/node-bindings-linux-{}@{PACKAGE_VERSION}", self.suffix)
    }

    fn verify(&self, file: &Path) -> Result<()> {
        let printed = workspace::output(Command::new("sha256sum").arg(file))?;
        let found = printed.split_whitespace().next().unwrap_or_default();
        if found != self.sha256 {
            bail!(
                "libduckdb: {} from {} has SHA-256 {found}, expected {}: not installed",
                FILE,
                self.package(),
                self.sha256
            );
        }
        Ok(())
    }
}

/// Copied beside its place and renamed, so that programs that have the old one open keep it whole.
fn put_in_place(file: &Path) -> Result<()> {
    let place = Path::new(FOLDER).join(FILE);
    let beside = Path::new(FOLDER).join("libduckdb.so.new");
    if place.exists() {
        let aside = Path::new(FOLDER).join("before-prober.libduckdb.so");
        fs::rename(&place, &aside).with_context(|| format!("setting aside {}", place.display()))?;
    }
    fs::copy(file, &beside).with_context(|| format!("writing {}", beside.display()))?;
    fs::rename(&beside, &place).with_context(|| format!("writing {}", place.display()))
}

/// Set by the user, not by the workspace's own cargo settings.
fn own_folder() -> Option<PathBuf> {
    let set = PathBuf::from(env::var_os("DUCKDB_LIB_DIR")?);
    (set != Path::new(FOLDER)).then_some(set)
}
