//! The machine, key by key.

use prober_common::address::V4;

use super::*;
use crate::device::aggregate::Aggregator;

fn draft(maker: &str, model: &str, pattern: &str) -> Draft {
    Draft {
        maker: maker.to_owned(),
        name: format!("{maker} {model}"),
        kind: "camera".to_owned(),
        model: model.to_owned(),
        keywords: vec![(pattern.to_owned(), "1".to_owned())],
        ..Draft::default()
    }
}

/// Three groups: two models of Acme on three addresses, and one that an ordinary server says as well.
fn review(decisions: Vec<Decision>) -> Review {
    let groups = [
        ("220 Acme CAM-100 ready, unit 7", "220 Acme CAM-100 ready, unit 8", draft("Acme", "CAM-100", r"\bCAM-100\b")),
        ("220 Acme CAM-200 ready", "220 Acme CAM-200 ready", draft("Acme", "CAM-200", r"\bCAM-200\b")),
        ("220 Frobnicator files", "220 Frobnicator files", draft("Frob", "F1", r"\bFrobnicator\b")),
    ];
    let mut aggregator = Aggregator::default();
    for (address, banner) in [(1, groups[0].0), (2, groups[0].1), (3, groups[1].0), (4, groups[2].0)] {
        aggregator.add(V4(address), banner.as_bytes());
    }
    let groups = (1..).zip(groups).map(|(id, (one, two, draft))| ReviewGroup {
        id,
        addresses: 1,
        banners: vec![one.to_owned(), two.to_owned()],
        proposals: vec![draft.clone(), Draft { name: "another".to_owned(), ..draft }],
    });
    let catcher = Catcher::new(aggregator.finish(), |_| false);
    Review::new(groups.collect(), vec!["220 Frobnicator on a server".to_owned()], catcher, decisions, BTreeMap::new())
}

fn press(review: &mut Review, keys: &str) -> Vec<Effect> {
    keys.chars().map(|key| review.press(Key::Char(key))).collect()
}

#[test]
fn decisions_lead_on_to_the_next_group_and_can_be_undone() {
    let mut review = review(Vec::new());
    assert_eq!(press(&mut review, "a"), [Effect::Save]);
    assert_eq!(review.at(), 1);
    assert_eq!(press(&mut review, "rs"), [Effect::Save, Effect::Save]);
    assert!(review.message().contains("every group is decided on"), "{}", review.message());
    assert_eq!(review.accepted().len(), 1);
    assert_eq!(review.accepted()[0].examples.len(), 2);
    assert_eq!(press(&mut review, "u"), [Effect::Save]);
    assert_eq!((review.at(), review.decisions().len()), (2, 2));
    press(&mut review, "uu");
    assert_eq!((review.at(), review.decisions().len()), (0, 0));
    assert_eq!(press(&mut review, "u"), [Effect::None]);
    assert_eq!(review.message(), "nothing to undo");
    assert_eq!(press(&mut review, "q"), [Effect::Quit]);
}

#[test]
fn what_a_keyword_catches_is_known_at_once() {
    let mut review = review(Vec::new());
    let catch = |review: &Review| review.catch().unwrap().clone().unwrap();
    assert_eq!(catch(&review), Catch { addresses: 2, ..Catch::default() });
    review.press(Key::End);
    let caught = catch(&review);
    assert_eq!((caught.addresses, caught.negatives), (1, 1));
    assert_eq!(caught.negative.as_deref(), Some("220 Frobnicator on a server"));
    // Broader: both models of Acme.
    review.press(Key::Home);
    review.press(Key::Char('e'));
    for _ in 0..6 {
        review.press(Key::Tab);
    }
    assert_eq!(review.editor().unwrap().fields()[6].text, r"\bCAM-100\b");
    for _ in 0..5 {
        review.press(Key::Backspace);
    }
    review.press(Key::Enter);
    assert_eq!(review.draft().keywords[0].0, r"\bCAM-");
    assert_eq!(catch(&review).addresses, 3);
}

