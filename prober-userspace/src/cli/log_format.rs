//! Log lines on standard error: for people, they look like failures (`prober: warning: ...`) and make room for a progress
//! line; for machines, each is a JSON object. Which of them are shown is said by `PROBER_LOG`.

use std::io::{self, IsTerminal, Write};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::io::clock::utc_now;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line: time, level, target, message.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("\"{text}\" is neither text nor json")),
        }
    }
}

/// Changed by the configuration after the log began.
static JSON: AtomicBool = AtomicBool::new(false);

/// Line of a log for machines. The field names are stable.
#[derive(Serialize)]
struct Line<'l> {
    time: String,
    level: &'l str,
    target: &'l str,
    message: String,
}

/// Starts the log, for people until `choose` says otherwise.
pub fn start() {
    let to_terminal = io::stderr().is_terminal();
    env_logger::Builder::from_env(env_logger::Env::new().filter_or("PROBER_LOG", "prober_userspace=info,warn"))
        .format(move |line, record| {
            if JSON.load(Ordering::Relaxed) {
                return writeln!(line, "{}", as_json(record)?);
            }
            // A progress line may stand there.
            let clear = if to_terminal { "\r\x1b[K" } else { "" };
            let level = match record.level() {
                log::Level::Error => "error: ",
                log::Level::Warn => "warning: ",
                log::Level::Info => "",
                log::Level::Debug | log::Level::Trace => "debug: ",
            };
            writeln!(line, "{clear}prober: {level}{}", record.args())
        })
        .init();
}

/// From now on.
pub fn choose(format: LogFormat) {
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
}

fn as_json(record: &log::Record<'_>) -> serde_json::Result<String> {
    let level = record.level().as_str().to_ascii_lowercase();
    let message = record.args().to_string();
    serde_json::to_string(&Line { time: utc_now().to_string(), level: &level, target: record.target(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_machines_is_one_object_whatever_it_says() {
        let arguments = format_args!("a \"quoted\"\nword");
        let record = log::Record::builder().level(log::Level::Warn).target("prober::x").args(arguments).build();
        let line = as_json(&record).unwrap();
        assert!(!line.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((read["level"].as_str(), read["message"].as_str()), (Some("warn"), Some("a \"quoted\"\nword")));
        assert!(read["time"].as_str().unwrap().ends_with('Z'));
    }
}
