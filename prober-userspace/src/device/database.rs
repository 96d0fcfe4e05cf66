//! The devices of all signature files together, and which of them each distinct keyword speaks for.

use std::collections::HashMap;

use super::signature::{self, FaultReason, SignatureFault};
use crate::model::device::{Device, DeviceId};
use crate::target::splitmix::Digest;

/// A distinct pattern of a database: its place in [`Database::patterns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeywordId(pub u32);

/// Where a distinct pattern is a keyword.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeywordUse {
    /// Of which device.
    pub device: DeviceId,
    /// Its place among the device's keywords.
    pub place: u16,
    /// Its weight there.
    pub weight: f64,
}

/// A hash of everything that decides estimates; another database has another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseVersion(pub u64);

impl std::fmt::Display for DatabaseVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Devices and their distinct keywords.
#[derive(Clone, Debug, Default)]
pub struct Database {
    devices: Vec<Device>,
    patterns: Vec<String>,
    uses: Vec<Vec<KeywordUse>>,
    version: DatabaseVersion,
}

impl Database {
    /// Reads signature files, each with its name. What has no fault is in the database; whether that will do is the
    /// caller's to say.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, Vec<SignatureFault>) {
        let (mut devices, mut faults) = (Vec::new(), Vec::new());
        for (file, text) in files {
            let (of_file, of_faults) = signature::parse(file, text);
            devices.extend(of_file);
            faults.extend(of_faults);
        }
        let (database, duplicates) = Self::of(devices);
        faults.extend(duplicates);
        (database, faults)
    }

    /// From devices; of those with the same maker and name the first is taken, the others are faults.
    pub fn of(devices: Vec<Device>) -> (Self, Vec<SignatureFault>) {
        let mut database = Self::default();
        let mut faults = Vec::new();
        let mut known: HashMap<(Option<String>, String), usize> = HashMap::new();
        for device in devices {
            let key = (device.maker.clone(), device.name.clone());
            if let Some(first) = known.get(&key) {
                let first = database.devices[*first].place.clone();
                let reason = FaultReason::SameDevice { title: device.title(), first };
                faults.push(SignatureFault { place: device.place, reason });
                continue;
            }
            known.insert(key, database.devices.len());
            database.devices.push(device);
        }
        database.index();
        (database, faults)
    }

    /// The devices; a [`DeviceId`] is a place here.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// A device of this database.
    pub fn device(&self, id: DeviceId) -> &Device {
        &self.devices[id.0 as usize]
    }

    /// The distinct patterns of all keywords; a [`KeywordId`] is a place here.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// The devices that a keyword speaks for.
    pub fn uses(&self, keyword: KeywordId) -> &[KeywordUse] {
        &self.uses[keyword.0 as usize]
    }

    /// Which database this is.
    pub fn version(&self) -> DatabaseVersion {
        self.version
    }

    fn index(&mut self) {
        let mut ids: HashMap<&str, usize> = HashMap::new();
        let (mut patterns, mut uses) = (Vec::new(), Vec::<Vec<KeywordUse>>::new());
        for (number, device) in self.devices.iter().enumerate() {
            for (place, keyword) in device.keywords.iter().enumerate() {
                let id = *ids.entry(&keyword.pattern).or_insert_with(|| {
                    patterns.push(keyword.pattern.clone());
                    uses.push(Vec::new());
                    patterns.len() - 1
                });
                let device = DeviceId(number as u32);
                uses[id].push(KeywordUse { device, place: place as u16, weight: keyword.weight });
            }
        }
        self.version = version_of(&self.devices);
        self.patterns = patterns;
        self.uses = uses;
    }
}

/// Sources, examples and places do not decide estimates and are left out.
fn version_of(devices: &[Device]) -> DatabaseVersion {
    let mut digest = Digest::new(0x6465_7669_6365_0001);
    for device in devices {
        add_text(&mut digest, device.maker.as_deref().unwrap_or_default());
        add_text(&mut digest, &device.name);
        add_text(&mut digest, device.kind.map_or("", crate::model::device::Kind::name));
        add_text(&mut digest, device.model.as_deref().unwrap_or_default());
        add_text(&mut digest, device.version.as_deref().unwrap_or_default());
        digest.add(device.ports.len() as u64);
        for port in &device.ports {
            digest.add((port.kind as u64) << 16 | u64::from(port.port));
        }
        digest.add(device.keywords.len() as u64);
        for keyword in &device.keywords {
            add_text(&mut digest, &keyword.pattern);
            digest.add(keyword.weight.to_bits());
        }
    }
    DatabaseVersion(digest.value())
}

fn add_text(digest: &mut Digest, text: &str) {
    digest.add(text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        digest.add(u64::from_le_bytes(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "maker = 'A'\n[[device]]\nname = 'A 1'\nsource = 's'\n\
                       keywords = [{ regex = 'abcd', weight = 0.5 }, { regex = 'efgh', weight = 0.5 }]\n";

    #[test]
    fn equal_keywords_are_one_pattern_with_two_uses() {
        let two = ONE.replace('A', "B").replace("'efgh'", "'ijkl'");
        let (database, faults) = Database::load([("a.toml", ONE), ("b.toml", &two)]);
        assert_eq!(faults, []);
        assert_eq!(database.patterns(), ["abcd", "efgh", "ijkl"]);
        assert_eq!(database.uses(KeywordId(0)).iter().map(|u| u.device.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(database.uses(KeywordId(1)).len(), 1);
    }

    #[test]
    fn the_same_device_twice_is_a_fault_that_names_both() {
        let (database, faults) = Database::load([("a.toml", ONE), ("b.toml", ONE)]);
        assert_eq!(database.devices().len(), 1);
        assert!(faults[0].to_string().starts_with("b.toml:3: `A 1` stands already at a.toml:3"), "{}", faults[0]);
    }

    #[test]
    fn the_version_follows_what_decides_estimates() {
        let version = |text: &str| Database::load([("a.toml", text)]).0.version();
        assert_eq!(version(ONE), version(&ONE.replace("'s'", "'another source'")));
        for (from, to) in [("0.5", "0.4"), ("efgh", "efgi"), ("A 1", "A 2"), ("source", "ports = '80'\nsource")] {
            assert_ne!(version(ONE), version(&ONE.replacen(from, to, 1)), "{from}");
        }
    }
}
