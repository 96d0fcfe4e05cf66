//! `prober daemon`: the service around the probing. Here is what turns it: signals, commands, a look
//! around ten times a second, and what the service manager is told.

pub mod exclusion_watch;
pub mod figures;
pub mod service;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::io::clock::utc_now;
use crate::io::control::{ControlCommand, ControlEvent};
use crate::io::service_notice::{Notice, ServiceNotice};
use crate::model::service_status::ServiceStatus;
use crate::model::status::StatusSample;
use service::{Moment, Orders, Service};

/// How often the service manager hears a line.
const STATUS_LINE: Duration = Duration::from_secs(10);

/// Signals that were received and not answered yet.
#[derive(Debug)]
pub struct Signals {
    end: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Signals {
    /// Takes SIGHUP for reload, SIGTERM and SIGINT for the end.
    pub fn register() -> std::io::Result<Self> {
        let signals = Self { end: Arc::default(), reload: Arc::default() };
        signal_hook::flag::register(SIGHUP, Arc::clone(&signals.reload))?;
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&signals.end))?;
        }
        Ok(signals)
    }
}

/// The service with everything that turns it: signals, commands, the service manager.
pub struct Steward {
    service: Service,
    control: Receiver<ControlEvent>,
    signals: Signals,
    notice: ServiceNotice,
    start: Instant,
    alive: Every,
    line: Every,
}

impl Steward {
    /// Ready to go: from now on the service manager hears of it.
    pub fn new(service: Service, control: Receiver<ControlEvent>, signals: Signals, notice: ServiceNotice) -> Self {
        let alive = Every::new(notice.watchdog().map(|longest| longest / 3));
        let line = Every::new(Some(STATUS_LINE));
        Self { service, control, signals, notice, start: Instant::now(), alive, line }
    }

    /// Says that the start is over.
    pub fn ready(&self) {
        self.notice.tell(Notice::Ready);
    }

    /// Does all there is to do and says what is wanted of the probing.
    pub fn turn(&mut self, probing: &StatusSample) -> Orders {
        while let Ok(ControlEvent { command, reply }) = self.control.try_recv() {
            let reloads = command == ControlCommand::Reload;
            self.tell_if(reloads, Notice::Reloading);
            let answer = self.service.command(command, self.moment());
            self.tell_if(reloads, Notice::Ready);
            // The client may have gone.
            let _ = reply.try_send(answer);
        }
        if self.signals.reload.swap(false, Ordering::Relaxed) {
            self.notice.tell(Notice::Reloading);
            // What is wrong was logged and noted.
            let _ = self.service.reload(utc_now());
            self.notice.tell(Notice::Ready);
        }
        let mut orders = self.service.turn(self.moment(), probing);
        orders.stop |= self.signals.end.load(Ordering::Relaxed);
        if self.alive.is_due(self.start.elapsed()) {
            self.notice.tell(Notice::Watchdog);
        }
        if self.line.is_due(self.start.elapsed()) {
            self.notice.tell(Notice::Status(&status_line(&self.service.status(self.moment()))));
        }
        orders
    }

    /// Keeps what has to be kept.
    pub fn end(mut self, why: &str) {
        self.notice.tell(Notice::Stopping);
        self.service.end(utc_now(), why);
    }

    fn moment(&self) -> Moment {
        Moment { uptime: self.start.elapsed(), utc: utc_now() }
    }

    fn tell_if(&self, is_told: bool, notice: Notice<'_>) {
        if is_told {
            self.notice.tell(notice);
        }
    }
}

fn status_line(status: &ServiceStatus) -> String {
    match status.holds.first() {
        Some(hold) => format!("nothing is sent: {}", hold.shown()),
        None => format!(
            "{:.0} probes/s, {} sent, {} % of the targets",
            status.probing.rate_pps,
            status.probing.sent,
            status.rollout.share * 100.0
        ),
    }
}

/// Something done now and then.
struct Every {
    period: Option<Duration>,
    last: Option<Duration>,
}

impl Every {
    const fn new(period: Option<Duration>) -> Self {
        Self { period, last: None }
    }

    fn is_due(&mut self, now: Duration) -> bool {
        let Some(period) = self.period else { return false };
        let is_due = self.last.is_none_or(|last| now >= last + period);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}
