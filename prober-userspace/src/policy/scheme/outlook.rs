//! What is known of an address and what comes next there, gathered for people: the same for a watch that runs and for what
//! one has stored.

use prober_common::address::V4;

use super::Scheme;
use crate::model::outlook::Outlook;
use crate::policy::interval::LADDER_S;
use crate::policy::planner::WallTime;
use crate::policy::target_state::{Standing, TargetState};

/// From where it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Name of the scheme.
    pub scheme: &'a str,
    /// How the watch's seconds lie in the wall clock's time.
    pub wall: WallTime,
    /// Where the watch's clock stands, s.
    pub now_s: u32,
}

impl Scheme {
    /// What is known of an address and what comes next; `device` is the name of the device that its state gives by number.
    /// Whether anything holds its visits back, and whether one is under way, is for the caller to add.
    pub fn outlook(&self, state: &TargetState, device: Option<&str>, view: View<'_>) -> Outlook {
        let wall = |at_s: u32| view.wall.at(at_s).to_string();
        // What is overdue is visited now, at the earliest.
        let visit = self.visit(state, state.due_s.max(view.now_s));
        let mut ports: Vec<u16> =
            visit.sets.iter().flat_map(|set| set.iter()).chain(visit.more.iter().copied()).collect();
        ports.sort_unstable();
        let was_visited = state.visited_s != TargetState::NEVER;
        let interval_s = if was_visited { state.due_s.saturating_sub(state.visited_s) } else { LADDER_S[0] };
        Outlook {
            address: V4(state.address).to_string(),
            scheme: view.scheme.to_owned(),
            standing: name_of(state.standing()).to_owned(),
            device: device.map(str::to_owned),
            open_ports: self.open_ports(state.address).to_vec(),
            visited_at: was_visited.then(|| wall(state.visited_s)),
            due_at: wall(state.due_s),
            overdue: state.due_s < view.now_s,
            under_way: false,
            interval_hours: f64::from(interval_s) / 3_600.0,
            held_back: None,
            cluster: state.cluster.checked_sub(1),
            probes: visit.probes(),
            ports,
            reasons: self.reasons(state),
        }
    }
}

const fn name_of(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::Silent => "silent",
        Standing::Gone => "gone",
        Standing::Answering => "answering",
        Standing::Honeypot => "honeypot",
        Standing::Device(_) => "device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::utc::UtcMicros;

    #[test]
    fn what_is_overdue_is_told_and_times_are_the_walls() {
        let scheme = Scheme::Standard([80, 22].into_iter().collect());
        let began_at = UtcMicros(1_700_000_000_000_000);
        let view = |now_s| View { scheme: "standard", wall: WallTime { began_at, scale: 2.0 }, now_s };
        let mut state = TargetState::new(0x1400_0001, 90);
        state.visited_s = 30;
        state.set_standing(Standing::Device(3));
        state.cluster = 5;
        let outlook = scheme.outlook(&state, Some("Example CAM"), view(90));
        assert_eq!((outlook.address.as_str(), outlook.standing.as_str()), ("20.0.0.1", "device"));
        assert_eq!((outlook.device.as_deref(), outlook.cluster), (Some("Example CAM"), Some(4)));
        assert_eq!(outlook.due_at, "2023-11-14T22:14:05.000000Z", "90 seconds of its clock are 45");
        assert_eq!(outlook.visited_at.as_deref(), Some("2023-11-14T22:13:35.000000Z"));
        assert!(!outlook.overdue && (outlook.interval_hours - 1.0 / 60.0).abs() < 1e-12);
        assert_eq!((outlook.ports, outlook.probes), (vec![22, 80], 2));
        assert!(scheme.outlook(&state, None, view(91)).overdue);
        assert_eq!(scheme.outlook(&TargetState::new(1, 0), None, view(0)).visited_at, None);
    }
}
