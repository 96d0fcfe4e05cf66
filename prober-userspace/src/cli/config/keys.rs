//! The one list of the daemon's settings. The commented example, the check for unknown keys, the defaults and `prober
//! config show` all come from it; what a text means is said in `read`.

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// The table it stands in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// How many values.
    pub form: Form,
    /// What holds if the file does not say.
    pub absent: Absent,
    /// For the example: one line, or a few.
    pub help: &'static str,
}

/// How many values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Exactly one.
    One,
    /// Any number, as an array or alone.
    Many,
}

/// What holds if the file does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// These values.
    Default(&'static [&'static str]),
    /// Nothing; the example shows these in a comment.
    Nothing(&'static [&'static str]),
    /// It is an error; the example shows these.
    Refused(&'static [&'static str]),
    /// The first values; the example has the second, which are better to start with.
    Suggested(&'static [&'static str], &'static [&'static str]),
}

use Absent::{Default, Nothing, Refused, Suggested};
use Form::{Many, One};

/// The sections in the order of the example, and what each is about.
pub static SECTIONS: [(&str, &str); 13] = [
    (
        "operator",
        "Who probes, and how those who are probed reach you. Shown on the public pages, in\n\
                  /.well-known/probing.txt (RFC 9511) and stored with everything that is done.",
    ),
    ("targets", "Whom to watch. The IANA special ranges are never probed unless `allow-special` says so."),
    (
        "exclusions",
        "Whom never to probe. The files are read again within a second after they change; `prober exclude\n\
                    add` keeps further ranges in the database. A file that cannot be understood changes nothing.",
    ),
    ("probing", "What is sent, and how fast."),
    ("banners", "Asking open ports who they are. No credentials are ever sent."),
    (
        "networks",
        "What is learnt each night out of the answers: which type of network they come from, how busy each /24 is by\n\
                  time of day, and which are alike. Visits move into quiet hours, and none gets more probes than it bears.",
    ),
    ("way-out", "How packets leave this host. All of it is found out if nothing is said."),
    ("store", "Where everything is kept."),
    ("retention", "How long rows stay in the database; \"forever\" keeps them."),
    (
        "export",
        "A copy of each finished day as Parquet files, in folders like reply/day=2026-11-21, and of what stands (device_latest, target_state, network, exclusion ...) in latest/.",
    ),
    (
        "roll-out",
        "The watched share of the targets grows step by step, and stops growing (and probing) by itself when\n\
                  errors or complaints rise. `prober complaint add` records a complaint; `prober control resume` goes on.",
    ),
    ("http", "What is served over HTTP: figures for Prometheus, and pages for those who are probed."),
    ("control", "How the running daemon is reached and stopped."),
];

const fn key(section: &'static str, name: &'static str, form: Form, absent: Absent, help: &'static str) -> Key {
    Key { section, name, form, absent, help }
}

