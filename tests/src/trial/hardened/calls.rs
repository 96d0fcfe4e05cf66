//! The system calls that a program made, against the filter of its unit: what it would have been refused.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::unit::Unit;

/// The calls in a trace that the unit's filter refuses.
pub fn refused(unit: &Unit, trace: &Path) -> Result<BTreeSet<String>> {
    let allowed = allowed(unit)?;
    let text = fs::read_to_string(trace).with_context(|| format!("cannot read {}", trace.display()))?;
    let made: BTreeSet<String> = text.lines().filter_map(call).map(str::to_owned).collect();
    ensure!(made.len() > 20, "the trace holds hardly a call: {made:?}");
    Ok(made.difference(&allowed).cloned().collect())
}

/// Its name, of a line like `17 openat(AT_FDCWD, ...`; `None` for what is no call or the rest of one.
fn call(line: &str) -> Option<&str> {
    let (_, rest) = line.trim_start().split_once(char::is_whitespace)?;
    let (name, _) = rest.trim_start().split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name.then_some(name)
}

/// What the filter lets through: its first line says what to begin with, later ones add or take away.
fn allowed(unit: &Unit) -> Result<BTreeSet<String>> {
    let mut allowed = BTreeSet::new();
    for line in unit.lines("SystemCallFilter") {
        let (takes_away, words) = line.strip_prefix('~').map_or((false, line), |rest| (true, rest));
        for word in words.split_whitespace() {
            for name in named(word)? {
                if takes_away {
                    allowed.remove(&name)
                } else {
                    allowed.insert(name)
                };
            }
        }
    }
    Ok(allowed)
}

/// A call, or all calls of a set.
fn named(word: &str) -> Result<BTreeSet<String>> {
    if !word.starts_with('@') {
        return Ok([word.to_owned()].into());
    }
    let output = Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", word]).output();
    let output = output.context("systemd-analyze has to be installed: `cargo xtask setup`")?;
    ensure!(output.status.success(), "systemd-analyze knows no {word}");
    let mut names = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        // The set's own name stands at the margin, what it holds below, comments among it.
        let Some(name) = line.strip_prefix("    ").map(str::trim).filter(|name| !name.starts_with('#')) else {
            continue;
        };
        names.append(&mut named(name)?);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_what_else_a_trace_holds() {
        assert_eq!(call("12345 openat(AT_FDCWD, \"/etc\") = 3"), Some("openat"));
        assert_eq!(call("7     bpf(BPF_MAP_CREATE, {map_type=1}, 72) = 4"), Some("bpf"));
        assert_eq!(call("7 <... futex resumed>) = 0"), None);
        assert_eq!(call("7 --- SIGTERM {si_signo=SIGTERM} ---"), None);
        assert_eq!(call("7 +++ exited with 0 +++"), None);
    }
}
