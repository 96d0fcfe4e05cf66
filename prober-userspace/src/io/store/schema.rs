//! The versions of the schema, and how an older file is brought forward. A version, once released, is never edited.

use std::path::Path;

use duckdb::Connection;

use super::StoreError;

/// One step forward.
struct Migration {
    version: u32,
    scripts: &'static [&'static str],
}

/// Every step, in order, numbered from 1 without gaps.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, scripts: &[include_str!("schema/v1_tables.sql"), include_str!("schema/v1_views.sql")] },
    Migration { version: 2, scripts: &[include_str!("schema/v2_banner.sql")] },
    Migration { version: 3, scripts: &[include_str!("schema/v3_tables.sql"), include_str!("schema/v3_views.sql")] },
    Migration { version: 4, scripts: &[include_str!("schema/v4_estimation.sql")] },
    Migration { version: 5, scripts: &[include_str!("schema/v5_network.sql")] },
    Migration { version: 6, scripts: &[include_str!("schema/v6_congestion.sql")] },
    Migration { version: 7, scripts: &[include_str!("schema/v7_grab.sql")] },
    Migration { version: 8, scripts: &[include_str!("schema/v8_watch.sql")] },
    Migration { version: 9, scripts: &[include_str!("schema/v9_service.sql")] },
    Migration { version: 10, scripts: &[include_str!("schema/v10_open_port.sql")] },
    Migration { version: 11, scripts: &[include_str!("schema/v11_congestion.sql")] },
    Migration { version: 12, scripts: &[include_str!("schema/v12_interval.sql")] },
    Migration { version: 13, scripts: &[include_str!("schema/v13_newcomers.sql")] },
];

/// How many steps there are.
#[cfg(test)]
pub(super) const STEPS: u64 = MIGRATIONS.len() as u64;

/// The version that this program reads and writes.
pub const LATEST: u32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The version of an open database: `None` if nothing of ours is in it.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<Option<u32>, StoreError> {
    let failed = |error: duckdb::Error| StoreError::statement(path, "reading the schema version", &error);
    let ours: bool = connection
        .query_row("SELECT count(*) > 0 FROM duckdb_tables() WHERE table_name = 'schema_version'", [], |row| row.get(0))
        .map_err(failed)?;
    if !ours {
        return Ok(None);
    }
    connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0)).map_err(failed)
}

/// Whether nothing at all is in an open database.
pub(super) fn is_blank(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    connection
        .query_row("SELECT count(*) = 0 FROM duckdb_tables() WHERE NOT internal", [], |row| row.get(0))
        .map_err(|error| StoreError::statement(path, "reading the schema version", &error))
}

/// Brings the database to [`LATEST`], each step in its own transaction. Refuses newer files and those of others.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error: duckdb::Error| StoreError::statement(path, "updating the schema", &error);
    let found = version(connection, path)?;
    if found.is_none() && !is_blank(connection, path)? {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let found = found.unwrap_or(0);
    refuse_newer(found, path)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        connection.execute_batch("BEGIN").map_err(failed)?;
        if let Err(error) = apply(connection, migration) {
            // The step's own error is the one to report; if the rollback fails too, the open transaction dies with
            // the connection.
            let _ = connection.execute_batch("ROLLBACK");
            return Err(failed(error));
        }
        connection.execute_batch("COMMIT").map_err(failed)?;
    }
    Ok(())
}

/// A file from the future is not touched.
pub(super) fn refuse_newer(found: u32, path: &Path) -> Result<(), StoreError> {
    if found > LATEST {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: LATEST });
    }
    Ok(())
}

fn apply(connection: &Connection, migration: &Migration) -> duckdb::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (version UINTEGER NOT NULL, program VARCHAR NOT NULL);
         COMMENT ON TABLE schema_version IS 'Steps of the schema that were applied, and by which version of prober'",
    )?;
    for script in migration.scripts {
        connection.execute_batch(script)?;
    }
    connection
        .execute(
            "INSERT INTO schema_version VALUES (?, ?)",
            duckdb::params![migration.version, env!("CARGO_PKG_VERSION")],
        )
        .map(drop)
}
