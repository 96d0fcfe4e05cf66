//! The one list of settings: name, short flag, default and help. Flags, `PROBER_*` variables and keys of the settings
//! file all come from it, so adding a setting is a row here and a field in `Settings`.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, parser::ValueSource};

/// One setting.
pub struct SettingOption {
    /// Long flag, key in the file, and `PROBER_` variable in capitals with underscores.
    pub key: &'static str,
    /// Short flag.
    pub short: Option<char>,
    /// How its value is called in the help.
    pub value: Value,
    /// Heading in the help.
    pub heading: &'static str,
    /// Value if no layer gives one.
    pub default: Option<&'static str>,
    /// One line of help.
    pub help: &'static str,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing: on or off.
    Switch,
    /// One value; a higher layer replaces it.
    One(&'static str),
    /// Several values; a higher layer replaces them all.
    Many(&'static str),
    /// Several values; the layers add up, so that no layer can remove what another one protects.
    Sum(&'static str),
    /// Several values given without a flag.
    Positional(&'static str),
}

use Value::{Many, One, Positional, Sum, Switch};

const TARGETS: &str = "Targets";
const RATE: &str = "Rate";
const LIMITS: &str = "Limits and order";
const PROBES: &str = "Probes";
const BANNERS: &str = "Banners";
const WAY_OUT: &str = "Way out";
const OUTPUT: &str = "Output";
const RECORD: &str = "Record";

const fn option(
    heading: &'static str,
    short: Option<char>,
    key: &'static str,
    value: Value,
    default: Option<&'static str>,
    help: &'static str,
) -> SettingOption {
    SettingOption { key, short, value, heading, default, help }
}

/// Every setting, in the order of the help.
#[rustfmt::skip]
pub const OPTIONS: [SettingOption; 41] = [
    option(TARGETS, None, "targets", Positional("TARGET"), None, "Addresses, prefixes (192.0.2.0/24) and ranges (192.0.2.1-192.0.2.9)"),
    option(TARGETS, Some('w'), "allowlist-file", Many("FILE"), None, "Read targets from FILE, one or more per line, # comments (- for standard input)"),
    option(TARGETS, None, "pairs-file", One("FILE"), None, "Probe exactly the (address, port) pairs in FILE, like 192.0.2.1:80 or 192.0.2.1,U:53, instead of targets x ports"),
    option(TARGETS, Some('p'), "target-ports", Many("PORTS"), None, "Ports like 22,80,8000-8100,U:53,icmp or sets like @iot; U: before UDP ports"),
    option(TARGETS, Some('b'), "blocklist-file", Sum("FILE"), None, "Never probe the addresses in FILE; repeatable, and those of every settings layer count"),
    option(TARGETS, None, "allow-special", Switch, None, "Do not exclude the IANA special ranges (private networks, documentation, ...)"),
    option(RATE, Some('r'), "rate", One("PPS"), Some("10k"), "Probes per second, like 500, 10k, 1.5M, or max"),
    option(RATE, Some('B'), "bandwidth", One("BPS"), None, "Bits per second on the wire instead, like 10M or 1G"),
    option(RATE, None, "rate-per-24", One("PPS"), Some("256"), "Most probes per second into any one /24, less where delays rise; 0: no limit, and none slowed down"),
    option(LIMITS, Some('n'), "max-targets", One("N"), None, "Stop after N targets, or a part of the shard like 1%"),
    option(LIMITS, Some('t'), "max-runtime", One("TIME"), None, "Stop sending after TIME, like 90s, 30m or 2h"),
    option(LIMITS, Some('N'), "max-results", One("N"), None, "Stop after N stored replies"),
    option(LIMITS, Some('e'), "seed", One("N"), None, "Order of the targets; the same seed gives the same order (default: random, recorded)"),
    option(LIMITS, None, "shard", One("I/N"), Some("0/1"), "Probe only share I of N, counted from 0"),
    option(LIMITS, None, "shards", One("N"), None, "Number of shares, if --shard is only its number"),
    option(PROBES, Some('P'), "probes", One("N"), Some("1"), "Probes per target"),
    option(PROBES, None, "probe-spacing", One("TIME"), Some("1.5s"), "Time between the probes to one target"),
    option(PROBES, Some('c'), "cooldown-time", One("TIME"), Some("8s"), "Wait for late replies after the last probe"),
    option(PROBES, None, "profile", One("NAME"), Some("mss"), "Options of TCP probes: mss, linux or windows"),
    option(PROBES, None, "ttl", One("N"), None, "Initial TTL (default: the profile's)"),
    option(BANNERS, None, "grab", Switch, None, "Ask open ports who they are meanwhile, and tell the devices; never credentials, nothing to printers"),
    option(BANNERS, None, "grab-rate", One("RATE"), Some("200"), "Connections per second for banners; max for no limit"),
    option(BANNERS, None, "grab-rate-per-24", One("RATE"), Some("20"), "Of these into any one /24; 0 for no limit"),
    option(BANNERS, None, "grab-concurrency", One("N"), Some("256"), "Hosts asked at the same time, each over one connection"),
    option(BANNERS, None, "grab-timeout", One("TIME"), Some("5s"), "Patience with one connection"),
    option(BANNERS, None, "signatures", Many("DIR"), None, "Tell devices by the signature files of DIR too, besides the starter database"),
    option(WAY_OUT, Some('i'), "interface", One("NAME"), None, "Send by this interface (default: the route's)"),
    option(WAY_OUT, Some('S'), "source-ip", One("ADDRESS"), None, "Send from this address (default: the route's)"),
    option(WAY_OUT, Some('G'), "gateway-mac", One("MAC"), None, "Send to this Ethernet address (default: asked by ARP)"),
    option(WAY_OUT, None, "source-mac", One("MAC"), None, "Send from this Ethernet address (default: the interface's)"),
    option(WAY_OUT, None, "vlan", One("ID"), None, "Tag frames with this 802.1Q VLAN; 0 for none (default: the route's)"),
    option(WAY_OUT, None, "engine", One("NAME"), Some("auto"), "How to send: auto, af-xdp, live-frames or packet"),
    option(WAY_OUT, Some('T'), "sender-threads", One("N"), Some("0"), "Transmit threads; 0 for one per transmit queue"),
    option(OUTPUT, Some('o'), "db", One("FILE"), Some("prober.duckdb"), "Database to store replies in"),
    option(OUTPUT, None, "checkpoint-interval", One("TIME"), Some("1s"), "What a kill may make --resume repeat"),
    option(OUTPUT, None, "status-json", One("FILE"), None, "Append one JSON object per second to FILE (- for standard output)"),
    option(OUTPUT, Some('q'), "quiet", Switch, None, "No progress line"),
    option(OUTPUT, None, "control-socket", One("PATH"), None, "Listen for `prober control` here (default: /run/prober/INTERFACE.sock)"),
    option(RECORD, None, "operator", One("NAME"), None, "Who runs the scan; stored with it"),
    option(RECORD, None, "notes", One("TEXT"), None, "Free text; stored with the scan"),
    option(RECORD, None, "contact", One("TEXT"), None, "How those who are probed reach you; stored with the scan"),
];

impl SettingOption {
    /// The environment variable of this setting.
    pub fn variable(&self) -> String {
        format!("PROBER_{}", self.key.to_uppercase().replace('-', "_"))
    }

    fn argument(&self) -> Arg {
        let help = match self.default {
            Some(default) => format!("{} [default: {default}]", self.help),
            None => self.help.to_owned(),
        };
        let argument = Arg::new(self.key).help(help).help_heading(self.heading);
        let flag = |argument: Arg| match self.short {
            Some(short) => argument.long(self.key).short(short),
            None => argument.long(self.key),
        };
        match self.value {
            Switch => flag(argument).action(ArgAction::SetTrue),
            One(name) => flag(argument).value_name(name).action(ArgAction::Set).allow_hyphen_values(true),
            Many(name) | Sum(name) => flag(argument).value_name(name).action(ArgAction::Append),
            Positional(name) => argument.value_name(name).action(ArgAction::Append),
        }
    }
}

/// The settings that were given as flags, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingFlags(pub Vec<(&'static str, Vec<String>)>);

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |option: &&SettingOption| matches.value_source(option.key) == Some(ValueSource::CommandLine);
        let texts = |option: &SettingOption| match option.value {
            Switch => vec!["true".to_owned()],
            _ => matches.get_many::<String>(option.key).into_iter().flatten().cloned().collect(),
        };
        Ok(Self(OPTIONS.iter().filter(given).map(|option| (option.key, texts(option))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        OPTIONS.iter().fold(command, |command, option| command.arg(option.argument()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
