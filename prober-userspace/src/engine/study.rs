//! A study: a session fed with the probes of a schedule, each at its time, and every send that reached the wire stored within
//! a second, so that what stayed silent is known, also after a kill.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::session::{Session, SessionConfig, SessionEnds};
use crate::io::clock::utc_now;
use crate::io::store::{Access, Store, StoreCommand, StoreError, StudyProbe, Writer};
use crate::io::sys::monotonic_ns;
use crate::model::link::LinkRequest;
use crate::model::request::{EngineChoice, ProbeStyle, RateLimit, Record};
use crate::model::scan::ScanStatus;
use crate::model::utc::{ClockOffset, UtcMicros};
use crate::policy::study::StudySend;
use crate::target::errand::{Errand, ErrandDone, Probes};
use crate::target::errand_queue::NO_GROUP;
use crate::target::ports::ProbePort;
use crate::target::shared_exclusions::SharedExclusions;

/// Errands are handed over this long before their time.
const AHEAD: Duration = Duration::from_secs(5);
/// After the beginning, so that threads run before the first probe is due, s.
const LEAD_S: f64 = 0.5;
/// How long to wait for an errand that is over.
const PATIENCE: Duration = Duration::from_millis(200);
/// An errand that is not over so long after its time is given up.
const OVERDUE: Duration = Duration::from_secs(30);

/// How a study is carried out.
#[derive(Clone, Debug)]
pub struct StudyRun {
    /// Where to store.
    pub database: PathBuf,
    /// How to find the way out.
    pub link: LinkRequest,
    /// Which transmit engine.
    pub engine: EngineChoice,
    /// What probes look like.
    pub style: ProbeStyle,
    /// Every kind of probe.
    pub kinds: Vec<ProbePort>,
    /// Limit of the whole.
    pub rate: RateLimit,
    /// Limit for each /24, packets/s: enforced again at the last queue before the wire.
    pub budget_pps: f64,
    /// How long to wait for late replies.
    pub cooldown: Duration,
    /// What is written down about it.
    pub record: Record,
}

/// What came of a study.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StudyOutcome {
    /// Under which number it is stored.
    pub scan: u32,
    /// Probes that reached the wire.
    pub sent: usize,
    /// Probes held back because their address is excluded.
    pub excluded: usize,
    /// Replies stored.
    pub replies: u64,
}

/// Sends what the schedule says until it is over or `stop` is set; stores every send.
pub fn run(
    study: &StudyRun,
    sends: &[StudySend],
    exclusions: Arc<SharedExclusions>,
    stop: &AtomicBool,
) -> anyhow::Result<StudyOutcome> {
    let store = Store::open(&study.database, Access::Write)?;
    let config = SessionConfig {
        purpose: "study",
        addresses: sends.iter().map(|send| send.address.0).collect::<HashSet<_>>().len() as u64,
        link: study.link.clone(),
        engine: study.engine,
        sender_threads: 1,
        style: study.style.clone(),
        kinds: study.kinds.clone(),
        rate: study.rate,
        rate_per_slash24_pps: study.budget_pps,
        grab: None,
        record: study.record.clone(),
    };
    let (mut session, ends) = Session::open(&config, store, exclusions, None)?;
    let scan = session.scan();
    let mut sent = Sent::default();
    let outcome = feed(&mut session, &ends, sends, stop, &mut sent);
    // Also after a failure: what was sent is known.
    let stored = sent.store(session.writer());
    let status = match (&outcome, &stored) {
        (Ok(()), Ok(())) if stop.load(Ordering::Relaxed) => ScanStatus::Interrupted,
        (Ok(()), Ok(())) => ScanStatus::Finished,
        _ => ScanStatus::Failed,
    };
    let last = session.close(study.cooldown, status)?;
    outcome?;
    stored?;
    Ok(StudyOutcome { scan: scan.0, sent: sent.count, excluded: sent.excluded, replies: last.replies.total() })
}

#[derive(Default)]
struct Sent {
    /// Not yet with the writer.
    waiting: Vec<StudyProbe>,
    count: usize,
    excluded: usize,
}

impl Sent {
    fn note(&mut self, send: &StudySend, done: ErrandDone) {
        if done.is_excluded {
            self.excluded += 1;
        } else if done.probes > 0 {
            // Looked up anew: replies are stored by a clock that follows when it is set, and must find their probes.
            let sent_at: UtcMicros = ClockOffset::between(utc_now(), monotonic_ns()).utc(done.sent_ns);
            let (address, port) = (send.address, send.port);
            self.count += 1;
            self.waiting.push(StudyProbe { sent_at, address, port: port.port, kind: port.kind });
        }
    }

    /// Hands over what was sent since the last time.
    fn store(&mut self, writer: &Writer) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        writer.send(StoreCommand::StudyProbes(std::mem::take(&mut self.waiting)))
    }
}

fn feed(
    session: &mut Session,
    ends: &SessionEnds,
    sends: &[StudySend],
    stop: &AtomicBool,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let (began, began_ns) = (Instant::now(), monotonic_ns());
    let at = |send: &StudySend| Duration::from_secs_f64(LEAD_S + send.at_s);
    let (mut handed, mut over, mut ticked) = (0, 0, began);
    while over < sends.len() && !(stop.load(Ordering::Relaxed) && over >= handed) {
        let until = if stop.load(Ordering::Relaxed) { Duration::ZERO } else { began.elapsed() + AHEAD };
        let due = handed + sends[handed..].iter().take_while(|send| at(send) <= until).count();
        if due > handed {
            let errand = |tag: usize| Errand {
                address: sends[tag].address,
                probes: Probes::One(sends[tag].port),
                not_before_ns: began_ns + at(&sends[tag]).as_nanos() as u64,
                spacing_ns: 0,
                group: NO_GROUP,
                tag: tag as u64,
            };
            ends.errands.send((handed..due).map(errand).collect())?;
            handed = due;
        }
        match ends.done.recv_timeout(PATIENCE) {
            Ok(done) => {
                sent.note(&sends[done.tag as usize], done);
                over += 1;
            }
            Err(RecvTimeoutError::Timeout) => {
                let last = sends[..handed].last().map_or(Duration::ZERO, at);
                anyhow::ensure!(
                    over == handed || began.elapsed() < last + OVERDUE,
                    "{} probes of the study did not reach the wire in time; is the rate too low for the budget?",
                    handed - over
                );
            }
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the engine ended before the study"),
        }
        if ticked.elapsed() >= Duration::from_secs(1) {
            sent.store(session.writer())?;
            session.tick()?;
            ticked = Instant::now();
        }
    }
    Ok(())
}
