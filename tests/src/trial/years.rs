//! Years of a watch in compressed time: planner, states, writer, nightly export and retention are the daemon's own, over a
//! simulated country and a clock of ours; each quarter ends with a restart. Neither memory nor files may grow once the
//! retention is full: the fourth year is compared with the second.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use prober_common::address::V4;
use prober_common::event::{ProbeKind, ReplyEvent, ReplyKind};
use prober_userspace::engine::housekeeping::{NightlyExport, NightlyWork, Successes, tidy};
use prober_userspace::engine::watch::recall::recall;
use prober_userspace::engine::watch::saving::Saving;
use prober_userspace::io::process::resident_bytes;
use prober_userspace::io::store::{
    Access, EVENT_QUEUE, RetentionLimits, Store, StoreCommand, WatchClock, Writer, WriterConfig,
};
use prober_userspace::model::scan::{ScanMeta, ScanStatus};
use prober_userspace::model::utc::{ClockOffset, UtcMicros};
use prober_userspace::model::watch::{SchemeConfig, SchemeKind};
use prober_userspace::policy::planner::{Admission, Planner, PlannerConfig, WallTime};
use prober_userspace::policy::scheme::Found;
use prober_userspace::simulate::country::{Country, CountryConfig, make};
use prober_userspace::simulate::watch::FIRST_ADDRESS;
use prober_userspace::target::address_set::AddressSet;
use prober_userspace::target::range::AddressRange;
use ringbuf::HeapRb;
use ringbuf::traits::{Producer, Split};

use super::{
    Size,
    finding::{Bound, Finding},
};
use crate::weeks::likeliest_ports;

const DAY_S: u32 = 86_400;
/// Time between two looks at the planner, s.
const TICK_S: u32 = 600;
/// 2026-01-01 00:00 UTC.
const BEGAN: UtcMicros = UtcMicros(1_767_225_600_000_000);
/// Monotonic time when the watch began, ns.
const BOOT_NS: u64 = 1_000_000_000_000;
const QUARTERS: usize = 16;
/// Ports that are watched.
const PORTS: usize = 500;
/// How much larger the fourth year may be than the second.
const GROWTH: f64 = 1.10;

/// How large it is.
#[derive(Clone, Copy, Debug)]
struct Extent {
    addresses: u32,
    quarter_days: u32,
    kept_days: u32,
    schemes: &'static [SchemeKind],
}

/// At the end of a quarter.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    resident: f64,
    database: f64,
    exported: f64,
    folders: f64,
}

/// Four years, or as many days as make four in small.
pub fn run(size: Size) -> Result<Finding> {
    let extent = size.pick(
        // Days are too few for visits two weeks apart.
        Extent { addresses: 1 << 10, quarter_days: 4, kept_days: 10, schemes: &[SchemeKind::Standard] },
        Extent { addresses: 1 << 14, quarter_days: 91, kept_days: 300, schemes: &SchemeKind::ALL[1..] },
    );
    let mut finding = Finding::new("years");
    for scheme in extent.schemes {
        watch(*scheme, extent, size, &mut finding)?;
    }
    Ok(finding)
}

