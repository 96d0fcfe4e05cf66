//! Signatures and estimates in the database.

use prober_common::address::V4;

use super::super::EstimateBatch;
use super::{ENDED, count, new_database, text};
use crate::device::database::Database;
use crate::model::device::{AddressEstimates, DeviceId, Estimate};
use crate::model::utc::UtcMicros;

const FILE: &str = "maker = 'A'\n[[device]]\nname = 'A 1'\nkind = 'camera'\nmodel = '1'\nsource = 's'\nports = '80'\n\
                    keywords = [{ regex = 'ab\"cd\\w', weight = 0.5 }, { regex = 'efgh', weight = 0.5 }]\n\
                    [[device]]\nname = 'A 2'\nkind = 'router'\nsource = 's'\nkeywords = [{ regex = 'ijkl', weight = 0.8 }]\n";

fn estimate(device: u32, keywords: &[u16], version: Option<&str>) -> Estimate {
    Estimate {
        device: DeviceId(device),
        score: 0.8,
        banner_score: 0.8,
        port_score: 0.0,
        keywords: keywords.to_vec(),
        version: version.map(str::to_owned),
    }
}

#[test]
fn estimates_are_shown_with_names_and_keywords() {
    let (_folder, _path, store) = new_database();
    let (database, faults) = Database::load([("a.toml", FILE)]);
    assert_eq!(faults, []);
    assert!(store.load_signatures(&database, ENDED).unwrap());
    assert!(!store.load_signatures(&database, ENDED).unwrap());
    let batch = EstimateBatch { database: database.version(), estimated_at: ENDED, scan: None };
    let both = AddressEstimates {
        address: V4(0xC000_0201),
        estimates: vec![estimate(0, &[0, 1], Some("1.2")), estimate(1, &[0], None)],
    };
    let one = AddressEstimates { address: V4(0xC000_0202), estimates: vec![estimate(1, &[0], None)] };
    assert_eq!(store.add_estimates(batch, &[both, one.clone()]).unwrap(), 3);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM device"), 3);
    let row = "SELECT concat_ws('|', ip, name, model, level, firmware_version, keywords[1], keywords[2]) FROM device
               WHERE level = 4";
    assert_eq!(text(&store, row), r#"192.0.2.1|A 1|1|4|1.2|ab"cd\w|efgh"#);
    assert_eq!(
        text(&store, "SELECT concat(weights::VARCHAR, ports) FROM device_signature WHERE id = 0"),
        "[0.5, 0.5]T:80"
    );
    assert_eq!(count(&store, "SELECT addresses::UBIGINT FROM device_kind WHERE kind = 'router'"), 2);
    assert_eq!(count(&store, "SELECT addresses::UBIGINT FROM device_maker WHERE maker = 'A'"), 2);
    assert_eq!(count(&store, "SELECT addresses::UBIGINT FROM device_level WHERE level = 3"), 2);
    assert_eq!(text(&store, "SELECT concat(ip, devices) FROM address_with_several_devices"), "192.0.2.12");
    // A later look at an address takes the place of the earlier one.
    let later = EstimateBatch { estimated_at: UtcMicros(ENDED.0 + 1), ..batch };
    assert_eq!(store.add_estimates(later, &[AddressEstimates { address: V4(0xC000_0201), ..one }]).unwrap(), 1);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM device"), 2);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM address_with_several_devices"), 0);
    assert_eq!(store.for_each_banner(None, |_| ()).unwrap(), 0);
    store
        .connection()
        .execute_batch(
            r"INSERT INTO banner VALUES (NULL, 7, 161, 'udp', 'snmp', now(), 'answered', false, 'a\b \x00', NULL, 1, 1, 0, 9)",
        )
        .unwrap();
    let mut read = Vec::new();
    assert_eq!(store.for_each_banner(None, |banner| read.push((banner.address, banner.text))).unwrap(), 1);
    assert_eq!(read, [(V4(7), br"a\b \x00".to_vec())]);
}

#[test]
fn many_estimates_come_in_batches() {
    let (_folder, _path, store) = new_database();
    let (database, _) = Database::load([("a.toml", FILE)]);
    store.load_signatures(&database, ENDED).unwrap();
    let of = |address: u32| AddressEstimates { address: V4(address), estimates: vec![estimate(1, &[0], None)] };
    let many: Vec<AddressEstimates> = (0..70_000).map(of).collect();
    let batch = EstimateBatch { database: database.version(), estimated_at: ENDED, scan: None };
    assert_eq!(store.add_estimates(batch, &many).unwrap(), 70_000);
    assert_eq!(count(&store, "SELECT count(DISTINCT address)::UBIGINT FROM device"), 70_000);
}
