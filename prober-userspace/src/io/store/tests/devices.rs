//! Signatures and estimates in the database.

use prober_common::address::V4;

use super::super::{EstimateBatch, EstimationRecord};
use super::{ENDED, count, new_database, text};
use crate::device::database::Database;
use crate::device::score::ScoreSettings;
use crate::model::banner::{Banner, BannerProtocol, GrabOutcome, Transport};
use crate::model::device::{AddressEstimates, DeviceId, Estimate};
use crate::model::utc::UtcMicros;

const FILE: &str = "maker = 'A'\n[[device]]\nname = 'A 1'\nkind = 'camera'\nmodel = '1'\nsource = 's'\nports = '80'\n\
                    keywords = [{ regex = 'ab\"cd\\w', weight = 0.5 }, { regex = 'efgh', weight = 0.5 }]\n\
                    [[device]]\nname = 'A 2'\nkind = 'router'\nsource = 's'\nkeywords = [{ regex = 'ijkl', weight = 0.8 }]\n";

const RECORD: EstimationRecord =
    EstimationRecord { settings: ScoreSettings { threshold: 0.8, banner_share: 1.0 }, complete: false, looked_at: 9 };

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
    assert_eq!(store.add_estimates(batch, RECORD, &[both, one.clone()]).unwrap(), 3);
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
    assert_eq!(store.add_estimates(later, RECORD, &[AddressEstimates { address: V4(0xC000_0201), ..one }]).unwrap(), 1);
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
    // What the port says now, not what it said a month ago.
    let before = r"INSERT INTO banner VALUES (NULL, 7, 161, 'udp', 'snmp', now() - INTERVAL 30 DAY, 'answered', false, 'old', NULL, 1, 1, 0, 9)";
    store.connection().execute_batch(before).unwrap();
    assert_eq!(store.for_each_banner(None, |banner| assert_ne!(banner.text, b"old")).unwrap(), 1);
}

#[test]
fn many_estimates_come_in_batches() {
    let (_folder, _path, store) = new_database();
    let (database, _) = Database::load([("a.toml", FILE)]);
    store.load_signatures(&database, ENDED).unwrap();
    let of = |address: u32| AddressEstimates { address: V4(address), estimates: vec![estimate(1, &[0], None)] };
    let many: Vec<AddressEstimates> = (0..70_000).map(of).collect();
    let batch = EstimateBatch { database: database.version(), estimated_at: ENDED, scan: None };
    assert_eq!(store.add_estimates(batch, RECORD, &many).unwrap(), 70_000);
    assert_eq!(count(&store, "SELECT count(DISTINCT address)::UBIGINT FROM device"), 70_000);
}

#[test]
fn estimates_of_another_database_are_replaced_when_all_banners_were_looked_at_again() {
    let (_folder, _path, store) = new_database();
    let (old, _) = Database::load([("a.toml", FILE)]);
    let (new, _) = Database::load([("a.toml", FILE.replace("ijkl", "mnop").as_str())]);
    assert_ne!(old.version(), new.version());
    let of = |address: u32| AddressEstimates { address: V4(address), estimates: vec![estimate(1, &[0], None)] };
    let batch = |database: &Database, at: i64| EstimateBatch {
        database: database.version(),
        estimated_at: UtcMicros(ENDED.0 + at),
        scan: None,
    };
    assert!(!store.is_outdated(new.version()).unwrap());
    store.load_signatures(&old, ENDED).unwrap();
    store.add_estimates(batch(&old, 0), RECORD, &[of(1), of(2)]).unwrap();
    assert!(store.is_outdated(new.version()).unwrap());
    store.load_signatures(&new, ENDED).unwrap();
    store.add_estimates(batch(&new, 1), EstimationRecord { complete: true, ..RECORD }, &[of(1)]).unwrap();
    assert!(!store.is_outdated(new.version()).unwrap());
    // The new database sees nothing at the second address; what the old one said stays in the table.
    assert_eq!(text(&store, "SELECT string_agg(ip, ' ') FROM device_latest"), "0.0.0.1");
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM device_estimate"), 3);
    assert_eq!(count(&store, "SELECT sum(named)::UBIGINT FROM device_estimation"), 3);
}

#[test]
fn ports_with_another_ttl_are_of_another_host() {
    let (_folder, _path, store) = new_database();
    let reply = |address: u32, port: u16, ttl: u8| {
        format!("(1, now()::TIMESTAMP, 9, {address}, NULL, {port}, 0, 0, {ttl}, 0, 0)")
    };
    let rows = [reply(7, 80, 57), reply(7, 443, 57), reply(7, 8080, 120), reply(8, 80, 60), reply(8, 81, 60)].join(",");
    store.connection().execute_batch(&format!("INSERT INTO reply VALUES {rows}")).unwrap();
    let hosts = "SELECT concat_ws(' ', ip, hosts, ttl_of_port[80], ttl_of_port[8080]) FROM address_with_several_hosts";
    assert_eq!(text(&store, hosts), "0.0.0.7 2 64-7 128-8");
    let (database, _) = Database::load([("a.toml", FILE)]);
    store.load_signatures(&database, ENDED).unwrap();
    let batch = EstimateBatch { database: database.version(), estimated_at: ENDED, scan: None };
    let both = |address| AddressEstimates {
        address: V4(address),
        estimates: vec![estimate(0, &[0, 1], None), estimate(1, &[0], None)],
    };
    store.add_estimates(batch, RECORD, &[both(7), both(8), both(9)]).unwrap();
    let several = "SELECT string_agg(concat_ws(':', ip, coalesce(hosts_by_ttl, 0), ttl_differs), ' ' ORDER BY address)
                   FROM address_with_several_devices";
    assert_eq!(text(&store, several), "0.0.0.7:2:true 0.0.0.8:1:false 0.0.0.9:0:false");
}

#[test]
fn unknown_banners_are_counted_by_their_normalised_text() {
    let (_folder, _path, store) = new_database();
    let banner = |address: u32, text: &str| Banner {
        address: V4(address),
        port: 80,
        transport: Transport::Tcp,
        protocol: BannerProtocol::Http,
        outcome: GrabOutcome::Answered,
        truncated: false,
        text: text.as_bytes().to_vec(),
        grabbed_at: ENDED,
        duration_us: 1,
        received_bytes: 1,
        sent_bytes: 1,
        connections: 1,
    };
    let page = |day: u32| format!("HTTP/1.1 200 OK\r\nDate: Mon, {day} Jan 2026 10:00:00 GMT\r\nServer: x\r\n\r\n");
    let banners = [banner(1, &page(10)), banner(2, &page(11)), banner(3, "220 other"), banner(4, "")];
    store.add_banners(&banners, None).unwrap();
    assert_eq!(count(&store, "SELECT max(addresses)::UBIGINT FROM unknown_group"), 2);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM unknown_group"), 2);
    assert_eq!(count(&store, "SELECT count(*)::UBIGINT FROM banner WHERE text_hash IS NULL"), 1);
}