fn watch(scheme: SchemeKind, extent: Extent, size: Size, finding: &mut Finding) -> Result<()> {
    let days = extent.quarter_days * QUARTERS as u32;
    let config = CountryConfig { addresses: extent.addresses as usize, days, seed: 11, ..CountryConfig::default() };
    let ports = likeliest_ports(&config, PORTS);
    let country = make(&config);
    let directory = tempfile::tempdir()?;
    let mut samples = Vec::new();
    for quarter in 0..QUARTERS as u32 {
        let settings = SchemeConfig::usual(scheme, ports.clone());
        let sample = pass_quarter(quarter, extent, &country, &settings, directory.path())?;
        log::info!("{}, quarter {}: {sample:?}", scheme.name(), quarter + 1);
        samples.push(sample);
    }
    let name = |what: &str| format!("{}: {what}", scheme.name());
    finding.note(name("days"), f64::from(days));
    finding.note(name("addresses"), f64::from(extent.addresses));
    for (number, sample) in (1..).zip(&samples) {
        finding.note(name(&format!("quarter {number}: resident MB")), (sample.resident / 1e6).round());
        finding.note(name(&format!("quarter {number}: database MB")), (sample.database / 1e5).round() / 10.0);
        finding.note(name(&format!("quarter {number}: export MB")), (sample.exported / 1e5).round() / 10.0);
    }
    let growth = |of: fn(&Sample) -> f64| {
        let most = |year: usize| samples[year * 4..][..4].iter().map(of).fold(0.0, f64::max);
        most(3) / most(1)
    };
    finding.add(name("exported in a year MB"), samples[7].exported / 1e6, Bound::AtLeast(0.01));
    finding.add(name("database, year 4 to year 2"), growth(|sample| sample.database), Bound::AtMost(GROWTH));
    finding.add(name("export, year 4 to year 2"), growth(|sample| sample.exported), Bound::AtMost(GROWTH));
    finding.add(name("export folders, year 4 to year 2"), growth(|sample| sample.folders), Bound::AtMost(GROWTH));
    // A small run is not long enough for an allocator to come to rest.
    let bound = size.pick(Bound::Any, Bound::AtMost(GROWTH));
    finding.add(name("memory, year 4 to year 2"), growth(|sample| sample.resident), bound);
    Ok(())
}

struct Everybody;

impl Admission for Everybody {
    fn admits(&self, _: V4) -> bool {
        true
    }

    fn watches(&self, _: V4) -> bool {
        true
    }
}

fn pass_quarter(
    quarter: u32,
    extent: Extent,
    country: &Country,
    config: &SchemeConfig,
    directory: &Path,
) -> Result<Sample> {
    let store = Store::open(&directory.join("years.duckdb"), Access::Write)?;
    let nightly = store.another()?;
    let first = V4(FIRST_ADDRESS);
    let targets: AddressSet = [AddressRange::between(first, V4(first.0 + extent.addresses - 1))].into_iter().collect();
    let begins_s = quarter * extent.quarter_days * DAY_S;
    let stored = store.watch_clock()?;
    ensure!(stored.is_some() == (quarter > 0), "the clock of the watch was not kept");
    let recalled = recall(&targets, config, stored.as_ref(), begins_s, &store, &mut |_| Ok(()))?;
    let settings = serde_json::to_string(&recalled.settings)?;
    let wall = WallTime { began_at: BEGAN, scale: 1.0 };
    let planner = PlannerConfig { rate_pps: 1e6, ahead_s: f64::from(TICK_S), bucket_s: TICK_S, wall };
    let mut planner = Planner::new(planner, recalled.scheme, recalled.states, begins_s);
    let mut saving = Saving::start(store.another()?)?;
    let offset = ClockOffset::between(BEGAN, BOOT_NS);
    let scan = store.begin_session(&meta(wall.at(begins_s)), "watch")?;
    let (mut events, events_out) = HeapRb::new(EVENT_QUEUE).split();
    let writer = Writer::spawn(store, scan, events_out, WriterConfig::new(offset, at_ns(begins_s)))?;
    let kept = |days: u32| Some(Duration::from_secs(u64::from(days * DAY_S)));
    let work = NightlyWork {
        at: Duration::ZERO,
        export: Some(NightlyExport { folder: directory.join("export"), keep: kept(extent.kept_days) }),
        retention: RetentionLimits {
            replies: kept(extent.kept_days / 3),
            banners: kept(extent.kept_days),
            estimates: kept(extent.kept_days),
            audit: kept(extent.kept_days),
        },
        networks: None,
        scheme: None,
        signatures: None,
    };
    let clock = |now_s: u32, planner: &Planner| WatchClock {
        began_at: BEGAN,
        clock_s: now_s,
        time_scale: 1.0,
        scheme: config.kind.name().to_owned(),
        settings: settings.clone(),
        learnt: planner.scheme().learnt(),
    };
    let (mut planned, mut sent) = (Vec::new(), 0);
    for now_s in (begins_s..begins_s + extent.quarter_days * DAY_S).step_by(TICK_S as usize) {
        loop {
            planner.take(f64::from(now_s), 1_024, u64::MAX, &Everybody, &mut planned);
            if planned.is_empty() {
                break;
            }
            for visit in planned.drain(..) {
                let place = &country.places[(visit.address.0 - first.0) as usize];
                let open = place.open(now_s, |port| visit.ports.binary_search(&port).is_ok());
                for port in &open {
                    let event = reply(visit.address, *port, at_ns(now_s));
                    while events.try_push(event).is_err() {
                        std::thread::yield_now();
                    }
                }
                sent += visit.ports.len() as u64;
                let device = if open.is_empty() { None } else { place.device(now_s) };
                planner.decide(visit.number, now_s, Found { open: &open, device });
                saving.note(&planner, visit.number);
            }
        }
        if now_s % (6 * TICK_S) == 0 {
            writer.send(StoreCommand::Rate { ended_ns: at_ns(now_s), sent, lost: 0 })?;
            sent = 0;
        }
        if now_s % DAY_S == 0 {
            writer.flush(None)?;
            saving.save(&planner, clock(now_s, &planner), |_| false)?;
            tidy(&nightly, &work, wall.at(now_s), &Successes::default());
        }
    }
    saving.save(&planner, clock(begins_s + extent.quarter_days * DAY_S, &planner), |_| false)?;
    saving.save_newcomers(&planner, true)?;
    saving.finish()?;
    drop(events);
    let outcome = writer.finish(ScanStatus::Finished, wall.at(begins_s), None);
    if let Some(error) = outcome.error {
        return Err(error.into());
    }
    drop((outcome.store, nightly));
    sample(directory)
}

