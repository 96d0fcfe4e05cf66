//! `prober sql`: queries on the database, read only; a line mode when typed at. A running daemon is asked for its rows.

pub(in crate::cli) mod foreign;
mod rows;
mod source;

use std::io::{BufRead, IsTerminal, Read, Write};
use std::time::Duration;

use anyhow::Context;

use self::source::Source;
use super::UsageError;
use super::daemon_socket::DaemonSocketArgs;
use super::database::DatabaseArgs;
use super::settings::parse::duration;
use crate::io::control::LONGEST_QUERY_S;
use crate::model::query::RowFormat;

/// What `.help` prints.
const HELP: &str = "\
End a query with `;`. IPv4 addresses are numbers: ip(n) prints one, ipn('192.0.2.1') reads one,
in_prefix(address, '192.0.2.0/24') and slash24(address) match and group. Times are UTC.
  .tables          tables and views, with what they hold
  .schema [NAME]   columns of all or one, with units
  .quit            leave (or end of input)
First looks: FROM scan_summary; FROM top_port ORDER BY addresses DESC; FROM answer LIMIT 20;
No scan can write to the database while this is open; a running daemon only lends its own for each query.
";

const TABLES: &str = "\
SELECT table_name AS name, 'table' AS kind, comment FROM duckdb_tables() WHERE NOT internal
UNION ALL SELECT view_name, 'view', comment FROM duckdb_views() WHERE NOT internal ORDER BY kind, name";

/// Query the database with SQL, read only
///
/// A database that the running daemon has open is asked of the daemon: it only reads, on a thread of its own, gives up to
/// 10,000 rows and 16 MB (what is missing is told), and gives a query up after --timeout. So is it if no database is named
/// and none is there, or if --socket names a daemon. Whatever a query takes of memory and processors it takes of the daemon's:
/// large ones are for what the daemon exports each night.
#[derive(Clone, Debug, clap::Args)]
pub struct SqlArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    daemon: DaemonSocketArgs,
    /// How long a running daemon may take over a query, up to 10 minutes
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: String,
    /// The query; `-` reads it from standard input; nothing starts the line mode (.help there)
    #[arg(value_name = "QUERY|-")]
    query: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    format: RowFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl SqlArgs {
    /// Runs the query, or queries as they are typed.
    pub fn run(self) -> anyhow::Result<()> {
        let timeout = duration(&self.timeout).map_err(|reason| UsageError(format!("--timeout: {reason}")))?;
        if !(Duration::from_secs(1)..=Duration::from_secs(LONGEST_QUERY_S)).contains(&timeout) {
            return Err(UsageError(format!("--timeout: write 1s to {LONGEST_QUERY_S}s")).into());
        }
        let source = Source::open(&self.database, &self.daemon, timeout)?;
        let format = if self.json { RowFormat::Json } else { self.format };
        let stdin = std::io::stdin();
        match self.query.as_deref() {
            Some("-") => from_stdin(&source, format),
            Some(query) => execute(&source, query, format),
            None if !stdin.is_terminal() => from_stdin(&source, format),
            None => lines(&source, format),
        }
    }
}

fn from_stdin(source: &Source, format: RowFormat) -> anyhow::Result<()> {
    let mut query = String::new();
    std::io::stdin().lock().read_to_string(&mut query).context("query on standard input")?;
    execute(source, &query, format)
}

/// The line mode: an error is printed and the next query awaited.
fn lines(source: &Source, format: RowFormat) -> anyhow::Result<()> {
    let mut query = String::new();
    println!("{} · .help for help", source.shown());
    loop {
        print!("{}", if query.is_empty() { "prober> " } else { "   ...> " });
        std::io::stdout().flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            println!();
            return Ok(());
        }
        if query.is_empty() && matches!(line.trim(), ".quit" | ".exit") {
            return Ok(());
        }
        query.push_str(&line);
        let complete = query.trim_end().ends_with(';') || query.trim_start().starts_with('.');
        if complete || query.trim().is_empty() {
            if let Err(error) = execute(source, &query, format) {
                eprintln!("{error:#}");
            }
            query.clear();
        }
    }
}

/// One query, or one of the dot commands.
fn execute(source: &Source, query: &str, format: RowFormat) -> anyhow::Result<()> {
    let query = query.trim();
    let mut words = query.split_whitespace();
    match words.next() {
        None => Ok(()),
        Some(".help") => Ok(super::output::put(HELP)?),
        Some(".tables") => source.show(TABLES, format),
        Some(".schema") => {
            let name = words.next().map(|name| name.trim_end_matches(';').replace('\'', "''"));
            let of = name.map_or_else(String::new, |name| format!("AND table_name = '{name}'"));
            let sql = format!(
                "SELECT table_name AS \"table\", column_name AS \"column\", data_type AS type, comment
                 FROM duckdb_columns() WHERE NOT internal {of} ORDER BY table_name, column_index"
            );
            source.show(&sql, format)
        }
        Some(command) if command.starts_with('.') => {
            anyhow::bail!("sql: no command {command}; .help lists them")
        }
        Some(_) => source.show(query, format),
    }
}
