//! How long a watch of a country takes to start: a store with the states of as many addresses, of whom a part answers, is
//! made, and read as the daemon reads it, up to the planner with everything queued. With `--night` also how long each part of
//! a night's work takes then, and forgetting a /8. Prints one JSON object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use prober_common::address::V4;
use prober_userspace::engine::congestion_learning::CongestionConfig;
use prober_userspace::engine::network_learning::learn_networks;
use prober_userspace::engine::watch::recall::recall;
use prober_userspace::io::process::{most_resident_bytes, resident_bytes};
use prober_userspace::io::store::{
    Access, ForgottenRows, RetentionLimits, Store, StoredTarget, USUAL_MEMORY, WatchClock,
};
use prober_userspace::model::utc::UtcMicros;
use prober_userspace::model::watch::{SchemeConfig, SchemeKind};
use prober_userspace::network::cluster::ClusterConfig;
use prober_userspace::network::congestion::medium::Medium;
use prober_userspace::network::local_time::Offsets;
use prober_userspace::policy::grid::DayGrid;
use prober_userspace::policy::interval::{LADDER_S, Step};
use prober_userspace::policy::planner::{Planner, PlannerConfig, WallTime};
use prober_userspace::policy::starter::Known;
use prober_userspace::policy::target_state::{Standing, TargetState};
use prober_userspace::simulate::country::{CountryConfig, sample};
use prober_userspace::simulate::draws::Draws;
use prober_userspace::target::address_set::AddressSet;
use prober_userspace::target::range::AddressRange;

/// The start of a watch over a country, measured
#[derive(Parser)]
struct Options {
    /// Addresses
    #[arg(long, default_value_t = 150_000_000)]
    addresses: u32,
    /// Of these, one in so many answers
    #[arg(long, default_value_t = 40)]
    answering: u32,
    /// Replies of each port that answered that are kept: as often as it was visited within the retention
    #[arg(long, default_value_t = 3)]
    replies: u32,
    /// Part of the addresses that changed since all states were written, percent
    #[arg(long, default_value_t = 20)]
    changed: u32,
    /// Folder for the database, which is removed afterwards; 60 bytes for each address are needed
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Also does the work of a night, part by part, then forgets the /8 of the first address; 10 bytes more for each address
    #[arg(long)]
    night: bool,
    /// Only makes the database, here
    #[arg(long, hide = true)]
    make: Option<PathBuf>,
    /// Accepted for the sake of the other measurements: the output is JSON anyway
    #[arg(long)]
    json: bool,
}

