//! The screen as text, at its smallest size.

use std::collections::BTreeMap;

use prober_common::address::V4;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw;
use crate::device::aggregate::Aggregator;
use crate::device::review::{Catcher, Key, Review, ReviewGroup};
use crate::device::suggest::Draft;

fn review() -> Review {
    let page = |unit: u32| {
        format!(
            "HTTP/1.1 401 Unauthorized\r\nServer: httpd/1.2\r\nWWW-Authenticate: Basic realm=\"Acme IP Camera DX-900\"\r\nX-Unit: \
             {unit}\r\n\r\n<html><head><title>A rather long title of a page that has to be wrapped</title></head></html>"
        )
    };
    let draft = Draft {
        maker: "Acme".into(),
        name: "Acme DX-900".into(),
        kind: "camera".into(),
        model: "DX-900".into(),
        ports: "80,554".into(),
        version: String::new(),
        keywords: vec![(r"\bCamera DX\-900\b".into(), "1".into())],
    };
    let mut aggregator = Aggregator::default();
    (0..1_234).for_each(|address| aggregator.add(V4(address), page(address % 3).as_bytes()));
    aggregator.add(V4(5_000), b"220 Other FTP\r\n");
    let groups = vec![
        ReviewGroup {
            id: 1,
            addresses: 1_234,
            banners: vec![page(17), page(18)],
            proposals: vec![draft.clone(), draft],
        },
        ReviewGroup {
            id: 2,
            addresses: 1,
            banners: vec!["220 Other FTP\r\n".into()],
            proposals: vec![Draft { name: "Other".into(), ..Draft::default() }],
        },
    ];
    Review::new(
        groups,
        vec!["220 server".into()],
        Catcher::new(aggregator.finish(), |_| false),
        Vec::new(),
        BTreeMap::new(),
    )
}

fn screen(review: &Review) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, review)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..24).map(row).collect::<Vec<_>>().join("\n")
}

/// The cells of a row that are drawn in a colour, as text.
fn coloured(review: &Review, color: ratatui::style::Color) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, review)).unwrap();
    terminal
        .backend()
        .buffer()
        .content()
        .iter()
        .filter(|cell| cell.fg == color)
        .map(ratatui::buffer::Cell::symbol)
        .collect()
}

#[test]
fn a_group_with_its_proposal() {
    insta::assert_snapshot!(screen(&review()), @r##"
     device review  group 1 of 2   0 accepted  0 rejected  0 skipped  2 open
     addresses  group          │ banner 1 of 2 ─────────────────────────────────────
       1,234  Acme DX-900      │HTTP/1.1 401 Unauthorized
           1  Other            │Server: httpd/1.2
                               │WWW-Authenticate: Basic realm="Acme IP Camera
                               │DX-900"
                               │X-Unit: 17
                               │
                               │<html><head><title>A rather long title of a page
                               │that has to be wrapped</title></head></html>
                               │
                               │ proposal 1 of 2 ───────────────────────────────────
                               │ name     Acme DX-900
                               │ maker    Acme
                               │ kind     camera               level 4
                               │ model    DX-900
                               │ ports    80,554
                               │ w 1      \bCamera DX\-900\b
                               │ catches  1,234 of 1,235 addresses
                               │ and      0 of 1 negatives
                               │
                               │

    a accept  e edit  r reject  s skip  u undo  Tab next proposal  ? keys  q quit
    "##);
}

#[test]
fn editing() {
    let mut review = review();
    review.press(Key::Char('e'));
    review.press(Key::Tab);
    review.press(Key::Char('!'));
    insta::assert_snapshot!(screen(&review), @r##"
     device review  group 1 of 2   0 accepted  0 rejected  0 skipped  2 open
     addresses  group          │ banner 1 of 2 ─────────────────────────────────────
       1,234  Acme DX-900      │HTTP/1.1 401 Unauthorized
           1  Other            │Server: httpd/1.2
                               │WWW-Authenticate: Basic realm="Acme IP Camera
                               │DX-900"
                               │X-Unit: 17
                               │
                               │<html><head><title>A rather long title of a page
                               │ edit ──────────────────────────────────────────────
                               │ maker    Acme
                               │ name     Acme DX-900!
                               │ kind     camera
                               │ model    DX-900
                               │ ports    80,554
                               │ version
                               │ keyword  \bCamera DX\-900\b
                               │ weight   1
                               │ keyword
                               │ weight   0.8
                               │
                               │

    Enter take over  Esc leave as it was  Tab next field  Shift-Tab field before
    "##);
}

#[test]
fn after_a_decision() {
    let mut review = review();
    review.press(Key::Char('a'));
    review.press(Key::Char('a'));
    insta::assert_snapshot!(screen(&review), @r##"
     device review  group 2 of 2   1 accepted  0 rejected  0 skipped  1 open
     addresses  group          │ banner 1 of 1 ─────────────────────────────────────
    +  1,234  Acme DX-900      │220 Other FTP
           1  Other            │
                               │
                               │
                               │
                               │
                               │
                               │
                               │
                               │
                               │ proposal 1 of 1 ───────────────────────────────────
                               │ name     Other
                               │ maker    -
                               │ kind     -                    level -
                               │ model    -
                               │ ports    -
                               │ no keywords: write at least one
                               │
                               │
                               │
    not accepted: no keywords: write at least one
    a accept  e edit  r reject  s skip  u undo  Tab next proposal  ? keys  q quit
    "##);
}

#[test]
fn all_keys() {
    let mut review = review();
    review.press(Key::Char('?'));
    insta::assert_snapshot!(screen(&review), @r##"
     device review  group 1 of 2   0 accepted  0 rejected  0 skipped  2 open
     addresses  group          │ banner 1 of 2 ─────────────────────────────────────
       1,234  Acme DX-900      │HTTP/1.1 401 Unauthorized
           1  Other            │Server: httpd/1.2
            ┌ keys ────────────────────────────────────────────────────────┐a
            │ a  Enter      accept the proposal, if it passes the check    │
            │ e             edit it                                        │
            │ r             reject: no device worth knowing                │
            │ s             skip: decide later                             │page
            │ u             undo the last decision                         │
            │ Tab Shift-Tab next proposal, proposal before                 │
            │ Up Down k j   group before, next group                       │────────
            │ Home End      first group, last group                        │
            │ Left Right    other banners of the group                     │
            │ PgUp PgDn     scroll the banner                              │
            │ q  Ctrl-C     leave; everything is saved                     │
            │ ?             these keys; any key goes on                    │
            └──────────────────────────────────────────────────────────────┘
                               │ catches  1,234 of 1,235 addresses
                               │ and      0 of 1 negatives
                               │
                               │

    a accept  e edit  r reject  s skip  u undo  Tab next proposal  ? keys  q quit
    "##);
}

#[test]
fn what_differs_and_what_the_keyword_finds_are_marked() {
    let review = review();
    assert_eq!(coloured(&review, ratatui::style::Color::Yellow), "17");
    assert_eq!(coloured(&review, ratatui::style::Color::Green), "CameraDX-900", "on two lines");
}

#[test]
fn no_size_is_too_small() {
    let review = review();
    for (width, height) in [(1, 1), (20, 5), (40, 10), (200, 60)] {
        Terminal::new(TestBackend::new(width, height)).unwrap().draw(|frame| draw(frame, &review)).unwrap();
    }
}
