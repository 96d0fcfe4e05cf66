//! What all commands on the database share: the option `--db`, and who acts.

use std::path::PathBuf;

use crate::io::store::{Access, DEFAULT_PATH, Store, StoreError};

/// Which database.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseArgs {
    /// Database file
    #[arg(long, value_name = "FILE", env = "PROBER_DB", default_value = DEFAULT_PATH)]
    pub db: PathBuf,
}

impl DatabaseArgs {
    /// Opens it.
    pub fn open(&self, access: Access) -> Result<Store, StoreError> {
        Store::open(&self.db, access)
    }
}

/// Who acts, for the audit trail: the person behind sudo if there is one.
pub(super) fn who() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
