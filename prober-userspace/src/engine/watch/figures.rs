//! How a watch goes: the status that its overseer sees, the clock that is stored, the rates that follow the time of day.

use std::time::Instant;

use prober_common::event::ReplyKind;

use super::{RATES_EVERY, SAMPLE_EVERY, Watch};
use crate::io::clock::utc_now;
use crate::io::store::WatchClock;
use crate::io::sys::monotonic_ns;
use crate::model::status::{Phase, StatusSample};
use crate::model::watch::WatchStatus;

impl Watch<'_> {
    pub(super) fn watch_clock(&self) -> WatchClock {
        WatchClock {
            began_at: self.clock.began_at(),
            clock_s: self.clock.now_s(monotonic_ns()) as u32,
            time_scale: self.config.time_scale,
            scheme: self.config.scheme.kind.name().to_owned(),
            settings: self.settings.clone(),
            learnt: self.planner.scheme().learnt(),
        }
    }

    pub(super) fn sample(&mut self) -> anyhow::Result<()> {
        if let Some(error) = self.saving.keeper().failure() {
            return Err(error.into());
        }
        if self.sampled.elapsed() >= SAMPLE_EVERY {
            self.sampled = Instant::now();
            self.sample = self.session.tick()?;
        }
        if self.clock.follow(utc_now(), monotonic_ns()) {
            log::warn!("the clock of this host was set: hours of the day are counted by it from now on");
            self.planner.set_wall(self.clock.wall());
            self.rated = None;
        }
        self.set_cluster_rates()?;
        let is_store_behind = self.is_store_behind();
        if is_store_behind != self.status.is_store_behind {
            if is_store_behind {
                log::error!(
                    "the database takes the states of the targets too slowly: {} wait, and no visits are begun until it has \
                     taken them",
                    self.saving.waiting()
                );
            } else {
                log::info!("the database has taken the states that waited, visits go on");
            }
        }
        let now_s = self.clock.now_s(monotonic_ns());
        let admitted = self.gate.admitted(&self.config.targets);
        self.status = WatchStatus {
            clock_s: now_s as u32,
            targets: self.planner.states().len() as u64,
            standings: self.planner.standings(),
            plan: self.planner.status(now_s, self.config.time_scale, admitted),
            visits_under_way: (self.visits.len() + self.asking.len()) as u64,
            is_store_behind,
            states_waiting: self.saving.waiting() as u64,
            states_saved: self.saving.keeper().saved(),
            replies_unmatched: self.visits.unmatched(),
            replies_missed: self.sample.missed,
            probing: self.probing(if self.is_held { Phase::Paused } else { Phase::Sending }),
            ..std::mem::take(&mut self.status)
        };
        Ok(())
    }

    /// Clusters' rates follow the time of day, which in compressed time passes as fast as everything else.
    pub(super) fn set_cluster_rates(&mut self) -> anyhow::Result<()> {
        let scale = self.config.time_scale;
        if self.rated.is_some_and(|rated| rated.elapsed() < RATES_EVERY.div_f64(scale.max(1.0))) {
            return Ok(());
        }
        self.rated = Some(Instant::now());
        let mut limits = Vec::new();
        for (cluster, pps) in self.planner.rates_at(self.clock.wall().date_of(utc_now())) {
            self.planner.set_cluster_rate(cluster, pps);
            limits.push((u32::from(cluster), pps * scale));
        }
        Ok(self.ends.errands.limit_groups(limits)?)
    }

    pub(super) fn probing(&self, phase: Phase) -> StatusSample {
        let sample = &self.sample;
        StatusSample {
            t_s: self.started.elapsed().as_secs_f64(),
            phase,
            sent: sample.sent,
            planned: sample.sent,
            rate_pps: sample.rate_pps,
            target_pps: sample.target_pps,
            replies: sample.replies.clone(),
            duplicates: sample.duplicates,
            hit_rate: if sample.sent == 0 {
                0.0
            } else {
                sample.replies.of(ReplyKind::SynAck) as f64 / sample.sent as f64
            },
            drops: sample.drops.clone(),
            eta_s: None,
            grab: sample.grab,
        }
    }
}
