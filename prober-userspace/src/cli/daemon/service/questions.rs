//! Questions to the running daemon. What it knows of an address is asked of the deciding thread; what the database holds is
//! read on a connection and a thread of its own, so that nothing else waits for it.

use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use duckdb::InterruptHandle;
use prober_common::address::V4;

use super::{Moment, Service};
use crate::cli::daemon::kept_rollout::outside;
use crate::cli::look;
use crate::cli::sql::foreign;
use crate::io::control::{ControlCommand, ControlEvent, ControlReply, ExcludedAddress};
use crate::io::store::{Store, StoreError};
use crate::model::outlook::Outlook;
use crate::model::service_status::{STORE_BEHIND, UNANSWERED};
use crate::model::watch::Question;
use crate::target::exclusions::Exclusions;

/// Who reads the database at the same time, at most, of each length: enough clients are left to be told to stop.
const MOST_READINGS: usize = 2;
/// DuckDB goes down as deep as an expression is nested, up to a thousand times; what is not used costs nothing.
const STACK_BYTES: usize = 64 << 20;
/// Between two attempts to end a reading.
const AGAIN: Duration = Duration::from_millis(20);

/// What is being answered.
#[derive(Default)]
pub(super) struct Questions {
    asked: Vec<Question>,
    readings: Vec<Reading>,
}

/// How long a reading may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// A list or a look-up: nobody waits for it long, and it waits for none that is long.
    Short,
    /// As long as whoever asks lets it.
    Long,
}

/// A thread that reads the database.
struct Reading {
    length: Length,
    thread: JoinHandle<()>,
    interrupt: Arc<InterruptHandle>,
    /// Set before the client is told, so that whoever asks again then finds room.
    is_done: Arc<AtomicBool>,
}

impl Service {
    /// Carries out a command, or has a question answered, and sees to it that the client is told.
    pub fn answer(&mut self, event: ControlEvent, now: Moment) {
        let ControlEvent { command, who, reply, waits } = event;
        match command {
            ControlCommand::Why { address } => self.explain(address, reply),
            ControlCommand::Exclusions => self.read(Length::Short, &reply, |store| {
                let exclusions = store.exclusions()?.into_iter().map(Into::into).collect();
                Ok(ControlReply::Exclusions { exclusions })
            }),
            ControlCommand::Excluded { addresses } => {
                let exclusions = self.exclusions.current();
                self.read(Length::Short, &reply, move |store| {
                    let told = addresses.into_iter().map(|address| excluded(address, &exclusions, store));
                    Ok(ControlReply::Excluded { addresses: told.collect::<Result<_, _>>()? })
                });
            }
            ControlCommand::Complaints => self.read(Length::Short, &reply, |store| {
                let complaints = store.complaints()?.into_iter().map(Into::into).collect();
                Ok(ControlReply::Complaints { complaints })
            }),
            ControlCommand::Query { query } => match self.other_database(query.database.as_deref()) {
                Some(refusal) => tell(&reply, refusal),
                None => self.read(Length::Long, &reply, move |store| {
                    let is_wanted = move || waits.strong_count() > 0;
                    Ok(foreign::answer(store, &query, is_wanted).map_or_else(ControlReply::refused, ControlReply::Rows))
                }),
            },
            ControlCommand::Look { look } => match self.other_database(look.database.as_deref()) {
                Some(refusal) => tell(&reply, refusal),
                None => self.read(Length::Long, &reply, move |store| {
                    let is_wanted = move || waits.strong_count() > 0;
                    Ok(look::show(store, &look, is_wanted).map_or_else(ControlReply::refused, ControlReply::Seen))
                }),
            },
            ControlCommand::Forget { ranges, who } => self.forget(&ranges, who, &reply, now),
            command => tell(&reply, self.command(command, &who, now)),
        }
    }

