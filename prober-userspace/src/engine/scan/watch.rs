//! The control thread of a scan: samples and shows progress, obeys the socket and signals, commits checkpoints, notices
//! faults, and ends the scan in the order that loses nothing: stop sending, wait for late replies, stop receiving,
//! drain, commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::Context;
use prober_common::cookie::Key;
use prober_common::event::ReplyKind;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::checkpoint::Saved;
use super::{Control, Running};
use crate::engine::counts::Reading;
use crate::engine::grabbing::Grabbing;
use crate::engine::shared::UNLIMITED_PPS;
use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlEvent, ControlReply};
use crate::io::store::StoreCommand;
use crate::io::sys::monotonic_ns;
use crate::io::transmit::EngineKind;
use crate::model::request::{Pace, RateLimit, ScanRequest};
use crate::model::scan::{ScanId, ScanStatus};
use crate::model::status::{Ending, Phase, ReplyCounts, ScanSummary, StatusSample};
use crate::model::utc::ClockOffset;
use crate::target::schedule::Checkpoint;

/// How often the control thread looks around.
const TICK: Duration = Duration::from_millis(10);
/// How often a sample is shown and a row of `scan_rate` is written.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// How long the planner may take to answer.
const PLANNER_PATIENCE: Duration = Duration::from_secs(5);

/// A running scan as its control thread sees it.
pub(super) struct Watch {
    running: Running,
    control: Control,
    scan: ScanId,
    engine: EngineKind,
    key: Key,
    pace: Pace,
    /// Mean length of a probe's frame, bytes.
    frame_len: usize,
    database: String,
    checkpoint_every: Duration,
    started: Instant,
    sent_before: u64,
    phase: Phase,
    sending_ended: Option<(Instant, Ending)>,
    fault: Option<String>,
    last: StatusSample,
    last_reading: Reading,
    last_at: Instant,
    checkpointed: Instant,
}

impl Watch {
    pub(super) fn new(
        request: &ScanRequest,
        scan: ScanId,
        engine: EngineKind,
        saved: &Saved,
        running: Running,
        control: Control,
        frame_len: usize,
    ) -> Self {
        let now = Instant::now();
        Self {
            running,
            control,
            scan,
            engine,
            key: saved.key,
            pace: request.pace,
            frame_len,
            database: request.database.display().to_string(),
            checkpoint_every: request.checkpoint_interval,
            started: now,
            sent_before: saved.sent,
            phase: Phase::Sending,
            sending_ended: None,
            fault: None,
            last: StatusSample::default(),
            last_reading: Reading::default(),
            last_at: now,
            checkpointed: now,
        }
    }