fn at_ns(now_s: u32) -> u64 {
    BOOT_NS + u64::from(now_s) * 1_000_000_000
}

fn reply(address: V4, port: u16, received_ns: u64) -> ReplyEvent {
    ReplyEvent {
        received_ns,
        rtt_ns: 20_000_000,
        target: address,
        responder: address,
        port,
        kind: ReplyKind::SynAck as u8,
        probe: ProbeKind::TcpSyn as u8,
        ttl: 50,
        ..ReplyEvent::default()
    }
}

fn meta(started_at: UtcMicros) -> ScanMeta {
    ScanMeta {
        started_at,
        operator: "a trial".to_owned(),
        host: String::new(),
        program_version: String::new(),
        command: String::new(),
        settings: "{}".to_owned(),
        seed: 0,
        plan_fingerprint: 0,
        targets: 0,
        ports: String::new(),
        probes_planned: 0,
        shard_index: 0,
        shard_count: 1,
        rate_pps: 1e6,
        engine: "none".to_owned(),
        interface: "none".to_owned(),
        source_address: None,
        exclusions: Vec::new(),
    }
}

fn sample(directory: &Path) -> Result<Sample> {
    let mut sample = Sample {
        resident: resident_bytes().context("the kernel does not say how much memory is in use")? as f64,
        ..Sample::default()
    };
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            sample.database += entry.metadata()?.len() as f64;
        }
    }
    for table in fs::read_dir(directory.join("export"))? {
        for day in fs::read_dir(table?.path())? {
            let day = day?;
            // What stands is one file for each table, not one folder for each day.
            if day.file_type()?.is_file() {
                sample.exported += day.metadata()?.len() as f64;
                continue;
            }
            sample.folders += 1.0;
            for file in fs::read_dir(day.path())? {
                sample.exported += file?.metadata()?.len() as f64;
            }
        }
    }
    Ok(sample)
}
