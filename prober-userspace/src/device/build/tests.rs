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
    assert!(
        found.contains_key("acme ac-1200n") && found.contains_key("ac-1200n") && found.contains_key("acme-httpd"),
        "{found:?}"
    );
    for never in ["2.4.1", "2024", "0011223344556677", "192.0.2.7", "basic", "gmt"] {
        assert!(!found.keys().any(|text| text.contains(never)), "{never}: {found:?}");
    }
}

#[test]
fn makers_are_the_same_however_they_are_written() {
    assert_eq!(maker_key("Acme Networks, Inc."), maker_key("ACME"));
    assert_eq!(maker_key("Network Systems"), "network systems");
}

#[test]
fn a_model_is_found_however_its_name_is_parted_or_joined_to_its_maker() {
    let rows = [
        labelled("Bolt", Kind::Router, "Home Box 7", "220 BoltHomeBox7 ready"),
        labelled("Acme", Kind::Camera, "AC-1200", "realm=AcmeAC1200"),
        labelled("Acme", Kind::Camera, "AC-3300", "realm=AcmeAC3300"),
    ];
    let devices = build(&rows, &[]);
    let pattern = |model: &str| {
        let device = devices.iter().find(|device| device.model.as_deref() == Some(model));
        device.map(|device| device.keywords[0].pattern.clone()).unwrap_or_default()
    };
    assert_eq!(pattern("Home Box 7"), r"(?i)\bbolthomebox7\b");
    assert_eq!(pattern("AC-1200"), r"(?i)\bacmeac1200\b");
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

#[test]
fn a_part_that_siblings_share_tells_no_model_and_a_familys_name_tells_the_family() {
    let rows = [
        labelled("Acme", Kind::Switch, "X550-48G", "Acme Platform Software X550-48G Switch"),
        labelled("Acme", Kind::Printer, "Faser", "Acme Faser 6130N; Net 10.80"),
        labelled("Acme", Kind::Printer, "6280DN", "Acme Faser 6280DN; Net 10.81"),
    ];
    let (database, _) = Database::of(build(&rows, &[]));
    let (matcher, mut scratch) = (Matcher::new(&database), Scratch::default());
    let mut models = |text: &str| -> Vec<String> {
        let hits = matcher.hits(text.as_bytes(), &mut scratch).to_vec();
        let uses = hits.iter().flat_map(|id| database.uses(*id));
        let mut models: Vec<_> = uses.filter_map(|keyword| database.device(keyword.device).model.clone()).collect();
        models.sort_unstable();
        models
    };
    assert_eq!(models("Acme Platform Software X550-24G Switch"), [] as [&str; 0]);
    assert_eq!(models("ACME X550-48G"), ["X550-48G"]);
    assert_eq!(models("Acme Faser 6280DN"), ["6280DN", "Faser"]);
}

#[test]
fn a_model_of_digits_alone_is_told_by_the_words_beside_it() {
    let banner = |number: &str| format!("PLC Type: QLC\nModel Number: {number}\nFirmware Version: 4.42\n");
    let rows = [
        labelled("Bolt", Kind::IndustrialControl, "2700974", &banner("2700974")),
        labelled("Bolt", Kind::IndustrialControl, "2985330", &banner("2985330")),
    ];
    let devices = build(&rows, &["Part 2985330 in stock".to_owned()]);
    let patterns = |model: &str| -> Vec<&str> {
        let own = devices.iter().filter(|device| device.model.as_deref() == Some(model));
        own.flat_map(|device| &device.keywords).map(|keyword| keyword.pattern.as_str()).collect()
    };
    assert_eq!(patterns("2700974"), [r"(?i)\b2700974\b"]);
    assert_eq!(patterns("2985330"), [r"(?i)\bnumber: 2985330\b"]);
}

#[test]
fn a_makers_name_does_not_become_its_only_models() {
    let rows: Vec<Labelled> = (0..5)
        .map(|number| {
            labelled("Acmetek", Kind::Router, "WX-500", &format!("220 Acmetek WX-500 unit {number} ready\r\n"))
        })
        .collect();
    let devices = build(&rows, &[]);
    let of_model = devices.iter().filter(|device| device.model.is_some()).flat_map(|device| &device.keywords);
    assert!(of_model.clone().count() > 0);
    assert!(of_model.clone().all(|keyword| !keyword.pattern.contains("acmetek|")), "{devices:?}");
    assert!(of_model.clone().all(|keyword| keyword.pattern.contains("wx")), "{devices:?}");
}