/// Every setting, section by section.
#[rustfmt::skip]
pub static KEYS: [Key; 63] = [
    key("operator", "name", One, Refused(&["Example CSIRT"]), "The organisation."),
    key("operator", "contact", Many, Refused(&["mailto:scan@example.org"]), "mailto:, https: or tel:; the first one is the preferred one."),
    key("operator", "opt-out", One, Nothing(&["mailto:optout@example.org"]), "Where to ask not to be probed; the first contact if nothing is said."),
    key("operator", "url", One, Nothing(&["https://scan.example.org"]), "Under which the public pages are reached from outside, without a path."),
    key("operator", "description", One, Default(&["Survey of devices that are reachable from the Internet"]), "What the probes are for, on one line."),
    key("operator", "languages", Many, Default(&["en"]), "In which you can be written to, as in RFC 5646."),
    key("operator", "valid-for", One, Default(&["180d"]), "How long after it was read the description counts; at most a year (RFC 9116, section 2.5.5)."),

    key("targets", "ranges", Many, Nothing(&["192.0.2.0/24", "198.51.100.1-198.51.100.99"]), "Addresses, prefixes and ranges."),
    key("targets", "files", Many, Nothing(&["/etc/prober/targets.txt"]), "Files of them, one or more per line, # comments."),
    key("targets", "allow-special", One, Default(&["false"]), "Probe the IANA special ranges as well (private networks, documentation, ...)."),

    key("exclusions", "ranges", Many, Nothing(&["203.0.113.0/24"]), "Addresses, prefixes and ranges."),
    key("exclusions", "files", Many, Nothing(&["/etc/prober/optout.txt"]), "Files of them."),

    key("probing", "scheme", One, Default(&["predictive"]), "standard (every port each interval), efficient (three port sets, 12 h to 14 days) or predictive."),
    key("probing", "ports", Many, Default(&["@iot", "1-514", "516-9099", "9108-10000"]), "TCP ports to begin with, the likeliest first, like 22,80,8000-8100 or sets like @iot; what is found widens them, at each start and each night."),
    key("probing", "reduction", One, Default(&["80"]), "How many times fewer probes the predictive scheme sends than every port twice a day would be; with few ports there is less to save."),
    key("probing", "exploration", One, Default(&["3%"]), "Part of that budget that looks where nothing is expected."),
    key("probing", "rate", One, Default(&["10k"]), "Most probes per second."),
    key("probing", "coverage", One, Default(&["95%"]), "Part of what there is that derived port sets are to find."),
    key("probing", "answering", One, Default(&["2.5%"]), "Part of the addresses that is thought to answer before anything is known."),
    key("probing", "sample", One, Default(&["10000"]), "How many answering addresses, drawn by chance, the predictive scheme visits on all ports first if the store knows nothing yet: from these it learns which ports find the others, and some of them it visits so every four weeks. 0 for none: then it goes on looking where it began."),
    key("probing", "time-scale", One, Default(&["1"]), "Laboratory only: seconds of the watch's clock per second."),
    key("probing", "rate-per-address", One, Default(&["100"]), "Most of them to any one address; 0 for no limit."),
    key("probing", "rate-per-24", One, Default(&["256"]), "Most of them into any one /24; 0 for no limit."),
    key("probing", "line", One, Nothing(&["1G"]), "Bits per second that the probes may take on the wire."),
    key("probing", "cooldown", One, Default(&["8s"]), "How long late replies are waited for."),
    key("probing", "profile", One, Default(&["mss"]), "Options of TCP probes: mss, linux or windows."),
    key("probing", "ttl", One, Nothing(&["64"]), "Initial TTL."),

    key("banners", "grab", One, Default(&["true"]), "Whether to ask."),
    key("banners", "rate", One, Default(&["200"]), "Connections per second; max for no limit."),
    key("banners", "rate-per-24", One, Default(&["20"]), "Of these into any one /24; 0 for no limit."),
    key("banners", "concurrency", One, Default(&["256"]), "Hosts at the same time, each over one connection."),
    key("banners", "timeout", One, Default(&["5s"]), "Patience with one connection."),
    key("banners", "signatures", Many, Nothing(&["/etc/prober/signatures"]), "Signature files (*.toml), or folders of them, that tell devices besides the starter database."),

    key("networks", "learn", One, Default(&["true"]), "Whether to learn; else what `prober plan update` stored stays."),
    key("networks", "utc-offset", One, Default(&["+00:00"]), "Local time of the networks, ahead of UTC."),
    key("networks", "offsets", One, Nothing(&["/etc/prober/offsets.csv"]), "File of other local times: lines like 198.51.100.0/24,+09:00; the narrowest prefix counts. Read at the start and on reload."),
    key("networks", "medium", One, Default(&["unknown"]), "Type of networks that no estimate is known of: wired, wlan, lte, wisun, lora or unknown."),

    key("way-out", "interface", One, Nothing(&["eth0"]), "The route's, if nothing is said."),
    key("way-out", "source-ip", One, Nothing(&["192.0.2.1"]), "Address to send from."),
    key("way-out", "gateway-mac", One, Nothing(&["02:00:00:00:00:01"]), "Ethernet address to send to; asked by ARP if nothing is said."),
    key("way-out", "source-mac", One, Nothing(&["02:00:00:00:00:02"]), "Ethernet address to send from."),
    key("way-out", "vlan", One, Nothing(&["7"]), "802.1Q VLAN; 0 for none."),
    key("way-out", "engine", One, Default(&["auto"]), "auto, af-xdp, live-frames or packet."),
    key("way-out", "sender-threads", One, Default(&["0"]), "Transmit threads; 0 for one per transmit queue."),

    key("store", "database", One, Default(&["/var/lib/prober/prober.duckdb"]), "The file."),
    key("store", "checkpoint-interval", One, Default(&["1s"]), "What a power cut may cost."),
    key("store", "memory", One, Default(&["1G"]), "About how much memory the database takes for pages, sorts and joins, in bytes; what needs more goes to disk. The states of the targets, 24 bytes for each address, come on top."),
    key("store", "nightly-at", One, Default(&["01:30"]), "When networks are learnt of, finished days exported and old rows removed, UTC; `prober control nightly` does it at once."),

    key("retention", "replies", One, Default(&["90d"]), "Replies, and figures per second."),
    key("retention", "banners", One, Default(&["365d"]), "Banners."),
    key("retention", "estimates", One, Default(&["365d"]), "What devices, networks and causes were taken to be."),
    key("retention", "audit", One, Default(&["forever"]), "The trail of everything that was done."),

    key("export", "folder", One, Nothing(&["/var/lib/prober/export"]), "Where to; nothing is exported unless this is given."),
    key("export", "keep", One, Default(&["forever"]), "How long the folders of a day stay."),

    key("roll-out", "steps", Many, Suggested(&["100%"], &["1%", "10%", "100%"]), "Growing shares of the targets; all of them from the start if nothing is said. Which addresses are in a share never changes."),
    key("roll-out", "step-time", One, Default(&["7d"]), "How long each share is watched before it grows."),
    key("roll-out", "errors", One, Default(&["10%"]), "Share of probes that meet an ICMP error or are lost by ourselves at which it stops; until a step's length into the last one, twice the share of the step before stops it as well."),
    key("roll-out", "complaints", One, Default(&["3"]), "Complaints within a step at which it stops (in the last one: within a step's length); 0 for never."),

    key("http", "metrics", One, Nothing(&["127.0.0.1:9477"]), "Address and port of /metrics; keep it local."),
    key("http", "pages", One, Nothing(&["0.0.0.0:8080"]), "Address and port of the public pages; put TLS in front."),

    key("control", "socket", One, Default(&["/run/prober/daemon.sock"]), "For `prober control` and `prober status`; its owner's only."),
    key("control", "kill-switch", One, Default(&["/etc/prober/STOP"]), "While this file exists, nothing is sent."),
    key("control", "log-format", One, Default(&["text"]), "text for people, json for machines."),
];

impl Key {
    /// `section.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// The key of this name in this section.
pub fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}
