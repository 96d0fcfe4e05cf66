//! `prober sql`: queries on the database, read only; a line mode when typed at.

mod rows;

use std::io::{BufRead, IsTerminal, Read, Write};

use anyhow::Context;

use super::database::DatabaseArgs;
use super::sql::rows::Format;
use crate::io::store::{Access, Store};

/// What `.help` prints.
const HELP: &str = "\
End a query with `;`. IPv4 addresses are numbers: ip(n) prints one, ipn('192.0.2.1') reads one,
in_prefix(address, '192.0.2.0/24') and slash24(address) match and group. Times are UTC.
  .tables          tables and views, with what they hold
  .schema [NAME]   columns of all or one, with units
  .quit            leave (or end of input)
First looks: FROM scan_summary; FROM top_port ORDER BY addresses DESC; FROM answer LIMIT 20;
No scan can write to the database while this is open.
";

const TABLES: &str = "\
SELECT table_name AS name, 'table' AS kind, comment FROM duckdb_tables() WHERE NOT internal
UNION ALL SELECT view_name, 'view', comment FROM duckdb_views() WHERE NOT internal ORDER BY kind, name";

/// Query the database with SQL, read only
#[derive(Clone, Debug, clap::Args)]
pub struct SqlArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The query; `-` reads it from standard input; nothing starts the line mode (.help there)
    #[arg(value_name = "QUERY|-")]
    query: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl SqlArgs {
    /// Runs the query, or queries as they are typed.
    pub fn run(self) -> anyhow::Result<()> {
        let store = self.database.open(Access::Read)?;
        let format = if self.json { Format::Json } else { self.format };
        let stdin = std::io::stdin();
        match self.query.as_deref() {
            Some("-") => from_stdin(&store, format),
            Some(query) => execute(&store, query, format),
            None if !stdin.is_terminal() => from_stdin(&store, format),
            None => lines(&store, format),
        }
    }
}

fn from_stdin(store: &Store, format: Format) -> anyhow::Result<()> {
    let mut query = String::new();
    std::io::stdin().lock().read_to_string(&mut query).context("query on standard input")?;
    execute(store, &query, format)
}

/// The line mode: an error is printed and the next query awaited.
fn lines(store: &Store, format: Format) -> anyhow::Result<()> {
    let mut query = String::new();
    println!("{} · .help for help", store.path().display());
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
            if let Err(error) = execute(store, &query, format) {
                eprintln!("{error:#}");
            }
            query.clear();
        }
    }
}

/// One query, or one of the dot commands.
fn execute(store: &Store, query: &str, format: Format) -> anyhow::Result<()> {
    let query = query.trim();
    let mut words = query.split_whitespace();
    match words.next() {
        None => Ok(()),
        Some(".help") => Ok(super::output::put(HELP)?),
        Some(".tables") => rows::show(store, TABLES, &[], format),
        Some(".schema") => {
            let name = words.next().map(|name| name.trim_end_matches(';').to_owned());
            let sql = "SELECT table_name AS \"table\", column_name AS \"column\", data_type AS type, comment
                       FROM duckdb_columns() WHERE NOT internal AND coalesce(table_name = ?, true)
                       ORDER BY table_name, column_index";
            rows::show(store, sql, &[name], format)
        }
        Some(command) if command.starts_with('.') => {
            anyhow::bail!("sql: no command {command}; .help lists them")
        }
        Some(_) => rows::show(store, query, &[], format),
    }
}
