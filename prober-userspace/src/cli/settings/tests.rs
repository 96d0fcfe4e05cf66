//! Layers, origins and the words of refusals.

use std::path::Path;

use clap::{Args, FromArgMatches};

use super::*;

fn flags(line: &str) -> SettingFlags {
    let command = SettingFlags::augment_args(clap::Command::new("scan"));
    let matches = command.try_get_matches_from(std::iter::once("scan").chain(line.split_whitespace())).unwrap();
    SettingFlags::from_arg_matches(&matches).unwrap()
}

fn layers(file: &str, environment: &[(&str, &str)], line: &str) -> Result<Layers, SettingsError> {
    let mut layers = Layers::defaults();
    layers.add_file(Path::new("p.toml"), file)?;
    layers.add_environment(|name| environment.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).into()));
    layers.add_flags(flags(line));
    Ok(layers)
}

fn resolved(file: &str, environment: &[(&str, &str)], line: &str) -> Result<Settings, SettingsError> {
    Settings::resolve(&layers(file, environment, line)?)
}

fn refusal(file: &str, environment: &[(&str, &str)], line: &str) -> String {
    resolved(file, environment, line).expect_err(line).to_string()
}

#[test]
fn a_higher_layer_wins() {
    let file = "rate = 500\nprobes = 2\ncooldown-time = 3\n";
    let environment = [("PROBER_RATE", "600"), ("PROBER_TTL", "33")];
    let settings = resolved(file, &environment, "-r 700").unwrap();
    assert_eq!(settings.rate, RateLimit::Packets(700.0));
    assert_eq!((settings.probes, settings.ttl), (2, Some(33)));
    assert_eq!(settings.cooldown_time, Duration::from_secs(3));
    assert_eq!(resolved(file, &environment, "").unwrap().rate, RateLimit::Packets(600.0));
    assert_eq!(resolved("", &[], "").unwrap().rate, RateLimit::Packets(10_000.0));
}

#[test]
fn origins_are_kept() {
    let layers = layers("\nrate = 500\n", &[("PROBER_TTL", "33")], "-p 80 192.0.2.1").unwrap();
    let shown: Vec<_> = layers
        .entries()
        .filter(|(_, entry)| entry.origin != Origin::Default)
        .map(|(key, entry)| format!("{key} {} {}", entry.texts.join(" "), entry.origin))
        .collect();
    let expected =
        ["targets 192.0.2.1 TARGET", "target-ports 80 --target-ports", "rate 500 p.toml:2", "ttl 33 PROBER_TTL"];
    assert_eq!(shown, expected);
}

#[test]
fn no_layer_removes_anothers_exclusions() {
    let settings = resolved("blocklist-file = [\"a\", \"b\"]", &[("PROBER_BLOCKLIST_FILE", "c")], "-b d -b e").unwrap();
    let files: Vec<_> = settings.blocklist_files.iter().map(|file| file.display().to_string()).collect();
    assert_eq!(files, ["a", "b", "c", "d", "e"]);
}

#[test]
fn bandwidth_and_rate_exclude_each_other_within_a_layer() {
    let bits = RateLimit::Bits(10e6);
    assert_eq!(resolved("", &[], "-B 10M").unwrap().rate, bits);
    assert_eq!(resolved("rate = 5", &[], "-B 10M").unwrap().rate, bits);
    assert_eq!(resolved("bandwidth = \"10M\"", &[], "-r 5").unwrap().rate, RateLimit::Packets(5.0));
    assert_eq!(refusal("", &[], "-B 10M -r 5"), "--bandwidth: given together with a rate; choose one");
}

#[test]
fn both_ways_to_write_a_shard() {
    let shard = |line| resolved("", &[], line).unwrap().shard;
    assert_eq!(shard("--shard 1/3"), shard("--shards 3 --shard 1"));
    assert_eq!(shard(""), Shard::WHOLE);
    assert!(refusal("", &[], "--shards 3 --shard 3").starts_with("--shards: there is no shard 3 of 3"));
    assert!(refusal("", &[], "--shards 3 --shard 1/3").starts_with("--shards: given together with --shard 1/3"));
}

