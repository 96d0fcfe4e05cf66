//! The builder on banners made up for the purpose.

use super::candidate::candidates;
use super::{Labelled, build, maker_key};
use crate::device::database::Database;
use crate::device::matcher::{Matcher, Scratch};
use crate::model::device::Kind;

fn labelled(maker: &str, kind: Kind, model: &str, banner: &str) -> Labelled {
    Labelled {
        banner: banner.to_owned(),
        maker: maker.to_owned(),
        kind: Some(kind),
        model: model.to_owned(),
        port: "80".to_owned(),
    }
}

#[test]
fn candidates_hold_names_and_nothing_that_changes() {
    let banner = "HTTP/1.1 401 Unauthorized\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: Acme-httpd/2.4.1\r\n\
                  WWW-Authenticate: Basic realm=\"Acme AC-1200N\"\r\n\r\nserial 0011223344556677 at 192.0.2.7";
    let found = candidates(banner);
    assert!(found.contains("Acme AC-1200N") && found.contains("AC-1200N") && found.contains("Acme-httpd"), "{found:?}");
    for never in ["2.4.1", "2024", "0011223344556677", "192.0.2.7", "Basic", "GMT"] {
        assert!(!found.iter().any(|text| text.contains(never)), "{never}: {found:?}");
    }
}

#[test]
fn makers_are_the_same_however_they_are_written() {
    assert_eq!(maker_key("Acme Networks, Inc."), maker_key("ACME"));
    assert_eq!(maker_key("Network Systems"), "network systems");
}

#[test]
fn models_makers_and_kinds_are_told_apart() {
    let banner = |model: &str, version: &str| format!("220 Acme {model} FTP server {version} ready.\r\n");
    let rows = [
        labelled("Acme", Kind::Camera, "AC-100", &banner("AC-100", "1.2.3")),
        labelled("Acme", Kind::Camera, "AC-200", &banner("AC-200", "2.0.1")),
        labelled("Bolt", Kind::Router, "BX9", "220 Bolt BX9 ready.\r\n"),
    ];
    let devices = build(&rows, &["220 FTP server ready.\r\n".to_owned()]);
    let (database, faults) = Database::of(devices);
    assert_eq!(faults, []);
    let (matcher, mut scratch) = (Matcher::new(&database), Scratch::default());
    let mut found = |text: &str| -> Vec<(Option<String>, Option<String>)> {
        let hits = matcher.hits(text.as_bytes(), &mut scratch).to_vec();
        let devices = hits.iter().flat_map(|id| database.uses(*id)).map(|keyword| database.device(keyword.device));
        devices.map(|device| (device.maker.clone(), device.model.clone())).collect()
    };
    let another = found(&banner("AC-100", "9.9.9"));
    assert!(another.contains(&(Some("Acme".into()), Some("AC-100".into()))), "{another:?}");
    assert!(!another.iter().any(|(_, model)| model.as_deref() == Some("AC-200")), "{another:?}");
    let unseen = found(&banner("AC-300", "1.0.0"));
    assert!(unseen.contains(&(Some("Acme".into()), None)), "{unseen:?}");
    assert!(unseen.iter().all(|(_, model)| model.is_none()), "{unseen:?}");
    assert_eq!(found("220 FTP server ready.\r\n"), []);
}
