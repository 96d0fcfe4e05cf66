//! What is wrong with the command line and the lists.

use std::fs;

use anyhow::Result;

use super::{judge, refused};
use crate::trial::finding::Finding;

/// A case: its name, arguments, exit code, and what the line has to say.
type Case<'a> = (&'a str, &'a [&'a str], i32, &'a [&'a str]);

/// Each case by itself; no packet is sent, and no database made.
pub fn run() -> Result<Finding> {
    let directory = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = directory.path().join(name);
        fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let bad_list = file("targets.txt", "# three lines\n192.0.2.0/24\n192.0.2.0/33\n")?;
    let bad_pairs = file("pairs.txt", "192.0.2.1:80\n192.0.2.2:80000\n")?;
    let all = file("all.txt", "20.0.0.0/24 # everything\n")?;
    let missing = directory.path().join("missing.txt").to_string_lossy().into_owned();
    let is_directory = directory.path().to_string_lossy().into_owned();
    let cases: &[Case] = &[
        ("malformed prefix", &["20.0.0.0/33", "-p", "80"], 2, &["20.0.0.0/33", "32"]),
        ("malformed address", &["20.0.0.256", "-p", "80"], 2, &["20.0.0.256"]),
        ("malformed port", &["20.0.0.0/24", "-p", "80,70000"], 2, &["70000"]),
        ("unknown port set", &["20.0.0.0/24", "-p", "@lamps"], 2, &["lamps", "iot"]),
        ("malformed rate", &["20.0.0.0/24", "-p", "80", "-r", "fast"], 2, &["rate", "fast"]),
        ("malformed shard", &["20.0.0.0/24", "-p", "80", "--shard", "3/3"], 2, &["no shard 3 of 3", "0/3 to 2/3"]),
        ("no targets", &["-p", "80"], 2, &["target"]),
        ("no ports", &["20.0.0.0/24"], 2, &["port"]),
        ("unknown flag", &["20.0.0.0/24", "--raet", "5k"], 2, &["--raet", "--rate"]),
        ("list with a bad line", &["-w", &bad_list, "-p", "80"], 2, &["targets.txt:3", "192.0.2.0/33"]),
        ("pairs with a bad line", &["--pairs-file", &bad_pairs], 2, &["pairs.txt:2", "80000"]),
        ("exclusions missing", &["20.0.0.0/24", "-p", "80", "-b", &missing], 1, &["exclusions", "missing.txt"]),
        ("exclusions not a file", &["20.0.0.0/24", "-p", "80", "-b", &is_directory], 1, &["exclusions", &is_directory]),
        ("no targets left", &["20.0.0.0/24", "-p", "80", "-b", &all], 2, &["exclu"]),
        ("special ranges only", &["10.0.0.0/24", "-p", "80"], 2, &["exclu", "--allow-special"]),
        ("more than a /8 without exclusions", &["20.0.0.0/7", "-p", "80"], 2, &["/8", "--blocklist-file"]),
        ("resume without a database", &["20.0.0.0/24", "-p", "80", "--resume"], 1, &["scan"]),
    ];
    let mut finding = Finding::new("input");
    for (name, arguments, code, words) in cases {
        let arguments: Vec<&str> = ["scan"].iter().chain(*arguments).copied().collect();
        judge(&mut finding, name, &refused(directory.path(), &arguments)?, *code, words);
    }
    Ok(finding)
}
