//! Whether the scan found the lab's real servers: each is on all 256 addresses of a prefix, so the right answer is known.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{lab::Lab, workspace};

#[derive(Deserialize)]
struct Row {
    name: String,
    prefix: String,
    port: u16,
    addresses: u32,
    rtt_ms: Option<f64>,
}

/// Prints how many addresses of each server answered; an error if one was not found at all.
pub fn show(lab: &Lab, database: &Path) -> Result<()> {
    let mut sql = Command::new(workspace::built("prober")?);
    sql.args(["sql", "--format", "json", "--db"]).arg(database).arg(query(lab));
    let printed = workspace::output(&mut sql)?;
    let rows: Vec<Row> = serde_json::from_str(&printed).context("reading what `prober sql` printed")?;
    let mut silent = Vec::new();
    for row in rows {
        let rtt = row.rtt_ms.map_or(String::new(), |ms| format!("   RTT {ms:.3} ms"));
        println!("{:<15} {:<13} port {:<5} {:>3} addresses{rtt}", row.name, row.prefix, row.port, row.addresses);
        if row.addresses == 0 {
            silent.push(row.name);
        }
    }
    if !silent.is_empty() {
        bail!("the scan did not find {}", silent.join(", "));
    }
    Ok(())
}

fn query(lab: &Lab) -> String {
    let servers: Vec<String> =
        lab.servers.iter().map(|s| format!("('{}', '{}', {}, '{}')", s.name, s.prefix, s.port, s.transport)).collect();
    format!(
        "SELECT s.name, s.prefix, s.port, count(o.address) AS addresses, median(o.rtt_min_ms) AS rtt_ms \
         FROM (VALUES {}) s(name, prefix, port, transport) LEFT JOIN open_port o ON o.port = s.port \
         AND (o.probe = 'udp') = (s.transport = 'udp') AND in_prefix(o.address, s.prefix) GROUP BY ALL ORDER BY ALL",
        servers.join(", ")
    )
}
