//! Every counter of a running scan in one place: what the kernel, the senders and the receiver counted, as the store
//! records it and as the progress line shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use prober_common::counter::Counter;

use super::sender::total;
use super::shared::SendCounts;
use crate::io::store::{CounterRole, CounterValue};
use crate::io::xdp::Counters;
use crate::target::brakes::BrakeCounts;

/// A reading of all counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    kernel: [u64; Counter::COUNT],
    /// Probes that left.
    pub sent: u64,
    /// Probes held back by the check before the wire.
    pub excluded: u64,
    /// Of the probes that left, those that may not have come further than the interface.
    pub link_lost: u64,
}

impl Reading {
    /// Reads them.
    pub fn take(kernel: &Counters, senders: &[Arc<SendCounts>]) -> Self {
        Self {
            kernel: kernel.read(),
            sent: total(senders, |count| &count.sent),
            excluded: total(senders, |count| &count.excluded),
            link_lost: total(senders, |count| &count.link_lost),
        }
    }

    /// One of the kernel's.
    pub fn kernel(&self, counter: Counter) -> u64 {
        self.kernel[counter as usize]
    }

    /// Replies lost before they reached the writer.
    pub fn lost(&self) -> u64 {
        self.kernel(Counter::RingFull)
    }

    /// What is lost, by reason, for the progress line.
    pub fn drops(&self, store_failed: u64) -> BTreeMap<String, u64> {
        [("ring_full", self.kernel(Counter::RingFull)), ("store_failed", store_failed), ("excluded", self.excluded)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }

    /// As the store records them, with what became of the brakes.
    pub fn values(&self, brakes: BrakeCounts) -> Vec<CounterValue> {
        let own = [
            CounterValue {
                name: "sent",
                role: CounterRole::Sent,
                value: self.sent,
                meaning: "probes that the kernel took for sending",
            },
            CounterValue {
                name: "excluded_before_wire",
                role: CounterRole::Info,
                value: self.excluded,
                meaning: "probes to excluded addresses stopped by the last check (must be 0)",
            },
            CounterValue {
                name: "sent_link_down",
                role: CounterRole::Info,
                value: self.link_lost,
                meaning: "of the sent ones, those that the kernel had when the interface went down: they may not have left",
            },
            CounterValue {
                name: "pace_backed_off",
                role: CounterRole::Info,
                value: brakes.tightened,
                meaning: "times that the rate into a /24 was cut because delays there rose",
            },
            CounterValue {
                name: "pace_recovered",
                role: CounterRole::Info,
                value: brakes.loosened,
                meaning: "times that the rate into a /24 was raised again towards its limit",
            },
            CounterValue {
                name: "pace_crowded",
                role: CounterRole::Info,
                value: brakes.crowded,
                meaning: "brakes of a /24 that slowed other /24s as well, for want of a place of their own",
            },
            CounterValue {
                name: "pace_unwatched",
                role: CounterRole::Info,
                value: brakes.unwatched,
                meaning: "/24s with answers whose delays were not watched, as too many were watched already",
            },
        ];
        let kernel = Counter::ALL.into_iter().map(|counter| {
            let (role, meaning) = describe(counter);
            CounterValue { name: counter.name(), role, value: self.kernel(counter), meaning }
        });
        own.into_iter().chain(kernel).collect()
    }
}

fn describe(counter: Counter) -> (CounterRole, &'static str) {
    use CounterRole::{Accepted, Info, Loss};
    match counter {
        Counter::Accepted => (Accepted, "replies whose token verified in the kernel"),
        Counter::RingFull => (Loss, "accepted replies that found the kernel's ring full"),
        Counter::RstSent => (Info, "RSTs that closed half-open connections"),
        Counter::NotIpv4 => (Info, "frames that are not IPv4, passed on"),
        Counter::NotOurAddress => (Info, "IPv4 packets to other addresses, passed on"),
        Counter::Truncated => (Info, "packets too short for their headers, passed on"),
        Counter::Fragment => (Info, "IP fragments, passed on"),
        Counter::Foreign => (Info, "packets that no probe of ours provokes, passed on"),
        Counter::BadToken => (Info, "packets like replies whose token is wrong: stray, forged or too late; passed on"),
    }
}