#[test]
fn what_does_not_pass_the_lint_is_not_accepted() {
    let mut review = review(Vec::new());
    review.press(Key::End);
    assert_eq!(press(&mut review, "a"), [Effect::None]);
    assert!(review.message().starts_with("not accepted: negative: "), "{}", review.message());
    assert!(review.decisions().is_empty());
}

#[test]
fn an_edit_can_be_left_and_a_faulty_one_says_so() {
    let mut review = review(Vec::new());
    press(&mut review, "exx");
    review.press(Key::Escape);
    assert_eq!(review.draft().maker, "Acme");
    press(&mut review, "e");
    for _ in 0..6 {
        review.press(Key::Tab);
    }
    press(&mut review, "(");
    review.press(Key::Enter);
    assert!(review.message().starts_with("keyword: "), "{}", review.message());
    assert_eq!(press(&mut review, "a"), [Effect::None]);
    // Another proposal takes the place of the edited one.
    review.press(Key::Tab);
    assert_eq!((review.draft().name.as_str(), review.proposal()), ("another", (1, false)));
}

#[test]
fn a_review_goes_on_where_it_was_left() {
    let mut first = review(Vec::new());
    press(&mut first, "ar");
    let saved = serde_json::to_string(first.decisions()).unwrap();
    let again = review(serde_json::from_str(&saved).unwrap());
    assert_eq!(again.at(), 2);
    assert_eq!(again.accepted(), first.accepted());
    assert_eq!(again.verdict(1), Some(&Verdict::Rejected));
}

#[test]
fn a_second_signature_of_a_device_gets_a_name_of_its_own() {
    let mut review = review(Vec::new());
    press(&mut review, "ae");
    for _ in 0..review.draft().name.len() + 8 {
        // To the name; the cursor is behind it.
        if review.editor().unwrap().cursor().0 == 0 {
            review.press(Key::Tab);
        }
        review.press(Key::Backspace);
    }
    press(&mut review, "Acme CAM-100");
    review.press(Key::Enter);
    assert_eq!(press(&mut review, "a"), [Effect::Save], "{}", review.message());
    let names: Vec<String> = review.accepted().into_iter().map(|device| device.name).collect();
    assert_eq!(names, ["Acme CAM-100", "Acme CAM-100 (2)"]);
}

#[test]
fn words_that_not_all_banners_have_differ() {
    let banner = "220 CAM-1 ready, unit 7.1 of 9";
    let found = differences(banner, ["220 CAM-1 ready, unit 8.2 of 9", "220 CAM-1 ready, unit 7.1 of 4"]);
    assert_eq!(found.iter().map(|place| &banner[place.clone()]).collect::<Vec<_>>(), ["7.1", "9"]);
    assert!(differences(banner, []).is_empty());
}

#[test]
fn what_was_edited_or_put_off_comes_again() {
    let mut first = review(Vec::new());
    press(&mut first, "s");
    press(&mut first, "ex");
    first.press(Key::Enter);
    let edited = first.draft().clone();
    let drafts = first.drafts();
    assert_eq!(drafts.len(), 1);
    let parts = review(Vec::new());
    let mut again = Review::new(
        parts.groups,
        vec!["220 Frobnicator on a server".to_owned()],
        parts.catcher,
        first.decisions,
        drafts,
    );
    assert_eq!((again.at(), again.draft()), (1, &edited));
    // The others first, then what was put off; in this session that is the end of it.
    press(&mut again, "r");
    assert_eq!(again.at(), 2);
    press(&mut again, "r");
    assert_eq!(again.at(), 0);
    press(&mut again, "s");
    assert!(again.message().contains("every group is decided on"), "{}", again.message());
}

#[test]
fn the_first_proposal_shown_is_one_that_can_be_accepted() {
    let parts = review(Vec::new());
    let mut groups = parts.groups;
    groups[2].proposals.push(draft("Frob", "F1", "^220 Frobnicator files$"));
    let mut review =
        Review::new(groups, vec!["220 Frobnicator on a server".to_owned()], parts.catcher, Vec::new(), BTreeMap::new());
    review.press(Key::End);
    assert_eq!(review.proposal(), (2, false));
    assert_eq!(press(&mut review, "a"), [Effect::Save], "{}", review.message());
}