    /// Watches until the scan has ended, then ends it cleanly.
    pub(super) fn until_ended(mut self, show: &mut dyn FnMut(&StatusSample)) -> anyhow::Result<ScanSummary> {
        let signalled = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // A second signal ends the process at once: the checkpoint makes that harmless.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&signalled))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&signalled)))
                .context("cannot watch for signals")?;
        }
        loop {
            self.obey();
            self.look_for_the_end(signalled.load(Ordering::Relaxed));
            if self.last_at.elapsed() >= SAMPLE_EVERY {
                self.sample(true);
                show(&self.last);
            }
            if self.checkpointed.elapsed() >= self.checkpoint_every {
                self.checkpoint();
            }
            if self.is_over(signalled.load(Ordering::Relaxed)) {
                return self.end(&signalled, show);
            }
            std::thread::sleep(TICK);
        }
    }

    /// Carries out commands from the socket.
    fn obey(&mut self) {
        while let Ok(ControlEvent { command, reply, .. }) = self.control.try_recv() {
            match command {
                ControlCommand::Rate { pps } => self.set_rate(RateLimit::Packets(pps)),
                ControlCommand::Bandwidth { bps } => self.set_rate(RateLimit::Bits(bps)),
                ControlCommand::Unlimited => self.set_rate(RateLimit::Unlimited),
                ControlCommand::Pause => self.pause(true),
                ControlCommand::Resume => self.pause(false),
                ControlCommand::Stop => self.stop_sending(Ending::Stopped),
                ControlCommand::Status => {}
                ControlCommand::Reload
                | ControlCommand::Nightly
                | ControlCommand::Exclude { .. }
                | ControlCommand::Complain { .. }
                | ControlCommand::Unexclude { .. }
                | ControlCommand::Forget { .. }
                | ControlCommand::Why { .. }
                | ControlCommand::Exclusions
                | ControlCommand::Excluded { .. }
                | ControlCommand::Complaints
                | ControlCommand::Query { .. }
                | ControlCommand::Look { .. } => {
                    let _ = reply.try_send(ControlReply::refused("this is a scan; only a daemon can do that"));
                    continue;
                }
            }
            self.sample(false);
            // The client may have gone.
            let _ = reply.try_send(ControlReply::Done(self.last.clone()));
        }
    }

    fn set_rate(&mut self, limit: RateLimit) {
        let pps = limit.pps(self.frame_len).unwrap_or(UNLIMITED_PPS);
        log::info!("rate changed from {} to {pps} packets/s", self.running.threads.switches.rate_pps());
        self.running.threads.switches.set_rate_pps(pps);
    }

    fn pause(&mut self, paused: bool) {
        self.running.threads.switches.set_paused(paused);
        self.running.grabbing.iter().for_each(|grabbing| grabbing.hold(paused));
        if paused && (self.sending_ended.is_none() || self.phase == Phase::Grabbing) {
            self.phase = Phase::Paused;
        } else if !paused && self.phase == Phase::Paused {
            self.phase = if self.sending_ended.is_none() { Phase::Sending } else { Phase::Grabbing };
        }
    }

    /// Ends sending, once; the first reason counts.
    fn stop_sending(&mut self, ending: Ending) {
        if self.sending_ended.is_none() {
            self.running.threads.switches.stop_sending();
            self.sending_ended = Some((Instant::now(), ending));
            self.phase = Phase::Cooldown;
        }
    }

    fn look_for_the_end(&mut self, signalled: bool) {
        if self.sending_ended.is_some() {
            return;
        }
        let status = self.running.writer.status();
        if let Some(error) = status.failure() {
            self.fault = Some(error.to_string());
            self.stop_sending(Ending::StoreFailed);
        } else if signalled {
            self.stop_sending(Ending::Signal);
        } else if self.pace.max_runtime.is_some_and(|most| self.started.elapsed() >= most) {
            self.stop_sending(Ending::MaxRuntime);
        } else if self.pace.max_results.is_some_and(|most| status.all_replies() >= most) {
            self.stop_sending(Ending::MaxResults);
        } else if self.running.threads.senders.iter().all(std::thread::JoinHandle::is_finished) {
            let ending = if self.pace.max_targets.is_some() { Ending::MaxTargets } else { Ending::Complete };
            self.stop_sending(ending);
        } else if self.running.threads.senders.iter().any(std::thread::JoinHandle::is_finished)
            && !self.running.threads.switches.planned_all()
        {
            // One sender failed: its share would be missing.
            self.stop_sending(Ending::Stopped);
        }
    }

    /// Whether the cool-down is over, or pointless.
    fn is_over(&self, signalled: bool) -> bool {
        let Some((since, ending)) = self.sending_ended else { return false };
        let wait = match ending {
            // Somebody wants us gone, but what is on its way deserves a moment.
            Ending::Signal | Ending::Stopped => self.pace.cooldown.min(Duration::from_secs(1)),
            Ending::StoreFailed => Duration::ZERO,
            _ => self.pace.cooldown,
        };
        since.elapsed() >= if signalled { wait.min(Duration::from_secs(1)) } else { wait }
    }

    /// Takes a sample; `record` also writes it to the store.
    fn sample(&mut self, record: bool) {
        let reading = Reading::take(&self.running.threads.counters, &self.running.threads.counts);
        let elapsed_s = self.last_at.elapsed().as_secs_f64();
        let sent_since = reading.sent - self.last_reading.sent;
        let status = self.running.writer.status();
        let replies = ReplyCounts::new(ReplyKind::ALL.map(|kind| status.replies(kind)));
        let sent = self.sent_before + reading.sent;
        let target_pps = self.running.threads.switches.rate_pps();
        let rate_pps = if record || elapsed_s > 0.2 { sent_since as f64 / elapsed_s } else { self.last.rate_pps };
        self.last = StatusSample {
            t_s: self.started.elapsed().as_secs_f64(),
            phase: self.phase,
            sent,
            planned: self.running.planned,
            rate_pps,
            target_pps: if target_pps.is_finite() { target_pps } else { 0.0 },
            hit_rate: if reading.sent == 0 { 0.0 } else { replies.open() as f64 / reading.sent as f64 },
            replies,
            duplicates: status.duplicates(),
            drops: reading.drops(status.store_failed()),
            eta_s: self.eta_s(sent, rate_pps),
            grab: self.running.grabbing.as_ref().map(Grabbing::status),
        };
        if record {
            self.record(&reading, sent_since);
            self.last_reading = reading;
            self.last_at = Instant::now();
        }
    }

    fn record(&self, reading: &Reading, sent: u64) {
        let now_ns = monotonic_ns();
        let lost = (reading.lost() - self.last_reading.lost()) as u32;
        // A writer that is gone has reported why; the end of the scan says so.
        let _ = self.running.writer.send(StoreCommand::Clock(ClockOffset::between(utc_now(), now_ns)));
        let _ = self.running.writer.send(StoreCommand::Rate { ended_ns: now_ns, sent, lost });
        let mut values = reading.values(self.running.threads.brakes.counts());
        values.extend(self.running.grabbing.iter().flat_map(Grabbing::values));
        let _ = self.running.writer.send(StoreCommand::Counters(values));
    }

    fn eta_s(&self, sent: u64, rate_pps: f64) -> Option<f64> {
        let cooldown_s = self.pace.cooldown.as_secs_f64();
        match self.sending_ended {
            Some((since, _)) => Some((cooldown_s - since.elapsed().as_secs_f64()).max(0.0)),
            None if rate_pps > 0.0 => Some(self.running.planned.saturating_sub(sent) as f64 / rate_pps + cooldown_s),
            None => None,
        }
    }

    /// Saves where the scan stands, together with the replies so far.
    ///
    /// The position is read first and committed after the replies that had come by then, so a resume repeats probes
    /// rather than skipping any.
    fn checkpoint(&mut self) {
        self.checkpointed = Instant::now();
        let Some(checkpoint) = self.ask_planner() else { return };
        let sent = self.sent_before + Reading::take(&self.running.threads.counters, &self.running.threads.counts).sent;
        let text = Saved::to_json(self.key, sent, checkpoint);
        let (ack, _) = sync_channel(1);
        // A failure comes through the writer's status; waiting for the acknowledgement would hold up the control socket.
        let _ = self.running.writer.send(StoreCommand::Flush { checkpoint: Some(text), ack });
    }

    fn ask_planner(&self) -> Option<Checkpoint> {
        let (answer, inbox) = sync_channel(1);
        self.running.threads.requests.try_send(answer).ok()?;
        inbox.recv_timeout(PLANNER_PATIENCE).ok()
    }

    fn end(mut self, signalled: &AtomicBool, show: &mut dyn FnMut(&StatusSample)) -> anyhow::Result<ScanSummary> {
        let sending_s = self.sending_ended.map_or(0.0, |(since, _)| (since - self.started).as_secs_f64());
        self.running.threads.switches.stop_sending();
        let mut senders = Vec::new();
        for sender in self.running.threads.senders.drain(..) {
            match sender.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => senders.push(error.to_string()),
                Err(_) => senders.push("a sending thread ended unexpectedly".to_owned()),
            }
        }
        if let Some(error) = senders.into_iter().next() {
            self.fault.get_or_insert(error);
        }
        let checkpoint = self.ask_planner();
        self.running.threads.switches.stop_receiving();
        while !self.running.threads.receiver.is_finished() {
            std::thread::sleep(TICK);
        }
        self.await_banners(signalled, show);
        self.phase = Phase::Done;
        self.sample(true);
        let (_, ending) = self.sending_ended.unwrap_or((self.started, Ending::Stopped));
        if let Some(checkpoint) = checkpoint {
            let text = Saved::to_json(self.key, self.last.sent, checkpoint);
            let _ = self.running.writer.flush(Some(text));
        }
        self.finish(ending, sending_s, show)
    }

    /// Lets the last open ports be asked, unless somebody wants the scan to end.
    fn await_banners(&mut self, signalled: &AtomicBool, show: &mut dyn FnMut(&StatusSample)) {
        if self.running.grabbing.is_none() {
            return;
        }
        // The writer may still find open ports among the last replies; a failure comes through its status.
        let _ = self.running.writer.flush(None);
        self.phase = if self.running.threads.switches.paused() { Phase::Paused } else { Phase::Grabbing };
        let hurried = |ending| matches!(ending, Ending::Signal | Ending::Stopped | Ending::StoreFailed);
        let mut hurry = self.sending_ended.is_none_or(|(_, ending)| hurried(ending));
        self.running.grabbing.iter().for_each(Grabbing::close);
        while let Some(grabbing) = self.running.grabbing.as_ref().filter(|grabbing| !grabbing.is_finished()) {
            hurry |= signalled.load(Ordering::Relaxed) || self.running.writer.status().failure().is_some();
            if hurry {
                grabbing.stop();
            }
            while let Ok(ControlEvent { command, reply, .. }) = self.control.try_recv() {
                match command {
                    ControlCommand::Stop => hurry = true,
                    ControlCommand::Pause => self.pause(true),
                    ControlCommand::Resume => self.pause(false),
                    _ => {}
                }
                self.last.phase = self.phase;
                let _ = reply.try_send(ControlReply::Done(self.last.clone()));
            }
            if self.last_at.elapsed() >= SAMPLE_EVERY {
                self.sample(true);
                show(&self.last);
            }
            std::thread::sleep(TICK);
        }
    }

    fn finish(
        self,
        ending: Ending,
        sending_s: f64,
        show: &mut dyn FnMut(&StatusSample),
    ) -> anyhow::Result<ScanSummary> {
        let Self { running, mut last, fault, scan, engine, database, started, last_reading, .. } = self;
        let status = match (&fault, ending.is_resumable()) {
            (Some(_), _) => ScanStatus::Failed,
            (None, true) => ScanStatus::Interrupted,
            (None, false) => ScanStatus::Finished,
        };
        // Hanging up ends the planner.
        drop(running.threads.requests);
        if running.threads.planner.join().is_err() {
            log::error!("the planning thread ended unexpectedly");
        }
        if let Some(grabbing) = running.grabbing {
            last.grab = Some(grabbing.status());
            grabbing.join();
        }
        let status_of_writer = Arc::clone(running.writer.status());
        let outcome = running.writer.finish(status, utc_now(), fault.clone());
        last.replies = ReplyCounts::new(ReplyKind::ALL.map(|kind| status_of_writer.replies(kind)));
        last.duplicates = outcome.duplicates;
        last.drops = last_reading.drops(outcome.store_failed);
        last.eta_s = Some(0.0);
        show(&last);
        let summary = ScanSummary {
            scan: scan.0,
            ending,
            engine: engine.name().to_owned(),
            database,
            duration_s: started.elapsed().as_secs_f64(),
            mean_pps: if sending_s > 0.0 { last_reading.sent as f64 / sending_s } else { 0.0 },
            rows_stored: outcome.rows,
            devices: None,
            last,
        };
        match outcome.error.map(|error| error.to_string()).or(fault) {
            Some(fault) if ending != Ending::StoreFailed => Err(anyhow::anyhow!(fault)),
            Some(fault) => {
                log::error!("{fault}");
                Ok(summary)
            }
            None => Ok(summary),
        }
    }
}
