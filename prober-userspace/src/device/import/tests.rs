//! Imports, with fingerprints written for these tests.

use super::wording::{Anchors, reworded};
use super::*;
use crate::device::database::Database;
use crate::device::matcher::{Matcher, Scratch};
use crate::device::score::{BannerHits, ScoreSettings, Scorer};

fn seen(imported: Imported, banner: &[u8]) -> Vec<(Option<String>, Option<String>, Option<String>)> {
    let (database, faults) = Database::of(imported.devices);
    assert_eq!(faults, []);
    let matcher = Matcher::new(&database);
    let mut scratch = Scratch::default();
    let keywords = matcher.hits(banner, &mut scratch);
    let estimates =
        Scorer::new(&database, ScoreSettings::default()).estimates(&[BannerHits { text: banner, keywords }], &[]);
    let row = |estimate: crate::model::device::Estimate| {
        let device = database.device(estimate.device);
        (device.maker.clone(), device.model.clone(), estimate.version)
    };
    estimates.into_iter().map(row).collect()
}

const PROBES: &str = r"
# comment
Probe TCP NULL q||
softmatch ftp m|^220 |
match ftp m|^220 Exampler CAM-7 FTP \(ver ([\d.]+)\)\r\n| p/Exampler CAM-7 ftpd/ v/$1/ d/webcam/ cpe:/h:exampler:cam-7/
match binary m|^\0\x01[[a]{2}{x}\0$|s p/Thing/ d/router/
match http m=^HTTP/1\.1 200 (?!OK)= p/Other/ d/router/
match http m|^HTTP/1\.[01] \d\d\d .*\r\nServer: Softy/|s p/Softy httpd/ cpe:/a:softy:httpd/
match broken m|abc
";

#[test]
fn probes_become_devices() {
    let import = |software| nmap::import("p", PROBES, ImportSettings { software });
    let counted = import(false);
    assert_eq!(counted.devices.len(), 2);
    assert_eq!(counted.left_out.values().sum::<usize>(), 3);
    assert_eq!(import(true).devices.len(), 3);
    let seen_camera = seen(import(false), b"220 Exampler CAM-7 FTP (ver 1.2)\r\n");
    assert_eq!(seen_camera, [(Some("Exampler".to_owned()), Some("Cam-7".to_owned()), Some("1.2".to_owned()))]);
    assert_eq!(seen(import(false), b"\0\x01[a{x}\0\n"), [(None, None, None)]);
    assert_eq!(seen(import(false), b"\0\x01[b{x}\0\n"), []);
}

const XML: &str = r#"<?xml version="1.0"?>
<fingerprints matches="http_header.server" protocol="http">
  <!-- comment -->
  <fingerprint pattern="^Exampler-Web/([\d.]+)$" flags="REG_ICASE">
    <description>Exampler &amp; sons</description>
    <example hw.version="1.0">Exampler-Web/1.0</example>
    <param pos="0" name="hw.vendor" value="Exampler"/>
    <param pos="0" name="hw.device" value="IP Camera"/>
    <param pos="1" name="hw.version"/>
  </fingerprint>
  <fingerprint pattern="^Apache"><description>software</description>
    <param pos="0" name="service.product" value="x"/></fingerprint>
  <fingerprint><description>no pattern</description></fingerprint>
</fingerprints>
"#;

#[test]
fn recog_patterns_look_at_their_field() {
    let import = || recog::import("r.xml", XML, ImportSettings::default());
    assert_eq!(import().devices.len(), 1);
    assert_eq!(import().devices[0].place.line, 4);
    let page = b"HTTP/1.1 200 OK\r\nServer: exampler-web/1.5\r\nX: y\r\n\r\n";
    assert_eq!(seen(import(), page), [(Some("Exampler".to_owned()), None, Some("1.5".to_owned()))]);
    for other in [&b"X-Server: exampler-web/1.5\r\n"[..], b"Server: exampler-web/1.5 x\r\n", b"exampler-web/1.5\r\n"] {
        assert_eq!(seen(import(), other), []);
    }
    assert_eq!(recog::import("r.xml", "<fingerprints><fingerprint", ImportSettings::default()).devices.len(), 0);
}

#[test]
fn perls_words_become_this_engines() {
    let same = Anchors { begin: "^", end: "$" };
    for (perl, ours) in [
        (r"\0\01\012", r"\x00\x01\x0a"),
        (r"a{2}{x}{,3}{1,}", r"a{2}\{x}\{,3}{1,}"),
        (r"[]a[&]", r"[\]a\[\&]"),
        (r"\<a\>\m\i", "<a>mi"),
        (r"(a)(?:b)(c)", "(?:a)(?:b)(c)"),
        ("abc\\", r"abc\\"),
        ("[abc", "[abc"),
    ] {
        assert_eq!(reworded(perl, same, Some(2)), ours);
    }
}
