//! The rules of style that rustfmt and clippy do not know. What is said here is said once, for every file of the
//! workspace; the reasons stand beside the rules.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Past this a file is to be looked at for its second noun; past the next it is split.
const LONG_LINES: usize = 250;
const TOO_LONG_LINES: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["mod", "util", "utils", "helper", "misc", "manager"];

/// Notes to oneself, in code that others read. Written apart, lest this file be found to hold them.
const LEFTOVERS: [&str; 7] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X:"),
    concat!("#[ign", "ore"),
];

pub fn check() -> Result<()> {
    let root = workspace::root();
    let mut files = Vec::new();
    for member in ["prober-common", "prober-ebpf", "prober-userspace", "tests", "xtask"] {
        rust_files(&root.join(member), &mut files)?;
    }
    files.sort();
    let mut faults = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let shown = file.strip_prefix(root).unwrap_or(file);
        check_file(shown, &text, &mut faults);
    }
    check_manifests(root, &mut faults)?;
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    println!("{} files", files.len());
    Ok(())
}

fn check_file(file: &Path, text: &str, faults: &mut Vec<String>) {
    let mut fault = |line: usize, what: &str| faults.push(format!("{}:{line}: {what}", file.display()));
    if !text.starts_with("//!") {
        fault(1, "does not open with `//!`: what it is and what it leaves out");
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem.as_str()) {
        fault(1, "a name that says nothing about what is inside");
    }
    let lines = code_lines(text);
    if lines > TOO_LONG_LINES {
        fault(1, &format!("{lines} lines of code, more than {TOO_LONG_LINES}: split it"));
    } else if lines > LONG_LINES {
        println!("{}: {lines} lines of code: is there a second noun in it?", file.display());
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(leftover) = LEFTOVERS.iter().find(|leftover| line.contains(*leftover)) {
            fault(index + 1, &format!("`{leftover}` left over"));
        }
    }
    if !is_test(file) {
        for (index, line) in text.lines().enumerate().take_while(|(_, line)| !line.contains("#[cfg(test)]")) {
            if line.contains(".unwrap()") && !line.trim_start().starts_with("//") {
                fault(index + 1, "`unwrap` outside tests: `expect` with why it cannot happen, or an error");
            }
        }
    }
}

/// Lines with code on them, without tests at the end of the file.
fn code_lines(text: &str) -> usize {
    let lines = text.lines().map(str::trim);
    lines.take_while(|line| *line != "#[cfg(test)]").filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// Versions are named in the workspace's `Cargo.toml` only, so that two members never differ.
fn check_manifests(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for member in ["prober-common", "prober-ebpf", "prober-userspace", "tests", "xtask"] {
        let file = root.join(member).join("Cargo.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let mut in_dependencies = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace") && !line.starts_with('#') {
                faults.push(format!("{member}/Cargo.toml: `{line}`: versions belong in the workspace's Cargo.toml"));
            }
        }
    }
    Ok(())
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "benches" | "fuzz")))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, text: &str) -> usize {
        let mut faults = Vec::new();
        check_file(Path::new(file), text, &mut faults);
        faults.len()
    }

    #[test]
    fn each_rule_finds_its_fault() {
        assert_eq!(faults("a/src/reply.rs", "//! A reply.\nfn f() {}\n"), 0);
        assert_eq!(faults("a/src/reply.rs", "fn f() {}\n"), 1);
        assert_eq!(faults("a/src/util.rs", "//! Anything.\n"), 1);
        assert_eq!(faults("a/src/reply.rs", concat!("//! A reply.\nfn f() { todo", "!() }\n")), 1);
        assert_eq!(faults("a/src/reply.rs", "//! A reply.\nfn f() { g().unwrap() }\n"), 1);
        assert_eq!(faults("a/src/reply.rs", "//! A reply.\n#[cfg(test)]\nmod tests { g().unwrap() }\n"), 0);
        assert_eq!(faults("tests/src/reply.rs", "//! A reply.\nfn f() { g().unwrap() }\n"), 0);
        let long = format!("//! A reply.\n{}", "f();\n".repeat(TOO_LONG_LINES + 1));
        assert_eq!(faults("a/src/reply.rs", &long), 1);
    }
}
