//! Configuration files as people write them: the example, and everything that can be wrong.

use std::path::Path;

use super::*;
use crate::network::congestion::medium::Medium;

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
    std::fs::write(folder.join("offsets.csv"), "8.8.8.0/24,+09:00\n").unwrap();
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

#[test]
fn local_times_are_looked_into_like_all_lists() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("offsets.csv");
    let shown = file.display();
    let targets = "[targets]\nranges = \"8.8.8.0/24\"\n";
    let settings = config(&format!("{OPERATOR}{targets}")).unwrap().settings.networks;
    assert_eq!((settings.learn, settings.utc_offset_s, settings.medium), (true, 0, Medium::Unknown));
    let text = format!(
        "{OPERATOR}{targets}[networks]\nlearn = false\nutc-offset = \"-3:30\"\nmedium = \"lte\"\noffsets = \"{shown}\"\n"
    );
    assert!(problems(&text).contains("daemon.toml:10: networks.offsets: "));
    std::fs::write(&file, "10.0.0.0/8,+01:00\n10.2.0.0/16,JST\n").unwrap();
    assert!(problems(&text).contains("offsets.csv:2: `JST` is not an offset from UTC"));
    std::fs::write(&file, "10.0.0.0/8,+01:00\n").unwrap();
    let all = config(&text).unwrap();
    assert_eq!((all.offsets.of(10 << 24), all.offsets.of(11 << 24)), (3_600, -12_600));
    assert_eq!((all.settings.networks.learn, all.settings.networks.medium), (false, Medium::Lte));
    let told = problems(&format!("{OPERATOR}{targets}[networks]\nutc-offset = \"JST\"\nmedium = \"wimax\"\n"));
    assert!(told.contains("networks.utc-offset: `JST`") && told.contains("networks.medium: `wimax`"), "{told}");
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

#[test]
fn every_bad_line_of_a_list_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("optout.txt");
    std::fs::write(&list, "8.8.8.0/33\n8.8.8.1\nwho\n8.8.8.256\n").unwrap();
    let list = list.display();
    let told = problems(&format!("{OPERATOR}[targets]\nranges = \"8.8.0.0/16\"\n[exclusions]\nfiles = \"{list}\"\n"));
    let lines: Vec<_> = told.lines().map(|line| line.split(':').nth(1).unwrap_or_default()).collect();
    assert_eq!(lines, ["1", "3", "4"], "{told}");
}

#[test]
fn messages_say_what_is_meant() {
    let told = problems(&format!(
        "{OPERATOR}[targets]\nranges = \"8.8.8.0/24\"\nranges = \"8.8.9.0/24\"\n[extra]\nx = 1\n[probing]\nrate = 10k\n\
         cooldown = \"8s\n"
    ));
    assert!(told.contains("daemon.toml:6: duplicate key \"ranges\"; it is said once more above"), "{told}");
    assert!(told.contains("unknown section [extra]; `prober config example` shows them all"), "{told}");
    assert!(
        told.lines().any(|line| line.starts_with("daemon.toml:11: ") && !line.contains("stand in quotes")),
        "{told}"
    );
    assert!(
        told.lines().any(|line| line.starts_with("daemon.toml:10: ") && line.contains("stand in quotes")),
        "{told}"
    );
}

fn warnings(text: &str) -> String {
    let warnings = config(&format!("{OPERATOR}{text}")).expect("it can be used").warnings;
    warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let quiet = format!("[control]\nkill-switch = \"{at}/STOP\"\n");
    let told = warnings(&format!(
        "[targets]\nranges = [\"8.8.0.0/24\", \"10.0.0.0/30\"]
[probing]\nports = \"80\"\nexploration = \"100%\"\n[roll-out]\nsteps = \"0.000000001%\"
[store]\ndatabase = \"{at}/gone/x.duckdb\"\n[export]\nfolder = \"{at}/gone/too/export\"
[http]\nmetrics = \"0.0.0.0:80\"\n[control]\nkill-switch = \"{at}/gone/STOP\"\n"
    ));
    for part in [
        "4 of 260 targets lie in the IANA special ranges",
        "probing.exploration: 100 % of the budget",
        "probing.reduction: 1 ports leave 0.0 probes a day for each address at 1/80",
        "roll-out.steps: the first share of 256 addresses is less than one",
        "store.database: FOLDER/gone is no folder",
        "store.database lies outside of /var/lib/prober",
        "export.folder: FOLDER/gone/too is no folder",
        "http.metrics: port 80 needs CAP_NET_BIND_SERVICE",
        "control.kill-switch: FOLDER/gone cannot be looked at",
    ] {
        let part = part.replace("FOLDER", &at.to_string());
        assert!(told.contains(&part), "{part} in {told}");
    }
    assert_eq!(told.lines().filter(|line| line.contains("ReadWritePaths=")).count(), 2, "{told}");
    let told = warnings(&format!("[targets]\nranges = \"8.0.0.0/9\"\n[exclusions]\nfiles = \"/dev/null\"\n{quiet}"));
    assert!(told.contains("roll-out.steps: all 8388608 addresses are watched from the first day on"), "{told}");
    let told = warnings(&format!(
        "[targets]\nranges = \"8.0.0.0/30\"\n[retention]\nreplies = \"3d\"\nestimates = \"60d\"\n{quiet}"
    ));
    assert!(told.contains("retention.replies: quiet hosts") && !told.contains("retention.estimates"), "{told}");
    // More than any host has.
    let told = warnings(&format!("[targets]\nranges = \"8.0.0.0/30\"\n[store]\nmemory = \"8000000G\"\n{quiet}"));
    assert!(told.contains("store.memory: 0.0 GB for the states of the targets, 8000000.0 for the database"), "{told}");
    assert!(!warnings(&format!("[targets]\nranges = \"8.0.0.0/30\"\n{quiet}")).contains("store.memory"));
}

#[test]
fn an_amount_of_memory_has_to_be_one() {
    for (text, part) in
        [("1", "at least 256M"), ("much", "is not an amount of memory"), ("-1G", "is not an amount of memory")]
    {
        let told = problems(&format!("{OPERATOR}[targets]\nranges = \"8.0.0.0/30\"\n[store]\nmemory = \"{text}\"\n"));
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn a_plan_that_cannot_be_met_is_told_beforehand() {
    let told = |probing: &str, steps: &str| {
        let text = format!(
            "[targets]\nranges = \"8.8.0.0/16\"\n[probing]\nscheme = \"standard\"\nports = \"10000-10999\"\n{probing}[roll-out]\n\
             steps = \"{steps}\"\n"
        );
        warnings(&text).lines().find(|line| line.contains("the plan needs")).map(str::to_owned)
    };
    // 65,536 addresses with 1,000 ports twice a day.
    let by_rate = told("rate = 100\n", "100%").expect("it cannot be met");
    assert!(by_rate.contains("needs 1517 probes/s, 15.17 times the 100 that"), "{by_rate}");
    assert!(by_rate.starts_with("daemon.toml:9: "), "{by_rate}");
    assert_eq!(told("rate = 2000\n", "100%"), None);
    assert_eq!(told("rate = 100\n", "5%"), None);
    let by_24 = told("rate = 2000\nrate-per-24 = 1\n", "100%").expect("256 of them");
    assert!(by_24.contains("5.93 times the 256"), "{by_24}");
}