#[test]
fn refusals_say_where_and_what() {
    let refusals = [
        refusal("", &[], "-r fast"),
        refusal("", &[], "--rate=-5"),
        refusal("", &[("PROBER_RATE", "0")], ""),
        refusal("\n\nrate = \"1e9x\"", &[], ""),
        refusal("", &[], "--shard 3/3"),
        refusal("", &[], "--shard x"),
        refusal("", &[], "-c soon"),
        refusal("", &[], "--checkpoint-interval 0"),
        refusal("", &[], "-G 02:00:00"),
        refusal("", &[], "-S 192.0.2.300"),
        refusal("", &[], "-S 224.0.0.1"),
        refusal("", &[], "--vlan 4095"),
        refusal("", &[], "--ttl 0"),
        refusal("", &[], "--probes 0"),
        refusal("", &[], "-n 101%"),
        refusal("", &[], "--engine pfring"),
        refusal("", &[], "--profile bsd"),
        refusal("", &[], "--seed -1"),
        refusal("\nrat = 5", &[], ""),
        refusal("rate = 5\nrate = 6", &[], ""),
        refusal("rate = [1, 2]", &[], ""),
        refusal("rate = { a = 1 }", &[], ""),
        refusal("quiet = \"maybe\"", &[], ""),
        refusal("[scan]\nrate = 5", &[], ""),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    --rate: "fast" is not a rate; write packets per second above 0 like 500, 10k, 1.5M, or max
    --rate: "-5" is not a rate; write packets per second above 0 like 500, 10k, 1.5M, or max
    PROBER_RATE: "0" is not a rate; write packets per second above 0 like 500, 10k, 1.5M, or max
    p.toml:3: rate: "1e9x" is not a rate; write packets per second above 0 like 500, 10k, 1.5M, or max
    --shard: there is no shard 3 of 3: shards count from 0, so write 0/3 to 2/3
    --shard: `x` is not a shard: write its number from 0, a slash and how many there are, like 0/3
    --cooldown-time: "soon" is not a time; write like 500ms, 1.5s, 2m, 1h30m (a plain number is seconds)
    --checkpoint-interval: "0" must be above 0
    --gateway-mac: "02:00:00" is not a station's Ethernet address; write it like 02:00:5e:10:00:01
    --source-ip: "192.0.2.300" is not an IPv4 address; write like 192.0.2.1
    --source-ip: "224.0.0.1" is not an address that a host can send from
    --vlan: "4095" is not a VLAN id; write a whole number from 0 to 4094
    --ttl: "0" is not a TTL; write a whole number from 1 to 255
    --probes: "0" is not a number of probes; write a whole number from 1 to 32
    --max-targets: "101%" is not a share; write above 0% and up to 100%
    --engine: "pfring" is not a transmit engine; choose from auto, af-xdp, live-frames, packet
    --profile: "bsd" is not a profile; choose from mss, linux, windows
    --seed: "-1" is not a seed; write a whole number from 0 to 2^64-1
    p.toml:2: unknown setting "rat"; `prober scan --help` lists them
    p.toml:2: duplicate key
    p.toml:1: "rate" has a value of the wrong form
    p.toml:1: "rate" has a value of the wrong form
    p.toml:1: quiet: "maybe" is neither true nor false
    p.toml:1: unknown setting "scan"; `prober scan --help` lists them
    "#);
}

#[test]
fn times_and_numbers() {
    let times: Vec<_> = ["500ms", "1.5s", "2m", "1h30m", "8", "0"].map(|text| parse::duration(text).unwrap()).into();
    let expected = [500, 1_500, 120_000, 5_400_000, 8_000, 0].map(Duration::from_millis);
    assert_eq!(times, expected);
    for bad in ["", "s", "5x", "-1s", "1..5s", "1e3s", "999999d", "1 s"] {
        assert!(parse::duration(bad).is_err(), "{bad}");
    }
    for (text, pps) in [("500", 500.0), ("10k", 1e4), ("1.5Mpps", 1.5e6), ("100_000", 1e5), ("0.5", 0.5)] {
        assert_eq!(parse::rate(text), Ok(RateLimit::Packets(pps)), "{text}");
    }
    for bad in ["", "k", "nan", "inf", "-5", "+5", "1e6", "0", "10kk", "5 k pps x"] {
        assert!(parse::rate(bad).is_err(), "{bad}");
    }
    assert_eq!(parse::rate("max"), Ok(RateLimit::Unlimited));
    assert_eq!(parse::bandwidth("1Gbps"), Ok(RateLimit::Bits(1e9)));
    assert_eq!(parse::max_targets("0.5%"), Ok(MaxTargets::Percent(0.5)));
    assert_eq!(parse::max_targets("10k"), Ok(MaxTargets::Count(10_000)));
    assert_eq!(parse::seed("0xff"), Ok(255));
    assert!(parse::max_targets("1.5").is_err());
}
