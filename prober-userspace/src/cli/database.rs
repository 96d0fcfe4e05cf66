//! What all commands on the database share: the option `--db`, and who acts.

use std::path::{Path, PathBuf};

use super::UsageError;
use super::settings::{DEFAULT_FILE, Layers, Settings};
pub(super) use crate::io::person::who;
use crate::io::store::{Access, Store};

/// Which database.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseArgs {
    /// Database file [default: as /etc/prober.toml says, else prober.duckdb]
    #[arg(long, value_name = "FILE", env = "PROBER_DB")]
    db: Option<PathBuf>,
}

impl DatabaseArgs {
    /// The file: the very one that a scan with the same settings stores in.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.db {
            return Ok(path.clone());
        }
        let mut layers = Layers::defaults();
        layers.add_file_if_there(Path::new(DEFAULT_FILE))?;
        Ok(Settings::resolve(&layers).map_err(|cause| UsageError(cause.to_string()))?.db)
    }

    /// Whether it was named for this command, not by the settings.
    pub fn is_named(&self) -> bool {
        self.db.is_some()
    }

    /// Opens one that is there to change it: a mistyped name is an error, not a new and empty database.
    pub fn open_existing(&self) -> anyhow::Result<Store> {
        let path = self.path()?;
        Store::expect(&path)?;
        Ok(Store::open(&path, Access::Write)?)
    }

    /// Opens it; with [`Access::Write`] it is made if it is missing.
    pub fn open(&self, access: Access) -> anyhow::Result<Store> {
        Ok(Store::open(&self.path()?, access)?)
    }
}