const FIRST: u32 = 0x1000_0000;
/// Half a year after the watch began.
const NOW_S: u32 = 182 * 86_400;
/// The last day with replies: 2026-01-03, with three of each port.
const NIGHT: UtcMicros = UtcMicros(1_767_398_400_000_000);
const DAY_US: i64 = 86_400_000_000;
/// After every reply: 2100-01-01.
const LATER: UtcMicros = UtcMicros(4_102_444_800_000_000);
/// States made together.
const PART: u32 = 1 << 20;
const BUCKET_S: u32 = 10;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.addresses > 0 && options.answering > 0, "--addresses and --answering must be at least 1");
    if let Some(path) = &options.make {
        return make(&options, &sample(&CountryConfig::default(), 200_000), path);
    }
    let folder = tempfile::tempdir_in(&options.folder).context("cannot make a folder for the database")?;
    let path = folder.path().join("opening.duckdb");
    let begun = Instant::now();
    // By a process of its own: what it takes to make must not count as what it takes to start.
    let mut maker = Command::new(std::env::current_exe().context("cannot find myself")?);
    let made = maker.args(std::env::args_os().skip(1)).arg("--make").arg(&path).status();
    ensure!(made.context("cannot start the process that makes the database")?.success(), "making the database failed");
    let made_s = begun.elapsed().as_secs_f64();
    let file_bytes = std::fs::metadata(&path).context("looking at the database")?.len();

    let begun = Instant::now();
    let store = Store::open(&path, Access::Write)?;
    store.limit_memory(USUAL_MEMORY)?;
    let opened_s = begun.elapsed().as_secs_f64();
    let range = AddressRange::between(V4(FIRST), V4(FIRST + options.addresses - 1));
    let targets: AddressSet = [range].into_iter().collect();
    let clock = store.watch_clock()?;
    let recalled = recall(&targets, &scheme(), clock.as_ref(), NOW_S, &store, &mut |_| Ok(()))?;
    let recalled_s = begun.elapsed().as_secs_f64() - opened_s;
    let answering = recalled.answering;
    let planner = PlannerConfig {
        rate_pps: 1e5,
        ahead_s: 0.25,
        bucket_s: BUCKET_S,
        wall: WallTime { began_at: UtcMicros(0), scale: 1.0 },
    };
    let planner = Planner::new(planner, recalled.scheme, recalled.states, NOW_S);
    let started_s = begun.elapsed().as_secs_f64();
    let standings = planner.standings();
    ensure!(standings.new == 0, "{} states were not found again", standings.new);
    let (resident, most_resident) = (resident_bytes(), most_resident_bytes());
    let night = options.night.then(|| night(&store, &folder.path().join("export"))).transpose()?;
    let result = serde_json::json!({
        "addresses": options.addresses,
        "answering": answering,
        "made_s": made_s,
        "file_bytes": file_bytes,
        "opened_s": opened_s,
        "recalled_s": recalled_s,
        "started_s": started_s,
        "resident_bytes": resident,
        "most_resident_bytes": most_resident,
        "standings": standings,
        "night_s": night,
        "most_resident_bytes_at_night": night.is_some().then(most_resident_bytes),
    });
    println!("{result}");
    Ok(())
}

fn scheme() -> SchemeConfig {
    SchemeConfig::usual(SchemeKind::Predictive, vec![80, 443, 22, 23])
}

/// The parts of a night's work in their order, each with the seconds that it took. All replies but those of the last day are
/// too old: more than a night removes when one follows the other.
fn night(store: &Store, export: &Path) -> anyhow::Result<BTreeMap<String, f64>> {
    let now = UtcMicros(NIGHT.0 + DAY_US);
    let networks = CongestionConfig {
        grid: DayGrid::new(48, 0)?,
        offsets: Offsets::default(),
        medium: Medium::Wired,
        half_life_days: 7.0,
        since_days: 28,
        price: ClusterConfig::default().price,
    };
    let day = Some(Duration::from_hours(24));
    let limits = RetentionLimits { replies: day, banners: day, estimates: day, audit: day };
    let range = AddressRange::between(V4(FIRST), V4(FIRST | 0x00ff_ffff));
    let forgotten: AddressSet = [range].into_iter().collect();
    let mut rows = ForgottenRows::new();
    let mut times = BTreeMap::new();
    let mut measured = |name: &str, work: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<()> {
        let begun = Instant::now();
        work().with_context(|| name.to_owned())?;
        times.insert(format!("{} {name}", times.len() + 1), begun.elapsed().as_secs_f64());
        Ok(())
    };
    measured("gather open ports", &mut || {
        store.gather_open_ports(now)?;
        Ok(())
    })?;
    measured("learn of networks", &mut || {
        ensure!(learn_networks(store, &networks, now, "bench", &|| false).is_well, "it failed");
        Ok(())
    })?;
    measured("export days", &mut || {
        store.export_finished_days(export, None, now, "bench")?;
        Ok(())
    })?;
    measured("export what stands", &mut || {
        store.export_standing(export)?;
        Ok(())
    })?;
    measured("remove old rows", &mut || {
        store.remove_old(limits, now, "bench")?;
        Ok(())
    })?;
    measured("derive ports", &mut || {
        let known = Known::of(&scheme(), &store.open_tcp_ports()?);
        ensure!(!known.standard.is_empty(), "there are none");
        Ok(())
    })?;
    measured("forget findings", &mut || {
        store.forget_findings(&forgotten, &mut rows, &|| false)?;
        Ok(())
    })?;
    measured("forget states", &mut || {
        store.forget_states(&forgotten)?;
        Ok(())
    })?;
    measured("give space back", &mut || {
        ensure!(store.give_space_back(), "a checkpoint is not possible");
        Ok(())
    })?;
    Ok(times)
}

