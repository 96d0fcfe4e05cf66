//! Banners that come after their visit was decided: when a country is seen for the first time, ports wait longer to be asked
//! than a visit waits. What they say names the device all the same.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use prober_common::address::V4;

use super::Watch;
use super::devices::Said;
use crate::io::grab::Asked;

/// How long banners are waited for after a visit.
const PATIENCE: Duration = Duration::from_hours(1);
/// Addresses that are waited for at most: as many as there are ports that may wait to be asked.
const MOST: usize = 1 << 17;
/// Text of all of them together at most.
const MOST_BYTES: usize = 64 << 20;
/// Named together, so that nothing else waits for it long.
const TOGETHER: usize = 1_024;

/// Addresses with banners that are still to come.
#[derive(Default)]
pub(super) struct Late {
    owed: HashMap<V4, Owed>,
    /// Until when each is waited for, in that order; those that were heard out or are owed anew are in it too.
    until: VecDeque<(Instant, V4)>,
    /// Nothing more is awaited of these.
    ready: Vec<V4>,
    bytes: usize,
    /// Since when nobody is asked: that time does not count.
    held_since: Option<Instant>,
}

struct Owed {
    /// Of its state.
    number: u32,
    open: Vec<u16>,
    texts: Vec<Vec<u8>>,
    /// Ports that were asked and have not been heard.
    left: Vec<u16>,
    until: Instant,
}

impl Late {
    /// These of the address's ports are asked and were not heard; this is what the others said.
    pub(super) fn owe(&mut self, number: u32, said: Said, left: Vec<u16>, now: Instant) {
        let Said { address, open, texts } = said;
        self.forget(address);
        let bytes: usize = texts.iter().map(Vec::len).sum();
        if self.owed.len() >= MOST || self.bytes + bytes > MOST_BYTES {
            return;
        }
        self.bytes += bytes;
        let until = self.held_since.unwrap_or(now) + PATIENCE;
        self.owed.insert(address, Owed { number, open, texts, left, until });
        self.until.push_back((until, address));
    }

    /// From now on nobody is asked, or again; so long nobody's time passes.
    pub(super) fn hold(&mut self, is_held: bool, now: Instant) {
        if is_held {
            self.held_since.get_or_insert(now);
        } else if let Some(since) = self.held_since.take() {
            let passed = now.saturating_duration_since(since);
            let untils = self.until.iter_mut().map(|(until, _)| until);
            untils.chain(self.owed.values_mut().map(|owed| &mut owed.until)).for_each(|until| *until += passed);
        }
    }

    /// A port has been dealt with: what it said, if it is one that is awaited.
    pub(super) fn note(&mut self, asked: Asked) {
        let Asked { address, port, banners, .. } = asked;
        let Some(owed) = self.owed.get_mut(&address) else { return };
        let Some(place) = owed.left.iter().position(|left| *left == port) else { return };
        owed.left.swap_remove(place);
        for text in banners.into_iter().map(|banner| banner.text).filter(|text| !text.is_empty()) {
            if self.bytes + text.len() <= MOST_BYTES {
                self.bytes += text.len();
                owed.texts.push(text);
            }
        }
        if owed.left.is_empty() {
            self.ready.push(address);
        }
    }

    /// Nothing more of it is waited for; what it said.
    pub(super) fn forget(&mut self, address: V4) -> Option<(u32, Said)> {
        let Owed { number, open, texts, .. } = self.owed.remove(&address)?;
        self.bytes -= texts.iter().map(Vec::len).sum::<usize>();
        Some((number, Said { address, open, texts }))
    }

    /// Some of those that have said something and of which nothing more is awaited, with the numbers of their states. Those
    /// that are visited just now come later.
    pub(super) fn take(&mut self, now: Instant, is_visited: impl Fn(V4) -> bool) -> Vec<(u32, Said)> {
        let now = self.held_since.unwrap_or(now);
        while let Some((_, address)) = self.until.pop_front_if(|(until, _)| *until <= now) {
            self.ready.push(address);
        }
        let mut taken = Vec::new();
        for address in std::mem::take(&mut self.ready) {
            // It may have been owed anew since.
            let is_over = self.owed.get(&address).is_some_and(|owed| owed.left.is_empty() || owed.until <= now);
            if is_over && (taken.len() >= TOGETHER || is_visited(address)) {
                self.ready.push(address);
            } else if is_over {
                taken.extend(self.forget(address).filter(|(_, said)| !said.texts.is_empty()));
            }
        }
        taken
    }
}

