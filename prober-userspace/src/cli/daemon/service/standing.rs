//! How everything stands: what `prober status` shows and the figures are made of.

use std::path::Path;

use super::{Moment, Service};
use crate::engine::housekeeping::Housekeeping;
use crate::io::process;
use crate::model::service_status::{
    ExclusionStatus, Hold, RolloutStatus, ServiceStatus, SignatureStatus, SourceStatus, UpkeepStatus,
};

impl Service {
    /// How everything stands.
    pub fn status(&self, now: Moment) -> ServiceStatus {
        let exclusions = self.exclusions.current();
        let state = self.rollout.state();
        ServiceStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: now.uptime.as_secs_f64(),
            holds: self.all_holds(),
            kill_switch_problem: self.switch_problem.clone(),
            configuration: SourceStatus {
                file: self.file.display().to_string(),
                loaded_at: self.loaded_at.to_string(),
                problems: self.problems.clone(),
            },
            exclusions: ExclusionStatus {
                addresses: exclusions.addresses().len(),
                ranges: exclusions.addresses().range_count(),
                loaded_at: self.exclusions_loaded_at.to_string(),
                problem: self.watch.problem().map(str::to_owned),
            },
            signatures: SignatureStatus {
                devices: self.config.signatures.devices().len(),
                version: self.config.signatures.version().to_string(),
            },
            rollout: RolloutStatus {
                share: self.rollout.share().size(),
                step: state.step + 1,
                steps: self.config.settings.rollout.steps.len(),
                errors: (state.recent.share() * 1e6).round() / 1e6,
                complaints: state.complaints,
                halt: state.halt.map(|halt| halt.to_string()),
            },
            upkeep: self.upkeep(),
            watch: self.watched.clone(),
        }
    }

    /// Why nothing is sent, whoever holds it back.
    pub(super) fn all_holds(&self) -> Vec<Hold> {
        self.holds().into_iter().chain(self.watched.link_down.then_some(Hold::LinkDown)).collect()
    }

    fn upkeep(&self) -> UpkeepStatus {
        let mut log = self.store.path().as_os_str().to_owned();
        log.push(".wal");
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        UpkeepStatus {
            started_at_s: self.started_at.0.div_euclid(1_000_000),
            resident_bytes: process::resident_bytes().unwrap_or(0),
            database_bytes: size(self.store.path()) + size(Path::new(&log)),
            nightly_under_way: self.nightly.as_ref().is_some_and(Housekeeping::is_working),
            learnt_at_s: self.nightly.as_ref().and_then(Housekeeping::learnt_at_s),
            exported_at_s: self.nightly.as_ref().and_then(Housekeeping::exported_at_s),
            retired_at_s: self.nightly.as_ref().and_then(Housekeeping::retired_at_s),
        }
    }
}
