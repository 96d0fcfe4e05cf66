//! The threads that turn banners into estimates: normalise and aggregate, match each distinct banner, score each address.
//! Shared out in equal parts; what the parts do is `device`'s.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::num::NonZero;
use std::thread;

use prober_common::address::V4;

use crate::device::aggregate::{Aggregated, Aggregator, Group};
use crate::device::database::{Database, KeywordId};
use crate::device::matcher::{Matcher, Scratch};
use crate::device::score::{BannerHits, ScoreSettings, Scorer};
use crate::io::clock::utc_now;
use crate::io::store::{EstimateBatch, EstimationRecord, Store, StoreError};
use crate::model::device::AddressEstimates;
use crate::model::scan::ScanId;
use crate::target::ports::ProbePort;

/// Groups that are matched before it is asked again whether to go on.
const TOGETHER: usize = 1 << 14;

/// Threads that are worth having.
pub fn threads() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Adds banners to aggregators, one for each thread.
pub fn aggregate<T: AsRef<[u8]> + Sync>(aggregators: &mut [Aggregator], banners: &[(V4, T)]) {
    let share = banners.len().div_ceil(aggregators.len().max(1)).max(1);
    thread::scope(|scope| {
        for (aggregator, banners) in aggregators.iter_mut().zip(banners.chunks(share)) {
            scope.spawn(move || {
                for (address, banner) in banners {
                    aggregator.add(*address, banner.as_ref());
                }
            });
        }
    });
}

/// The keywords of each group's sample, in the order of the groups.
pub fn match_groups(matcher: &Matcher, aggregated: &Aggregated, threads: NonZero<usize>) -> Vec<Box<[KeywordId]>> {
    match_some(matcher, aggregated.groups(), threads)
}

fn match_some(matcher: &Matcher, groups: &[Group], threads: NonZero<usize>) -> Vec<Box<[KeywordId]>> {
    let share = groups.len().div_ceil(threads.get()).max(1);
    let parts = thread::scope(|scope| {
        let workers: Vec<_> = groups
            .chunks(share)
            .map(|groups| {
                scope.spawn(move || {
                    let mut scratch = Scratch::default();
                    groups.iter().map(|group| matcher.hits(&group.sample, &mut scratch).into()).collect::<Vec<_>>()
                })
            })
            .collect();
        join(workers)
    });
    parts.into_iter().flatten().collect()
}

/// The estimates of every address that has any, by address. `hits` as [`match_groups`] gives them; `open_ports` sorted,
/// each once.
pub fn estimate<S: BuildHasher + Sync>(
    scorer: &Scorer<'_>,
    aggregated: &Aggregated,
    hits: &[Box<[KeywordId]>],
    open_ports: &HashMap<V4, Vec<ProbePort>, S>,
    threads: NonZero<usize>,
) -> Vec<AddressEstimates> {
    let addresses: Vec<&[(V4, u32)]> = aggregated.chunks().collect();
    let share = addresses.len().div_ceil(threads.get()).max(1);
    let of_address = &|pairs: &[(V4, u32)]| {
        let address = pairs[0].0;
        let banner = |group: u32| BannerHits {
            text: &aggregated.groups()[group as usize].sample,
            keywords: &hits[group as usize],
        };
        let banners: Vec<BannerHits<'_>> = pairs.iter().map(|(_, group)| banner(*group)).collect();
        let ports = open_ports.get(&address).map_or(&[][..], Vec::as_slice);
        let estimates = scorer.estimates(&banners, ports);
        (!estimates.is_empty()).then_some(AddressEstimates { address, estimates })
    };
    let parts = thread::scope(|scope| {
        let workers: Vec<_> = addresses
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().filter_map(|pairs| of_address(pairs)).collect::<Vec<_>>()))
            .collect();
        join(workers)
    });
    parts.into_iter().flatten().collect()
}

/// How a run over stored banners went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimated {
    /// Addresses with a banner.
    pub looked_at: usize,
    /// Addresses with an estimate.
    pub named: usize,
}

/// Estimates the devices of all stored banners, or of those of a scan, and stores the estimates with the database's
/// version. Older ones stay.
pub fn estimate_stored(
    store: &Store,
    database: &Database,
    settings: ScoreSettings,
    scan: Option<ScanId>,
) -> Result<Estimated, StoreError> {
    let estimated = estimate_stored_unless(store, database, settings, scan, &|| false)?;
    Ok(estimated.expect("nobody gives it up"))
}

/// The same; `None`, and nothing stored, if it was given up, which is asked for all the while.
pub fn estimate_stored_unless(
    store: &Store,
    database: &Database,
    settings: ScoreSettings,
    scan: Option<ScanId>,
    is_given_up: &dyn Fn() -> bool,
) -> Result<Option<Estimated>, StoreError> {
    let mut banners = Aggregator::default();
    let mut open_ports: HashMap<V4, Vec<ProbePort>> = HashMap::new();
    store.for_each_banner(scan, |banner| {
        if is_given_up() {
            return;
        }
        open_ports.entry(banner.address).or_default().push(banner.port);
        banners.add(banner.address, &banner.text);
    })?;
    for ports in open_ports.values_mut() {
        ports.sort_unstable();
        ports.dedup();
    }
    let aggregated = banners.finish();
    let matcher = Matcher::new(database);
    let mut hits = Vec::with_capacity(aggregated.groups().len());
    for groups in aggregated.groups().chunks(TOGETHER) {
        if is_given_up() {
            return Ok(None);
        }
        hits.extend(match_some(&matcher, groups, threads()));
    }
    let estimates = estimate(&Scorer::new(database, settings), &aggregated, &hits, &open_ports, threads());
    if is_given_up() {
        return Ok(None);
    }
    let now = utc_now();
    store.load_signatures(database, now)?;
    let batch = EstimateBatch { database: database.version(), estimated_at: now, scan };
    let record = EstimationRecord { settings, complete: scan.is_none(), looked_at: open_ports.len() };
    store.add_estimates(batch, record, &estimates)?;
    Ok(Some(Estimated { looked_at: open_ports.len(), named: estimates.len() }))
}

/// In the order in which they were started. A panic of one goes on here.
fn join<T>(workers: Vec<thread::ScopedJoinHandle<'_, T>>) -> Vec<T> {
    let join = |worker: thread::ScopedJoinHandle<'_, T>| {
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    };
    workers.into_iter().map(join).collect()
}
