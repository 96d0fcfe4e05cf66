//! What the hosts of a country say when they are asked: pages of devices that the prober's starter database knows, and an
//! ordinary server's.

use prober_userspace::device::database::Database;
use prober_userspace::device::starter;

/// A page fits into one segment.
const LONGEST: usize = 1_400;
const ORDINARY: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n\
                          <html><head><title>Welcome</title></head><body></body></html>";

/// Pages by number; 0 is the ordinary one.
#[derive(Debug)]
pub(super) struct Phrases(Vec<Vec<u8>>);

impl Phrases {
    /// Of the devices that speak HTTP, one of each.
    pub(super) fn of_devices() -> Self {
        let (database, _) = Database::load(starter::files());
        let page = |example: &&String| example.starts_with("HTTP/1") && example.len() <= LONGEST;
        let pages = database.devices().iter().filter_map(|device| device.examples.iter().find(page));
        Self([ORDINARY.to_vec()].into_iter().chain(pages.map(|page| page.clone().into_bytes())).collect())
    }

    /// The number of the page of a simulated device: one of those known for each.
    pub(super) fn of_device(&self, device: u16) -> u16 {
        let devices = (self.0.len() - 1).max(1);
        1 + device % u16::try_from(devices).unwrap_or(u16::MAX)
    }

    /// The page of a number.
    pub(super) fn get(&self, number: u16) -> &[u8] {
        self.0.get(usize::from(number)).map_or(ORDINARY, Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_a_page_of_its_own() {
        let phrases = Phrases::of_devices();
        assert!(phrases.0.len() > 100, "{}", phrases.0.len());
        assert_ne!(phrases.get(phrases.of_device(0)), phrases.get(phrases.of_device(1)));
        assert!(phrases.get(phrases.of_device(399)).starts_with(b"HTTP/1"));
        assert_eq!(phrases.get(0), ORDINARY);
    }
}
