//! A scan from beginning to end: open everything, give up privileges, start the threads, watch over them, and end such
//! that nothing is lost and a resume finds its place.

mod checkpoint;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::Context;
use prober_common::cookie::Key;
use ringbuf::HeapRb;
use ringbuf::traits::Split;

use super::grabbing::{self, Grabbing};
use super::open::{self, Secrets, TemplateSet};
use super::shared::UNLIMITED_PPS;
use super::threads::{self, Threads};
use crate::io::clock::utc_now;
use crate::io::control::{ControlEvent, ControlServer, default_socket};
use crate::io::instance::Instance;
use crate::io::store::{Access, EVENT_QUEUE, Store, Writer, WriterConfig};
use crate::io::sys::monotonic_ns;
use crate::io::transmit::{EngineKind, Transmit};
use crate::io::xdp::Attached;
use crate::model::link::Link;
use crate::model::request::ScanRequest;
use crate::model::scan::{ScanId, ScanMeta};
use crate::model::status::{ScanSummary, StatusSample};
use crate::model::utc::ClockOffset;
use crate::target::brakes::Brakes;
use crate::target::range::AddressRange;
use crate::target::schedule::{Schedule, ScheduleConfig};
use crate::target::shard::Shard;
use crate::target::shared_exclusions::SharedExclusions;
use checkpoint::Saved;
use watch::Watch;

/// What the order of an unfinished scan depends on besides its targets.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Seed of the permutation.
    pub seed: u64,
    /// What was excluded when it began. What is excluded since is held back at the wire.
    pub exclusions: Vec<AddressRange>,
}

/// What `--resume` would go on with: the latest unfinished scan of this shard.
pub fn recorded(database: &Path, shard: Shard) -> anyhow::Result<Recorded> {
    let store = Store::open(database, Access::Write)?;
    let scan = store.find_unfinished(shard)?;
    Ok(Recorded { seed: store.seed_of(scan)?, exclusions: store.excluded_by(scan)? })
}

/// Runs the scan; `show` gets a sample each second and at the end.
pub fn run(request: &ScanRequest, show: &mut dyn FnMut(&StatusSample)) -> anyhow::Result<ScanSummary> {
    let link = Link::discover(&request.link)?;
    let instance = Instance::claim(&link.name)?;
    let set = TemplateSet::new(&link, &request.style(), &request.plan.probe_ports())?;
    let store = Store::open(&request.database, Access::Write)?;

    let (resumed, saved) = if request.resume { take_up(&store, request)? } else { (None, None) };
    let saved = match saved {
        Some(saved) => saved,
        None => Saved::fresh(Key([open::random()?, open::random()?])),
    };
    let senders = open::sender_count(request.sender_threads, &link);
    let pass = open::random()? | 1;
    let attached = open::receiver(&link, saved.key, pass, &set, senders)?;
    let secrets = Secrets { key: saved.key, pass };
    let (kind, engines) = open::transmit(request.engine, &link, &set, &attached, secrets, senders)?;
    let socket = request.control_socket.clone().unwrap_or_else(|| default_socket(&link.name));
    open::drop_privileges(kind)?;
    let (server, control) = ControlServer::listen(&socket)?; // its thread has to start without privileges too

    // Only now: a start that fails leaves no scan behind.
    let scan = match resumed {
        Some(scan) => scan,
        None => store.begin_scan(&meta(request, &link, &set, kind))?,
    };
    let running = start(request, &set, scan, &saved, store, attached, engines)?;
    let watch = Watch::new(request, scan, kind, &saved, running, control, set.mean_len());
    let summary = watch.until_ended(show);
    drop(server);
    drop(instance);
    summary
}

/// Takes up the scan that was interrupted, at its last checkpoint if it had come to one.
fn take_up(store: &Store, request: &ScanRequest) -> anyhow::Result<(Option<ScanId>, Option<Saved>)> {
    let scan = store.find_unfinished(request.shard)?;
    let resumption = store.resume_scan(scan, request.plan.fingerprint(), utc_now(), &request.record.operator)?;
    let saved = resumption.checkpoint.as_deref().map(Saved::from_json).transpose().with_context(|| {
        format!("database {}: the checkpoint of scan {scan} is damaged", request.database.display())
    })?;
    Ok((Some(scan), saved))
}