impl Watch<'_> {
    /// Names the devices whose banners have come late; whether there were any.
    pub(super) fn name_late(&mut self) -> anyhow::Result<bool> {
        if !self.saving.keeper().has_room() {
            return Ok(false);
        }
        let is_visited = |address| self.visits.is_under_way(address) || self.asking.contains_key(&address);
        let (numbers, said): (Vec<u32>, Vec<Said>) = self.late.take(Instant::now(), is_visited).into_iter().unzip();
        if said.is_empty() {
            return Ok(false);
        }
        let estimated = self.devices.estimate(&said);
        for (number, said) in numbers.iter().zip(&said) {
            let device = self.devices.number_among(&estimated, said.address, &said.open, None);
            if device.is_some_and(|device| self.planner.name(*number, device)) {
                self.saving.note(&self.planner, *number);
            }
        }
        self.keep_estimates(estimated, said.len())?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, Transport};
    use crate::model::utc::UtcMicros;

    fn asked(last: u32, port: u16, texts: &[&str]) -> Asked {
        let banner = |text: &&str| Banner {
            address: V4(last),
            port,
            transport: Transport::Tcp,
            protocol: BannerProtocol::Http,
            outcome: GrabOutcome::Answered,
            truncated: false,
            text: text.as_bytes().to_vec(),
            grabbed_at: UtcMicros(0),
            duration_us: 0,
            received_bytes: 0,
            sent_bytes: 0,
            connections: 1,
        };
        Asked { address: V4(last), transport: Transport::Tcp, port, banners: texts.iter().map(banner).collect() }
    }

    fn said(last: u32, texts: &[&str]) -> Said {
        Said { address: V4(last), open: vec![80], texts: texts.iter().map(|text| text.as_bytes().to_vec()).collect() }
    }

    fn taken(late: &mut Late, now: Instant, visited: u32) -> Vec<(u32, usize)> {
        let mut taken: Vec<_> = late.take(now, |address| address.0 == visited).into_iter().collect();
        taken.sort_by_key(|(number, _)| *number);
        taken.into_iter().map(|(number, said)| (number, said.texts.len())).collect()
    }

    #[test]
    fn what_was_heard_out_is_given_once_and_not_during_a_visit() {
        let (mut late, now) = (Late::default(), Instant::now());
        late.owe(1, said(1, &["SSH-2.0-x"]), vec![80, 443], now);
        late.owe(2, said(2, &[]), vec![80], now);
        late.owe(3, said(3, &[]), vec![80], now);
        late.note(asked(1, 80, &["Server: x"]));
        late.note(asked(1, 80, &["Server: x"]));
        late.note(asked(1, 22, &["SSH-2.0-x"]));
        late.note(asked(2, 80, &["certificate", "Server: y"]));
        late.note(asked(3, 80, &[""]));
        late.note(asked(4, 80, &["nobody is owed this"]));
        assert_eq!(taken(&mut late, now, 2), [], "of 1 the port 443 is awaited, 2 is visited, 3 said nothing");
        // It could not be asked.
        late.note(asked(1, 443, &[]));
        assert_eq!(taken(&mut late, now, 0), [(1, 2), (2, 2)]);
        assert_eq!(taken(&mut late, now + PATIENCE, 0), []);
        assert_eq!((late.owed.len(), late.until.len(), late.bytes), (0, 0, 0));
    }

    #[test]
    fn while_nobody_is_asked_nobody_is_given_up() {
        let (mut late, now) = (Late::default(), Instant::now());
        let patience = |times: u32| now + PATIENCE * times / 2;
        late.owe(1, said(1, &["x"]), vec![80], now);
        late.hold(true, patience(1));
        late.owe(2, said(2, &["x"]), vec![80], patience(2));
        late.owe(3, said(3, &["x"]), vec![80], patience(2));
        late.note(asked(3, 80, &[]));
        assert_eq!(taken(&mut late, patience(9), 0), [(3, 1)], "it was being asked when the hold began");
        late.hold(false, patience(9));
        // Of its time 1 had waited half before the hold, and 2 none.
        assert_eq!(taken(&mut late, patience(10).checked_sub(Duration::from_secs(1)).unwrap(), 0), []);
        assert_eq!(taken(&mut late, patience(10), 0), [(1, 1)]);
        assert_eq!(taken(&mut late, patience(11), 0), [(2, 1)]);
    }

    #[test]
    fn nobody_is_waited_for_without_an_end_or_without_a_bound() {
        let (mut late, now) = (Late::default(), Instant::now());
        late.owe(1, said(1, &["SSH-2.0-x"]), vec![80, 81], now);
        late.owe(2, said(2, &[]), vec![80, 81], now);
        late.owe(3, said(3, &["gone"]), vec![80], now);
        assert_eq!(late.forget(V4(3)).map(|(number, _)| number), Some(3));
        // Visited again: from now on.
        late.owe(1, said(1, &["SSH-2.0-y", "z"]), vec![80, 81], now + PATIENCE / 2);
        assert_eq!(taken(&mut late, now + PATIENCE, 0), []);
        assert_eq!(taken(&mut late, now + PATIENCE * 3 / 2, 0), [(1, 2)]);
        let long = "x".repeat(MOST_BYTES - 8);
        late.owe(4, said(4, &[&long]), vec![80], now);
        late.owe(5, said(5, &["123456789"]), vec![80], now);
        late.owe(6, said(6, &["12345678"]), vec![80], now);
        late.note(asked(6, 80, &["9"]));
        assert!(late.owed.contains_key(&V4(4)) && !late.owed.contains_key(&V4(5)), "there is no room for it");
        assert_eq!(taken(&mut late, now, 0), [(6, 1)], "nor for what 6 says now");
    }
}
