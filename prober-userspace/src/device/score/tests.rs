//! Scores against the formula written out over all devices.

use super::*;
use crate::device::matcher::{Matcher, Scratch};
use prober_common::event::ProbeKind;

const FILE: &str = "maker = 'A'\n\
    [[device]]\nname = 'two keywords'\nsource = 's'\nports = '80,443'\n\
    keywords = [{ regex = 'abcd', weight = 0.5 }, { regex = 'efgh', weight = 0.3 }]\n\
    [[device]]\nname = 'whole'\nmodel = 'W'\nsource = 's'\nports = '80'\nversion = 'efgh/([0-9.]+)'\n\
    keywords = [{ regex = 'efgh', weight = 1.0 }]\n\
    [[device]]\nname = 'without ports'\nsource = 's'\nkeywords = [{ regex = 'ijkl', weight = 0.8 }]\n";

fn tcp(port: u16) -> ProbePort {
    ProbePort { kind: ProbeKind::TcpSyn, port }
}

#[test]
fn estimates_are_those_of_the_formula() {
    let (database, faults) = Database::load([("a.toml", FILE)]);
    assert_eq!(faults, []);
    let matcher = Matcher::new(&database);
    let texts: [&[u8]; 4] = [b"abcd", b"efgh/1.2", b"ijkl", b"none"];
    let mut scratch = Scratch::default();
    let hits = texts.map(|text| matcher.hits(text, &mut scratch).to_vec());
    for settings in [(0.8, 1.0), (0.5, 0.6), (0.2, 0.7), (0.5, 0.5), (0.8, 0.0), (0.0, 1.0), (1.0, 0.9)] {
        let settings = ScoreSettings { threshold: settings.0, banner_share: settings.1 };
        let scorer = Scorer::new(&database, settings);
        for subset in 0..16usize {
            let chosen: Vec<usize> = (0..4).filter(|at| subset >> at & 1 == 1).collect();
            let banners: Vec<BannerHits<'_>> =
                chosen.iter().map(|at| BannerHits { text: texts[*at], keywords: &hits[*at] }).collect();
            for open in [vec![], vec![tcp(80)], vec![tcp(80), tcp(443)], vec![tcp(22), tcp(80)]] {
                let made: Vec<(u32, f64)> =
                    scorer.estimates(&banners, &open).iter().map(|e| (e.device.0, e.score)).collect();
                let expected =
                    naive(&database, settings, &chosen.iter().map(|at| texts[*at]).collect::<Vec<_>>(), &open);
                assert_eq!(made, expected, "{settings:?} {chosen:?} {open:?}");
            }
        }
    }
}

fn naive(database: &Database, settings: ScoreSettings, banners: &[&[u8]], open: &[ProbePort]) -> Vec<(u32, f64)> {
    let holds = |pattern: &str| {
        let regex = regex::bytes::Regex::new(pattern).unwrap();
        banners.iter().any(|banner| regex.is_match(banner))
    };
    let scores = database.devices().iter().map(|device| {
        let s_b: f64 =
            device.keywords.iter().filter(|keyword| holds(&keyword.pattern)).map(|keyword| keyword.weight).sum();
        let open: std::collections::HashSet<_> = open.iter().collect();
        let known: std::collections::HashSet<_> = device.ports.iter().collect();
        let either = open.union(&known).count();
        let s_p = if either == 0 { 0.0 } else { open.intersection(&known).count() as f64 / either as f64 };
        settings.banner_share * s_b + (1.0 - settings.banner_share) * s_p
    });
    (0..).zip(scores).filter(|(_, score)| *score >= settings.threshold - 1e-9).collect()
}

#[test]
fn a_version_is_read_from_a_banner_that_speaks_of_the_device() {
    let (database, _) = Database::load([("a.toml", FILE)]);
    let matcher = Matcher::new(&database);
    let mut scratch = Scratch::default();
    let text = b"xx efgh/1.2.3\r\n\xff";
    let keywords = matcher.hits(text, &mut scratch).to_vec();
    let scorer = Scorer::new(&database, ScoreSettings::default());
    let estimates = scorer.estimates(&[BannerHits { text, keywords: &keywords }], &[]);
    assert_eq!(estimates.len(), 1);
    assert_eq!((estimates[0].version.as_deref(), &estimates[0].keywords[..]), (Some("1.2.3"), &[0u16][..]));
}
