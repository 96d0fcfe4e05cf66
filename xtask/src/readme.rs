//! Checks README.md against what there is: each file it names exists, each command it shows is known with its options.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;

use crate::{arguments::Arguments, workspace};

pub fn check() -> Result<()> {
    let text = fs::read_to_string(workspace::root().join("README.md")).context("reading README.md")?;
    let mut faults = Vec::new();
    let paths = named_paths(&text);
    for path in &paths {
        if !workspace::root().join(path).exists() {
            faults.push(format!("there is no `{path}`"));
        }
    }
    let commands = shown_commands(&text);
    let mut helps = BTreeMap::new();
    for command in &commands {
        if let Err(fault) = check_command(command, &mut helps) {
            faults.push(format!("`{command}`: {fault:#}"));
        }
    }
    if !faults.is_empty() {
        bail!("README.md: {}", faults.join("\n  "));
    }
    println!("{} paths, {} commands", paths.len(), commands.len());
    Ok(())
}

/// Links to files, and what stands between backticks and looks like a path of the workspace.
fn named_paths(text: &str) -> Vec<String> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
    let quoted = inline_code(text).filter(|code| {
        let first = code.split('/').next().unwrap_or_default();
        let is_path = code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        is_path && code.contains('/') && !first.is_empty() && workspace::root().join(first).exists()
    });
    links.chain(quoted).map(|path| path.trim_end_matches('/').to_owned()).collect()
}

/// Lines of code blocks and inline code that call `prober` or `cargo xtask`.
fn shown_commands(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2).flat_map(str::lines);
    let all = blocks.chain(inline_code(text)).map(|line| {
        let line = line.trim().trim_start_matches("$ ").trim_start_matches("sudo ");
        line.split(" #").next().unwrap_or_default().trim().trim_start_matches("target/release/").to_owned()
    });
    all.filter(|line| line.starts_with("prober ") || line.starts_with("cargo xtask ")).collect()
}

fn inline_code(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// Alternatives in the prose (`up|down|exec`, `<setup|run>`) are taken one by one.
fn check_command(command: &str, helps: &mut BTreeMap<String, String>) -> Result<()> {
    let (program, rest) = match command.strip_prefix("cargo xtask ") {
        Some(rest) => ("xtask", rest),
        None => ("prober", command.strip_prefix("prober ").unwrap_or_default()),
    };
    let mut words = rest.split_whitespace();
    let names = words.next().unwrap_or_default().trim_matches(['<', '>']);
    for name in names.split('|').filter(|name| !name.starts_with('-')) {
        let mut names = vec![name];
        let mut help = known_help(program, &names, helps)?;
        // A command of a command, as `device build`, has options of its own.
        let next = words.clone().next().unwrap_or_default();
        let is_command = |line: &str| line.strip_prefix("  ").and_then(|line| line.split(' ').next()) == Some(next);
        if next.starts_with(|c: char| c.is_ascii_lowercase()) && help.lines().any(is_command) {
            names.push(next);
            help = known_help(program, &names, helps)?;
        }
        let options = words.clone().take_while(|word| *word != "--").filter(|word| word.starts_with("--"));
        for option in options.map(|option| option.split('=').next().unwrap_or(option)) {
            let is_known = help.split([' ', ',', '\n', '=', '[']).any(|word| word == option);
            if !is_known {
                bail!("no option `{option}`");
            }
        }
    }
    Ok(())
}

fn known_help(program: &str, names: &[&str], helps: &mut BTreeMap<String, String>) -> Result<String> {
    let key = format!("{program} {}", names.join(" "));
    if let Some(known) = helps.get(&key) {
        return Ok(known.clone());
    }
    let text = help(program, names)?;
    helps.insert(key, text.clone());
    Ok(text)
}

fn help(program: &str, names: &[&str]) -> Result<String> {
    if program == "xtask" {
        let mut task = &mut Arguments::command();
        for name in names {
            task = task.find_subcommand_mut(name).context("no such task")?;
        }
        return Ok(task.render_long_help().to_string());
    }
    workspace::output(Command::new(workspace::built("prober")?).args(names).arg("--help")).context("no such command")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "See [the tests](tests/) and `xtask/src/main.rs`, `a/b`.\n```sh\n$ cargo xtask setup  # all\n\
                        ./x\nprober scan --rate 1\n```\nRun `prober report --html`.\n";

    #[test]
    fn paths_and_commands_are_found() {
        assert_eq!(named_paths(TEXT), ["tests", "xtask/src/main.rs"]);
        assert_eq!(shown_commands(TEXT), ["cargo xtask setup", "prober scan --rate 1", "prober report --html"]);
    }

    #[test]
    fn unknown_tasks_and_options_are_faults() {
        let mut helps = BTreeMap::new();
        assert!(check_command("cargo xtask setup --check", &mut helps).is_ok());
        assert!(check_command("cargo xtask setup|tidy", &mut helps).is_ok());
        assert!(check_command("cargo xtask setup --checked", &mut helps).is_err());
        assert!(check_command("cargo xtask fly", &mut helps).is_err());
    }
}