/// A store as a watch leaves it after half a year.
fn make(options: &Options, hosts: &[Vec<u16>], path: &std::path::Path) -> anyhow::Result<()> {
    let store = Store::open(path, Access::Write)?;
    let mut draws = Draws::new(1, 0);
    let mut target = |number: u32, now_s: u32| -> StoredTarget {
        let step = draws.below(LADDER_S.len());
        let mut state = TargetState::new(FIRST + number, now_s + draws.below(LADDER_S[step] as usize) as u32);
        state.set_step(Step::new(step as u8));
        state.visited_s = now_s.saturating_sub(LADDER_S[step]);
        let answers = number.is_multiple_of(options.answering);
        state.set_standing(if answers { Standing::Answering } else { Standing::Silent });
        let open_ports = if answers { open_ports(hosts, number) } else { &[] };
        StoredTarget { state, open_ports: open_ports.into() }
    };
    let mut first = 0;
    while first < options.addresses {
        let until = options.addresses.min(first.saturating_add(PART));
        let part: Vec<StoredTarget> = (first..until).map(|number| target(number, NOW_S)).collect();
        store.replace_targets(&part, 0)?;
        first = until;
    }
    let clock = WatchClock {
        began_at: UtcMicros(0),
        clock_s: NOW_S,
        time_scale: 1.0,
        scheme: SchemeKind::Predictive.name().to_owned(),
        settings: String::new(),
        learnt: String::new(),
    };
    let changed = (u64::from(options.addresses) * u64::from(options.changed) / 100) as u32;
    let mut first = 0;
    while first < changed {
        let until = changed.min(first + PART);
        // Spread over all addresses, as visits are.
        let spread = |number: u32| (u64::from(number) * 2_654_435_761 % u64::from(options.addresses)) as u32;
        let part: Vec<StoredTarget> = (first..until).map(|number| target(spread(number), NOW_S + 1)).collect();
        store.add_target_changes(&part, first.into(), &clock, UtcMicros(0))?;
        first = until;
    }
    replies(options, hosts, &store)?;
    store.gather_open_ports(LATER)?;
    store.connection().execute_batch("CHECKPOINT").context("making the store")
}

fn open_ports(hosts: &[Vec<u16>], number: u32) -> &[u16] {
    hosts.get(number as usize % hosts.len().max(1)).map_or(&[], Vec::as_slice)
}

/// Each (address, port) as often as it was heard, the last time at most so many days ago: made by the database itself.
fn replies(options: &Options, hosts: &[Vec<u16>], store: &Store) -> anyhow::Result<()> {
    let connection = store.connection();
    connection.execute_batch("CREATE TEMP TABLE host_port (host UINTEGER, port USMALLINT)")?;
    {
        let mut appender = connection.appender("host_port")?;
        for (number, ports) in (0_u32..).zip(hosts) {
            for port in ports {
                appender.append_row(duckdb::params![number, port])?;
            }
        }
        appender.flush()?;
    }
    let sql = format!(
        "INSERT INTO reply BY NAME
         SELECT {FIRST} + n * {every} AS address, port, 0 AS kind, 0 AS probe, 1 AS scan_id, 1000 AS rtt_us,
             TIMESTAMP '2026-01-01' + to_days(time::INTEGER) + to_seconds(n % 86400) AS received_at,
             0 AS detail, 64 AS ttl, 0 AS quoted_ttl
         FROM range({count}) AS address(n), range({times}) AS time(time)
         JOIN host_port ON host = (n * {every}) % {hosts}",
        every = options.answering,
        count = options.addresses.div_ceil(options.answering),
        times = options.replies,
        hosts = hosts.len().max(1),
    );
    connection.execute_batch(&sql).context("making replies")?;
    connection.execute_batch("DROP TABLE host_port").context("making replies")
}
