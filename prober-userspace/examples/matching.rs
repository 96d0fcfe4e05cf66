//! How fast banners become estimates. First distinct banners on one core against a database of at least 10,000 keywords,
//! beside the naive loop over all of them; then as many banners of as many addresses as the largest published survey had:
//! normalise, aggregate, match and store, on all cores. Prints one JSON object.

use std::collections::HashMap;
use std::hint::black_box;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use prober_common::address::V4;
use prober_userspace::device::aggregate::Aggregator;
use prober_userspace::device::database::{Database, KeywordId};
use prober_userspace::device::generator::BannerGenerator;
use prober_userspace::device::import::{ImportSettings, nmap, recog};
use prober_userspace::device::matcher::{Matcher, Scratch};
use prober_userspace::device::score::{ScoreSettings, Scorer};
use prober_userspace::device::starter;
use prober_userspace::engine::estimation;
use prober_userspace::io::store::{Access, EstimateBatch, EstimationRecord, Store};
use prober_userspace::model::device::{Device, Keyword, Kind, Place};
use prober_userspace::model::utc::UtcMicros;

/// Matching of banners, measured
#[derive(Parser)]
struct Options {
    /// Fingerprint files (recog *.xml, else nmap's service probes) and folders of them, beside the starter database
    #[arg(long, value_name = "FILE|DIR")]
    import: Vec<PathBuf>,
    /// Fewest keywords; synthetic ones fill up
    #[arg(long, default_value_t = 10_000)]
    keywords: usize,
    /// Distinct banners of the first measurement
    #[arg(long, default_value_t = 200_000)]
    distinct: usize,
    /// Distinct banners that the naive loop is given
    #[arg(long, default_value_t = 100)]
    naive: usize,
    /// Banners of the second measurement
    #[arg(long, default_value_t = 1_645_475)]
    banners: usize,
    /// Their addresses
    #[arg(long, default_value_t = 323_629)]
    addresses: usize,
    /// Instead of measuring: compare the hits with the naive loop's on so many made up banners, half of them hostile, and on
    /// those of --oracle-banners; minutes, since the naive loop is slow
    #[arg(long, value_name = "N")]
    oracle: Option<usize>,
    /// Banners as JSON lines, also gzipped
    #[arg(long, value_name = "FILE")]
    oracle_banners: Vec<PathBuf>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Accepted for the sake of the other measurements: the output is JSON anyway
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (database, imported, synthetic) = database(&options)?;
    let begun = Instant::now();
    let matcher = Matcher::new(&database);
    let built_s = begun.elapsed().as_secs_f64();
    if let Some(count) = options.oracle {
        let outcome = oracle(&options, count, &database, &matcher)?;
        println!("{}", serde_json::to_string_pretty(&outcome)?);
        anyhow::ensure!(outcome["different"] == 0, "the matcher differs from the naive loop");
        return Ok(());
    }
    let distinct = distinct(&options, &database, &matcher);
    let survey = survey(&options, &database, &matcher)?;
    let result = serde_json::json!({
        "devices": database.devices().len(),
        "keywords": database.patterns().len(),
        "keywords_imported": imported,
        "keywords_synthetic": synthetic,
        "ways": matcher.ways(),
        "matcher_built_s": built_s,
        "distinct": distinct,
        "survey": survey,
        "memory_peak_mib": peak_mib(),
        "json": options.json,
    });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

/// The starter database with what is imported and, if that is too little, made up.
fn database(options: &Options) -> anyhow::Result<(Database, usize, usize)> {
    let (starter, _) = Database::load(starter::files());
    let mut devices = starter.devices().to_vec();
    let own = starter.patterns().len();
    let settings = ImportSettings { software: true };
    let mut files = Vec::new();
    for path in &options.import {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?,
            );
        } else {
            files.push(path.clone());
        }
    }
    for path in files {
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let name = path.display().to_string();
        let is_xml = path.extension().is_some_and(|extension| extension == "xml");
        let import = if is_xml { recog::import } else { nmap::import };
        devices.extend(import(&name, &text, settings).devices);
    }
    let imported = Database::of(devices.clone()).0.patterns().len() - own;
    let synthetic = options.keywords.saturating_sub(own + imported);
    devices.extend((0..synthetic).map(made_up));
    Ok((Database::of(devices).0, imported, synthetic))
}

