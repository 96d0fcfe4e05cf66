//! What is usual of each address that answered. Of those that find no room every answer is as the first.

use hashbrown::HashMap;

use super::usual::{LateShare, UsualDelay};

/// More than a country has answering addresses: 60 MB.
const MOST_HOSTS: usize = (1 << 22) / 8 * 7;
/// As if so many answers of the address had been late as often as the network's.
const NETWORK_ANSWERS: f32 = 4.0;

/// One address: 12 bytes with its number.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Up to what its answers are in time.
    pub delay: UsualDelay,
    answers: u8,
    late: u8,
}

const _: () = assert!(size_of::<(u32, Host)>() == 12);

impl Host {
    /// How often it is late without any reason, out of itself and its network. Of n + 2 answers in any order the last is the
    /// longest once in n + 2 times, whatever the host is like: so much at least.
    pub fn late_share(self, network: LateShare) -> f32 {
        let answers = f32::from(self.answers);
        let late = f32::from(self.late) + NETWORK_ANSWERS * network.share();
        LateShare::bounded((late / (answers + NETWORK_ANSWERS)).max(1.0 / (answers + 2.0)))
    }

    /// Takes an answer in.
    pub fn count(&mut self, is_late: bool) {
        if self.answers == u8::MAX {
            self.answers /= 2;
            self.late /= 2;
        }
        self.answers += 1;
        self.late += u8::from(is_late);
    }
}

/// All addresses.
#[derive(Debug, Default)]
pub struct Hosts {
    of_address: HashMap<u32, Host>,
}

impl Hosts {
    /// An address that has answered before.
    pub fn get(&mut self, address: u32) -> Option<&mut Host> {
        self.of_address.get_mut(&address)
    }

    /// An address answers for the first time.
    pub fn enter(&mut self, address: u32, delay_s: f32) {
        if self.of_address.len() < MOST_HOSTS {
            self.of_address.insert(address, Host { delay: UsualDelay::beginning(delay_s), answers: 0, late: 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_an_address_follows_its_own_answers_in_the_end() {
        let mut hosts = Hosts::default();
        assert!(hosts.get(7).is_none());
        hosts.enter(7, 0.25);
        let host = hosts.get(7).expect("it is there");
        assert!((host.late_share(LateShare::default()) - 0.5).abs() < 1e-6);
        (0..8).for_each(|_| host.count(false));
        assert!((host.late_share(LateShare::default()) - 0.1).abs() < 1e-6);
        for index in 0..600 {
            host.count(index % 2 == 0);
        }
        assert!((host.late_share(LateShare::default()) - 0.5).abs() < 0.03);
    }
}