fn meta(request: &ScanRequest, link: &Link, set: &TemplateSet, engine: EngineKind) -> ScanMeta {
    ScanMeta {
        started_at: utc_now(),
        operator: request.record.operator.clone(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: request.record.command.clone(),
        settings: request.record.settings.clone(),
        seed: request.plan.seed(),
        plan_fingerprint: request.plan.fingerprint(),
        targets: request.plan.len(),
        ports: request.record.ports.clone(),
        probes_planned: planned(request),
        shard_index: request.shard.index(),
        shard_count: request.shard.count(),
        rate_pps: rate_pps(request, set),
        engine: engine.name().to_owned(),
        interface: link.name.clone(),
        source_address: Some(link.source),
        exclusions: request.exclusions.addresses().ranges().collect(),
    }
}

/// Probes of this shard, all passes.
fn planned(request: &ScanRequest) -> u64 {
    let targets = request.shard.len_of(request.plan.len());
    request.pace.max_targets.map_or(targets, |most| targets.min(most)) * u64::from(request.pace.probes)
}

fn rate_pps(request: &ScanRequest, set: &TemplateSet) -> f64 {
    request.pace.rate.pps(set.mean_len()).unwrap_or(UNLIMITED_PPS)
}

/// A scan's threads and what else its control thread holds.
struct Running {
    threads: threads::Running<Schedule>,
    writer: Writer,
    grabbing: Option<Grabbing>,
    /// Probes that this shard will send.
    planned: u64,
}

fn start(
    request: &ScanRequest,
    set: &TemplateSet,
    scan: ScanId,
    saved: &Saved,
    store: Store,
    attached: Attached,
    engines: Vec<Box<dyn Transmit>>,
) -> anyhow::Result<Running> {
    let (events_in, events_out) = HeapRb::new(EVENT_QUEUE).split();
    let now_ns = monotonic_ns();
    let feed = grabbing::feed();
    let open_ports = request.grab.is_some().then(|| grabbing::sink(&feed));
    let config = WriterConfig::new(ClockOffset::between(utc_now(), now_ns), now_ns);
    let writer = Writer::spawn_telling(store, scan, events_out, config, open_ports)?;
    let exclusions = SharedExclusions::new(request.exclusions.clone());
    let brakes = Arc::new(Brakes::default());
    let mut schedule = schedule(request, saved)?;
    schedule.obey(Arc::clone(&brakes));
    let threads = Threads {
        rate_pps: rate_pps(request, set),
        limit_per_slash24_pps: request.pace.rate_per_slash24_pps,
        brakes,
        exclusions: Arc::clone(&exclusions),
        templates: set.clone(),
        source: schedule,
        events: events_in,
        tap: None,
    };
    let threads = threads.start(attached, engines)?;
    // Last: its way to the writer has to be closed before the writer can end.
    let grabbing = match &request.grab {
        None => None,
        Some(limits) => {
            Some(Grabbing::start(limits, &request.record.contact, exclusions, feed, writer.inlet()?, None)?)
        }
    };
    Ok(Running { threads, writer, grabbing, planned: planned(request) })
}

fn schedule(request: &ScanRequest, saved: &Saved) -> anyhow::Result<Schedule> {
    let config = ScheduleConfig {
        passes: request.pace.probes,
        spacing_ns: request.pace.probe_spacing.as_nanos() as u64,
        rate_per_slash24_pps: request.pace.rate_per_slash24_pps,
        max_targets: request.pace.max_targets,
    };
    let plan = Arc::clone(&request.plan);
    match &saved.checkpoint {
        None => Ok(Schedule::new(plan, request.shard, config)),
        Some(checkpoint) => Ok(Schedule::resume(plan, request.shard, config, checkpoint, monotonic_ns())?),
    }
}

/// Commands from the control socket.
type Control = Receiver<ControlEvent>;