/// A device with a keyword of one of the shapes that signatures have.
fn made_up(number: usize) -> Device {
    let code = number.wrapping_mul(2_654_435_761) % 1_000_000_007;
    let word: String = (0..5).map(|at| char::from(b'a' + (code >> (4 * at) & 15) as u8)).collect();
    let pattern = match number % 6 {
        0 => format!(r"Server: {word}-httpd/{}", number % 10),
        1 => format!(r"(?i)<title>{word} {number}\b"),
        2 => format!(r"^HTTP/1\.[01] \d\d\d .*\r\nServer: {word}{number}/([\d.]+)\r\n"),
        3 => format!(r#"realm="{word} [A-Z]{{2}}-{number}""#),
        4 => format!(r"^220[ -][^\r\n]*{word} {number} FTP"),
        _ => format!(r"(?:{word}|{})[^\r\n]{{0,24}}{number}X", word.to_uppercase()),
    };
    Device {
        maker: Some("Made up".to_owned()),
        name: format!("Made up {number}"),
        kind: Some(Kind::Other),
        model: Some(number.to_string()),
        ports: Vec::new(),
        version: None,
        source: "Made up for a measurement".to_owned(),
        keywords: vec![Keyword { pattern, weight: 1.0, line: 0 }],
        examples: Vec::new(),
        place: Place::default(),
    }
}

/// One core: the matcher and the naive loop over the same banners, each warmed up.
fn distinct(options: &Options, database: &Database, matcher: &Matcher) -> serde_json::Value {
    let mut generator = BannerGenerator::new(database, options.seed);
    let banners: Vec<Vec<u8>> = (0..options.distinct).map(|_| generator.distinct()).collect();
    let bytes: usize = banners.iter().map(Vec::len).sum();
    let mut scratch = Scratch::default();
    for banner in banners.iter().take(options.distinct / 4) {
        black_box(matcher.hits(banner, &mut scratch));
    }
    let verified = scratch.verified();
    let begun = Instant::now();
    let mut hits = 0;
    for banner in &banners {
        hits += matcher.hits(banner, &mut scratch).len();
    }
    let per_second = banners.len() as f64 / begun.elapsed().as_secs_f64();

    let build = |pattern: &String| regex::bytes::RegexBuilder::new(pattern).unicode(false).build();
    let naive: Vec<regex::bytes::Regex> =
        database.patterns().iter().filter_map(|pattern| build(pattern).ok()).collect();
    let some = &banners[..options.naive.min(banners.len())];
    let run = |banners: &[Vec<u8>]| {
        banners.iter().map(|banner| naive.iter().filter(|regex| regex.is_match(banner)).count()).sum::<usize>()
    };
    black_box(run(&some[..some.len() / 4]));
    let begun = Instant::now();
    let naive_hits = run(some);
    let naive_per_second = some.len() as f64 / begun.elapsed().as_secs_f64();
    let same: usize = some.iter().map(|banner| matcher.hits(banner, &mut scratch).len()).sum();
    serde_json::json!({
        "banners": banners.len(),
        "bytes_mean": bytes as f64 / banners.len().max(1) as f64,
        "hits_mean": hits as f64 / banners.len().max(1) as f64,
        "verified_mean": (scratch.verified() - verified) as f64 / banners.len().max(1) as f64,
        "banners_per_second_per_core": per_second,
        "naive_banners_per_second_per_core": naive_per_second,
        "ratio": per_second / naive_per_second,
        "naive_same_hits": naive_hits == same && naive.len() == database.patterns().len(),
    })
}

/// Whether the matcher finds what the naive loop over every pattern finds, in every banner.
fn oracle(
    options: &Options,
    count: usize,
    database: &Database,
    matcher: &Matcher,
) -> anyhow::Result<serde_json::Value> {
    let mut generator = BannerGenerator::new(database, options.seed);
    let mut banners: Vec<Vec<u8>> =
        (0..count).map(|number| if number % 2 == 0 { generator.hostile() } else { generator.distinct() }).collect();
    for path in &options.oracle_banners {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            banners.push(row["banner"].as_str().context("a line without a banner")?.as_bytes().to_vec());
        }
    }
    let build = |pattern: &String| regex::bytes::RegexBuilder::new(pattern).unicode(false).build();
    let naive = database.patterns().iter().map(build).collect::<Result<Vec<_>, _>>()?;
    let (different, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let part = banners.len().div_ceil(estimation::threads().get()).max(1);
    std::thread::scope(|scope| {
        for banners in banners.chunks(part) {
            let (naive, different, hits) = (&naive, &different, &hits);
            scope.spawn(move || {
                let mut scratch = Scratch::default();
                for banner in banners {
                    let all = naive.iter().enumerate().filter(|(_, regex)| regex.is_match(banner));
                    let expected: Vec<KeywordId> = all.map(|(number, _)| KeywordId(number as u32)).collect();
                    hits.fetch_add(expected.len(), Ordering::Relaxed);
                    if matcher.hits(banner, &mut scratch) != expected {
                        eprintln!("different: {:?}", String::from_utf8_lossy(banner));
                        different.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Ok(serde_json::json!({
        "keywords": database.patterns().len(),
        "banners": banners.len(),
        "hits": hits.into_inner(),
        "different": different.into_inner(),
    }))
}

/// Banners are made in parts, outside the time that is measured.
fn survey(options: &Options, database: &Database, matcher: &Matcher) -> anyhow::Result<serde_json::Value> {
    const PART: usize = 100_000;
    let mut generator = BannerGenerator::new(database, options.seed + 1);
    let threads = estimation::threads();
    let mut aggregators: Vec<Aggregator> = (0..threads.get()).map(|_| Aggregator::default()).collect();
    let mut clock = Stopwatch::default();
    let mut made = 0;
    while made < options.banners {
        let part: Vec<(V4, Vec<u8>)> = (made..options.banners.min(made + PART))
            .map(|number| {
                // Each address has one at least; every twentieth address shows a device.
                let address = (number % options.addresses) as u32;
                let is_device =
                    address.wrapping_mul(2_654_435_761).is_multiple_of(20) && number < 2 * options.addresses;
                let device = is_device.then(|| generator.device()).flatten();
                let banner = match device {
                    Some(device) => generator.of_device(device),
                    None => generator.of_server(),
                };
                (V4(0x0a00_0000 + address), banner)
            })
            .collect();
        made += part.len();
        clock.run("normalise and aggregate", || estimation::aggregate(&mut aggregators, &part));
    }
    let aggregated = clock.run("merge", || {
        let mut all = aggregators.into_iter();
        let mut first = all.next().unwrap_or_default();
        all.for_each(|next| first.merge(next));
        first.finish()
    });
    let hits = clock.run("match", || estimation::match_groups(matcher, &aggregated, threads));
    let estimates = clock.run("score", || {
        let scorer = Scorer::new(database, ScoreSettings::default());
        estimation::estimate(&scorer, &aggregated, &hits, &HashMap::new(), threads)
    });
    let folder = std::env::temp_dir().join(format!("prober-matching-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let stored = clock.run("store", || -> anyhow::Result<usize> {
        let store = Store::open(&folder.join("matching.duckdb"), Access::Write)?;
        let now = UtcMicros(1_700_000_000_000_000);
        store.load_signatures(database, now)?;
        let batch = EstimateBatch { database: database.version(), estimated_at: now, scan: None };
        let record =
            EstimationRecord { settings: ScoreSettings::default(), complete: false, looked_at: options.addresses };
        let rows = store.add_estimates(batch, record, &estimates)?;
        store.connection().execute_batch("CHECKPOINT")?;
        Ok(rows)
    });
    std::fs::remove_dir_all(&folder)?;
    Ok(serde_json::json!({
        "banners": made,
        "addresses": options.addresses,
        "threads": threads,
        "distinct": aggregated.groups().len(),
        "addresses_estimated": estimates.len(),
        "rows_stored": stored?,
        "seconds": clock.total().as_secs_f64(),
        "seconds_of": clock.parts.iter().map(|(name, time)| (*name, time.as_secs_f64())).collect::<HashMap<_, _>>(),
    }))
}

/// Adds up what is measured, by name.
#[derive(Default)]
struct Stopwatch {
    parts: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn run<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        let time = begun.elapsed();
        match self.parts.iter_mut().find(|part| part.0 == name) {
            Some(part) => part.1 += time,
            None => self.parts.push((name, time)),
        }
        done
    }

    fn total(&self) -> Duration {
        self.parts.iter().map(|part| part.1).sum()
    }
}

/// Most memory this process has had, MiB.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib >> 10)
}