    /// What the deciding thread is asked; given out once.
    pub fn asked(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.questions.asked)
    }

    fn explain(&mut self, address: Ipv4Addr, reply: SyncSender<ControlReply>) {
        let address = V4::from(address);
        let held_back = match self.held_back(address) {
            Ok(held_back) => held_back,
            Err(cause) => return tell(&reply, ControlReply::refused(cause.to_string())),
        };
        let watched = self.watched.targets;
        let answer = move |outlook: Option<Outlook>| {
            let known = outlook.map(|outlook| Outlook { held_back: held_back.clone(), ..outlook });
            let refusal = || ControlReply::refused(format!("{address} is not among the {watched} watched addresses"));
            tell(&reply, known.map_or_else(refusal, |outlook| ControlReply::Outlook(Box::new(outlook))));
        };
        self.questions.asked.push(Question { address, answer: Arc::new(answer) });
    }

    /// Why an address is not visited, at this moment.
    fn held_back(&self, address: V4) -> Result<Option<String>, StoreError> {
        if let Some(reason) = excluded(address.into(), &self.exclusions.current(), &self.store)?.by {
            return Ok(Some(format!("excluded ({reason})")));
        }
        let held = || Some(format!("nothing is sent ({})", self.all_holds().first()?.shown()));
        let behind = || self.watched.is_store_behind.then(|| STORE_BEHIND.to_owned());
        let unanswered = || self.watched.is_unanswered.then(|| format!("little is sent: {UNANSWERED}"));
        Ok(outside(self.rollout.share(), address).or_else(held).or_else(behind).or_else(unanswered))
    }

    /// The refusal if somebody asks for another database than the daemon's.
    fn other_database(&self, wanted: Option<&Path>) -> Option<ControlReply> {
        let own = self.store.path();
        let place = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
        let is_own = wanted.is_none_or(|wanted| place(wanted).is_some_and(|wanted| Some(wanted) == place(own)));
        (!is_own).then(|| ControlReply::Elsewhere { database: own.to_owned() })
    }

    /// Lets a thread read the database and answer.
    fn read(
        &mut self,
        length: Length,
        reply: &SyncSender<ControlReply>,
        work: impl FnOnce(&Store) -> Result<ControlReply, StoreError> + Send + 'static,
    ) {
        let readings = &mut self.questions.readings;
        readings.retain(|reading| !reading.is_done.load(Ordering::Acquire) && !reading.thread.is_finished());
        if readings.iter().filter(|reading| reading.length == length).count() >= MOST_READINGS {
            let refusal = format!("{MOST_READINGS} others read the database just now; try again");
            return tell(reply, ControlReply::refused(refusal));
        }
        let store = match self.store.another() {
            Ok(store) => store,
            Err(cause) => return tell(reply, ControlReply::refused(cause.to_string())),
        };
        let interrupt = store.connection().interrupt_handle();
        let (own, is_done) = (reply.clone(), Arc::new(AtomicBool::new(false)));
        let done = Arc::clone(&is_done);
        let work = move || {
            let answer = work(&store).unwrap_or_else(|cause| ControlReply::refused(cause.to_string()));
            drop(store);
            done.store(true, Ordering::Release);
            tell(&own, answer);
        };
        match thread::Builder::new().name("reading".to_owned()).stack_size(STACK_BYTES).spawn(work) {
            Ok(thread) => readings.push(Reading { length, thread, interrupt, is_done }),
            Err(cause) => tell(reply, ControlReply::refused(format!("cannot start a thread: {cause}"))),
        }
    }
}

/// Whether an address is excluded; of what is stored its reason is told.
fn excluded(address: Ipv4Addr, exclusions: &Exclusions, store: &Store) -> Result<ExcludedAddress, StoreError> {
    let own = V4::from(address);
    let by = match exclusions.reason(own) {
        Some(origin) => Some(store.exclusion_of(own)?.map_or(origin, |entry| entry.reason)),
        None => None,
    };
    Ok(ExcludedAddress { address: address.to_string(), by, only_as_special: exclusions.only_as_special(own) })
}

/// The client may have gone.
pub(super) fn tell(client: &SyncSender<ControlReply>, answer: ControlReply) {
    let _ = client.try_send(answer);
}

impl Drop for Questions {
    /// The database is not closed while somebody reads it.
    fn drop(&mut self) {
        for Reading { thread, interrupt, .. } in self.readings.drain(..) {
            while !thread.is_finished() {
                interrupt.interrupt();
                thread::sleep(AGAIN);
            }
            // A reading that panicked has answered nobody; there is nothing left to do about it.
            let _ = thread.join();
        }
    }
}
