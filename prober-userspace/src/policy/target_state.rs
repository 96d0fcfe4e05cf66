//! What the planner keeps of every address it watches: 20 bytes, and 4 in the queue of due times, so that a country of 150 million fits in memory. The open
//! ports of the few that answer, and everything that happened before, are kept elsewhere.

use super::interval::Step;

/// What is known of an address, as far as it decides on ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Never visited, or to be visited on the standard set again.
    #[default]
    New,
    /// Nothing has answered.
    Silent,
    /// Silent now, but it has answered within the time that a place is kept.
    Gone,
    /// Answers, and no device is known behind it.
    Answering,
    /// Answers, and its device is known: its number.
    Device(u16),
    /// As many open ports as a honeypot has.
    Honeypot,
}

/// The state of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TargetState {
    /// The IPv4 address.
    pub address: u32,
    /// When the next visit is due, in seconds since the planner's beginning.
    pub due_s: u32,
    /// Of the last visit, in seconds since the planner's beginning; `NEVER` if there was none.
    pub visited_s: u32,
    /// Hash of the open ports that the last visit found; 0 for none.
    pub fingerprint: u32,
    /// Group whose access network is spared as one.
    pub cluster: u16,
    /// 3 bits of the step above 13 of the standing, in which a device has its number plus `DEVICE`.
    step_and_standing: u16,
}

const _: () = assert!(size_of::<TargetState>() == 20);

impl TargetState {
    /// Stands for a visit that never was.
    pub const NEVER: u32 = u32::MAX;

    /// An address that was never visited.
    pub const fn new(address: u32, due_s: u32) -> Self {
        Self { address, due_s, visited_s: Self::NEVER, fingerprint: 0, cluster: 0, step_and_standing: 0 }
    }
}

const STANDING_BITS: u16 = 13;
const STANDING: u16 = (1 << STANDING_BITS) - 1;
/// Where devices begin.
const DEVICE: u16 = 5;

impl TargetState {
    /// The highest number of a device.
    pub const DEVICES_MAX: u16 = STANDING - DEVICE;

    /// What is known of the address.
    pub fn standing(&self) -> Standing {
        match self.step_and_standing & STANDING {
            0 => Standing::New,
            1 => Standing::Silent,
            2 => Standing::Gone,
            3 => Standing::Answering,
            4 => Standing::Honeypot,
            device => Standing::Device(device - DEVICE),
        }
    }

    /// Takes note of it. Devices above `DEVICES_MAX` count as answering.
    pub fn set_standing(&mut self, standing: Standing) {
        let number = match standing {
            Standing::New => 0,
            Standing::Silent => 1,
            Standing::Gone => 2,
            Standing::Honeypot => 4,
            Standing::Device(device) if device <= Self::DEVICES_MAX => DEVICE + device,
            Standing::Answering | Standing::Device(_) => 3,
        };
        self.step_and_standing = self.step_and_standing & !STANDING | number;
    }

    /// What is known of the address, as one number that never changes its meaning: 0 new, 1 silent, 2 gone, 3 answering,
    /// 4 honeypot, 5 and more: device of the number less 5.
    pub fn standing_number(&self) -> u16 {
        self.step_and_standing & STANDING
    }

    /// Sets both from stored numbers.
    pub fn set_stored(&mut self, step: u8, standing: u16) {
        self.set_step(Step::new(step));
        self.step_and_standing = self.step_and_standing & !STANDING | standing.min(STANDING);
    }

    /// On which rung of the ladder.
    pub fn step(&self) -> Step {
        Step::new((self.step_and_standing >> STANDING_BITS) as u8)
    }

    /// Moves to a rung.
    pub fn set_step(&mut self, step: Step) {
        self.step_and_standing = self.step_and_standing & STANDING | u16::from(step.number()) << STANDING_BITS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_and_step_do_not_disturb_each_other() {
        let mut state = TargetState::new(0xc000_0201, 7);
        assert_eq!((state.standing(), state.step()), (Standing::New, Step::FIRST));
        for step in 0..7 {
            for standing in [
                Standing::New,
                Standing::Silent,
                Standing::Gone,
                Standing::Answering,
                Standing::Honeypot,
                Standing::Device(0),
                Standing::Device(TargetState::DEVICES_MAX),
            ] {
                state.set_step(Step::new(step));
                state.set_standing(standing);
                assert_eq!((state.standing(), state.step().number()), (standing, step));
            }
        }
        state.set_standing(Standing::Device(TargetState::DEVICES_MAX + 1));
        assert_eq!(state.standing(), Standing::Answering);
    }
}
