//! Configuration files as people write them: the example, and everything that can be wrong.

use std::path::Path;

use super::*;

fn config(text: &str) -> Result<Config, Problems> {
    Config::parse(Path::new("daemon.toml"), text)
}

fn problems(text: &str) -> String {
    let problems = config(text).expect_err("something is wrong with it").0;
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const OPERATOR: &str = "[operator]\nname = \"Example CSIRT\"\ncontact = \"mailto:scan@example.org\"\n";

/// The example with lists that are there.
fn example_in(folder: &Path) -> String {
    std::fs::write(folder.join("targets.txt"), "8.8.8.0/24\n").unwrap();
    std::fs::write(folder.join("optout.txt"), "8.8.8.8 # asked\n").unwrap();
    std::fs::create_dir_all(folder.join("signatures")).unwrap();
    let own =
        "[[device]]\nname = \"One of ours\"\nsource = \"a lab\"\nkeywords = [{ regex = 'OURS-1/', weight = 1.0 }]\n";
    std::fs::write(folder.join("signatures/own.toml"), own).unwrap();
    let folder = folder.display().to_string();
    example::example()
        .replace("# files = [\"/etc/prober/targets.txt\"]", "files = [\"/etc/prober/targets.txt\"]")
        .replace("# files = [\"/etc/prober/optout.txt\"]", "files = [\"/etc/prober/optout.txt\"]")
        .replace("/etc/prober/", &format!("{folder}/"))
}

#[test]
fn the_example_is_usable_and_every_commented_value_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = example_in(folder.path());
    let shown = config(&text).expect("the example is fine");
    assert_eq!(shown.lists.watched(), 255);
    assert_eq!(shown.settings.probing.rate.pps(60), Some(10_000.0));
    // Every example value at once: all are read, and what they contradict is known.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| is_setting(line)).unwrap_or(line).to_owned() + "\n")
        .collect();
    let all = config(&all).expect("so is every value that it shows");
    assert!(all.settings.metrics.is_some() && all.settings.export.is_some() && all.settings.way_out.vlan == Some(7));
}

fn is_setting(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(name, _)| keys::KEYS.iter().any(|key| key.name == name))
}

#[test]
fn the_defaults_of_the_list_are_all_in_the_example() {
    let text = example::example();
    for key in &keys::KEYS {
        assert_eq!(keys::KEYS.iter().filter(|other| other.path() == key.path()).count(), 1, "{}", key.path());
        assert!(keys::SECTIONS.iter().any(|(section, _)| *section == key.section), "{}", key.path());
        assert!(text.contains(&format!("\n{} = ", key.name)) || text.contains(&format!("\n# {} = ", key.name)));
    }
}

#[test]
fn everything_wrong_is_told_at_once_with_its_line() {
    let text = "\
[operator]
name = \"\"
contact = \"scan@example.org\"
phone = \"110\"

[target]
ranges = \"8.8.8.0/24\"

[probing]
rate = \"10 furlongs\"
cooldown = \"soon\"
prots = \"22\"
ports = [\"22\", \"70000\", \"9100\", \"icmp\"]
database = \"x.duckdb\"

[store]
database = \"prober.duckdb\"
checkpoint-interval = [\"1s\", \"2s\"]

[http]
metrics = \"localhost\"

rate = 5
[retention]
replies = \"1h\"
";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn a_number_with_a_unit_outside_of_quotes_hides_nothing_else() {
    let text =
        format!("{OPERATOR}[targets]\nranges = \"8.8.8.0/24\"\n[probing]\nrate = 10 furlongs\ncooldwon = \"8s\"\n");
    insta::assert_snapshot!(problems(&text));
}

#[test]
fn contradictions_name_both_sides() {
    let text = format!(
        "{OPERATOR}[probing]
rate = \"1M\"
line = \"100M\"
rate-per-24 = \"2M\"
cooldown = \"10m\"
time-scale = 100
[banners]
rate = 10
rate-per-24 = 20
[retention]
replies = \"1d\"
[export]
folder = \"/var/lib/prober\"
[roll-out]
steps = [\"10%\", \"1%\"]
[http]
metrics = \"0.0.0.0:8080\"
pages = \"192.0.2.1:8080\"
[control]
kill-switch = \"/run/prober/daemon.sock\"
"
    );
    insta::assert_snapshot!(problems(&text));
}

#[test]
fn lists_are_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("targets.txt");
    std::fs::write(&list, "8.8.8.0/24\n8.8.8.256\n").unwrap();
    let text = format!(
        "{OPERATOR}[targets]\nfiles = [\"{}\", \"/nowhere/targets.txt\"]\n[exclusions]\nfiles = \"/nowhere/optout.txt\"\n",
        list.display()
    );
    let told = problems(&text).replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(told);
    let nothing = format!("{OPERATOR}[targets]\nranges = \"192.0.2.0/24\"\n");
    assert!(problems(&nothing).contains("every target is excluded"));
    let wide = format!("{OPERATOR}[targets]\nranges = \"8.0.0.0/7\"\n");
    assert!(problems(&wide).contains("daemon.toml:5: 33554432 targets without an exclusion list"));
}
