//! `prober doctor`: prints whether this host can scan well.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use prober_common::address::V4;

use super::UsageError;
use super::database::DatabaseArgs;
use super::output::{put, put_json};
use super::settings::parse_address;
use crate::io::doctor::{Check, Examination, State, examine};
use crate::model::link::LinkRequest;
use crate::model::mac::Mac;

/// Arguments of `prober doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// An address like those to be scanned: its route is the one checked. Nothing is sent to it
    #[arg(value_name = "TARGET", default_value = "192.0.2.1")]
    target: String,
    /// Check this interface (default: the route's)
    #[arg(short, long, value_name = "NAME")]
    interface: Option<String>,
    /// Take this as the gateway's Ethernet address (default: asked by ARP)
    #[arg(short = 'G', long, value_name = "MAC")]
    gateway_mac: Option<Mac>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

impl DoctorArguments {
    /// Checks and prints; exit code 1 if any check fails.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let any_target: V4 = parse_address(&self.target).map_err(UsageError)?;
        let checks = examine(&Examination {
            link: LinkRequest {
                interface: self.interface,
                gateway_mac: self.gateway_mac,
                any_target,
                single_target: true,
                ..LinkRequest::default()
            },
            database: self.database.path()?,
        });
        if self.json {
            put_json(&checks)?;
        } else {
            put(&text(&checks))?;
        }
        let failed = checks.iter().any(|check| check.state == State::Fail);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:4}  {:width$}  {}", check.state.name(), check.name, check.found);
        if !check.advice.is_empty() {
            let _ = writeln!(out, "      {:width$}  -> {}", "", check.advice);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_under_what_it_is_about() {
        let check = |name, state, advice: &str| Check { name, state, found: "found".into(), advice: advice.into() };
        let checks = [check("kernel", State::Ok, ""), check("bpf jit", State::Warn, "turn it on")];
        insta::assert_snapshot!(text(&checks), @r#"
        ok    kernel   found
        warn  bpf jit  found
                       -> turn it on
        "#);
    }
}
