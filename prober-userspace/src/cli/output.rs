//! What every command does with its output: text to standard output, one line per failure to standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::UsageError;

/// Writes text to standard output. A reader that went away is an error that `report` takes for a normal end.
pub fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A value as indented JSON, with the end of its last line.
pub fn json_text<T: Serialize>(value: &T) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes a value as indented JSON.
pub fn put_json<T: Serialize>(value: &T) -> io::Result<()> {
    put(&json_text(value)?)
}

/// Prints what clap says: help and version as they are, a refusal as one line. Gives the exit code.
pub fn refuse(refusal: &clap::Error) -> ExitCode {
    if !refusal.use_stderr() {
        let _ = refusal.print();
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr(), "prober: {}", refusal_line(&refusal.to_string()));
    ExitCode::from(2)
}

/// The reason and the tip out of clap's paragraphs; usage and pointers to the help are left out.
fn refusal_line(text: &str) -> String {
    let said = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<_> = said.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
    let line = said.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{}; --help shows what is possible", line.replace(" tip: ", "; "))
}

/// Prints a failure as one line, its causes after colons; gives the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let reader_left = error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe));
    if reader_left {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(io::stderr(), "prober: {}", one_line(error));
    if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// The chain of causes on one line; a cause that its context already repeats is left out.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            if line.ends_with(&text) {
                continue;
            }
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_refusal_of_clap_is_one_line() {
        let text = "error: unexpected argument '--rat' found\n\n  tip: a similar argument exists: '--rate'\n\nUsage: prober \
                    scan\n\nFor more information, try '--help'.\n";
        let expected =
            "unexpected argument '--rat' found; a similar argument exists: '--rate'; --help shows what is possible";
        assert_eq!(refusal_line(text), expected);
    }

    #[test]
    fn causes_stand_on_one_line_without_repeats() {
        let error = anyhow!("disk full").context("cannot write\nprober.duckdb").context("the store failed");
        assert_eq!(one_line(&error), "the store failed: cannot write prober.duckdb: disk full");
        let repeating = anyhow!("no such file").context("cannot open x: no such file");
        assert_eq!(one_line(&repeating), "cannot open x: no such file");
    }
}
