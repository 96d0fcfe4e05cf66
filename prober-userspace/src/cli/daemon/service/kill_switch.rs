//! The kill switch: a file that holds all sending back while it is there, or while that cannot be told.

use super::{Service, WHO};
use crate::io::kill_switch;
use crate::model::utc::UtcMicros;

impl Service {
    pub(super) fn look_at_kill_switch(&mut self, now: UtcMicros) {
        let path = &self.config.settings.kill_switch;
        let (stops, problem) = match kill_switch::is_there(path) {
            Ok(is_there) => (is_there, None),
            Err(reason) => (true, Some(reason)),
        };
        let problem_before = std::mem::replace(&mut self.switch_problem, problem);
        if stops == std::mem::replace(&mut self.killed, stops) && self.switch_problem == problem_before {
            return;
        }
        match &self.switch_problem {
            Some(problem) => log::error!("kill switch: {problem}; nothing is sent until it is surely not there"),
            None if stops => {
                log::warn!("kill switch: {} is there, nothing is sent until it is removed", path.display());
            }
            None => log::info!("kill switch: {} is gone", path.display()),
        }
        let detail = serde_json::json!({ "file": path, "stops": stops, "problem": self.switch_problem });
        self.note(now, WHO, "daemon.kill_switch", &detail);
    }
}
