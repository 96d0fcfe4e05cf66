//! Proposals as a person would want them.

use super::*;

fn proposals(groups: &[&[&str]]) -> Vec<Vec<Draft>> {
    let groups: Vec<Vec<String>> =
        groups.iter().map(|banners| banners.iter().map(|banner| (*banner).to_owned()).collect()).collect();
    let suggester = Suggester::new(&groups, ["Acme Networks", "Acme", "Other"]);
    (0..groups.len()).map(|group| suggester.proposals(group, &groups[group], &[])).collect()
}

const GROUPS: [&[&str]; 3] = [
    &[
        "HTTP/1.1 401 Unauthorized\r\nServer: httpd/1.2\r\nWWW-Authenticate: Basic realm=\"Acme IP Camera DX-900\"\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nServer: httpd/1.3\r\nWWW-Authenticate: Basic realm=\"Acme IP Camera DX-900\"\r\n\r\n",
    ],
    &[
        "HTTP/1.1 401 Unauthorized\r\nServer: httpd/1.2\r\nWWW-Authenticate: Basic realm=\"Acme IP Camera DX-950\"\r\n\r\n",
    ],
    &["220 Frobnicator router FTP, unit A1B2C3D4E5 ready\r\n"],
];

#[test]
fn the_name_of_the_model_comes_first() {
    let all = proposals(&GROUPS);
    let best = &all[0][0];
    assert_eq!((&*best.maker, &*best.model, &*best.kind), ("Acme", "DX-900", "camera"), "{best:?}");
    assert_eq!(best.name, "Acme DX-900");
    let (pattern, weight) = &best.keywords[0];
    assert!(pattern.contains(r"DX\-900") && weight == "1", "{best:?}");
    let device = best.device("test", vec![GROUPS[0][0].to_owned()]).unwrap();
    assert_eq!(device.level().number(), 4);
}

#[test]
fn without_a_model_the_weight_is_lower_and_no_serial_number_is_a_keyword() {
    let all = proposals(&GROUPS);
    let best = &all[2][0];
    assert_eq!((&*best.model, &*best.kind), ("", "router"), "{best:?}");
    assert_eq!(best.keywords[0].1, "0.8");
    assert!(all[2].iter().all(|draft| !draft.keywords[0].0.contains("A1B2")), "{:?}", all[2]);
}

#[test]
fn a_draft_says_what_is_wrong_with_it() {
    let draft = |change: fn(&mut Draft)| {
        let mut draft = proposals(&GROUPS)[0][0].clone();
        change(&mut draft);
        draft.device("test", Vec::new()).unwrap_err()
    };
    assert!(draft(|draft| draft.maker.clear()).contains("name the maker"));
    assert!(draft(|draft| draft.kind = "toaster".into()).contains("toaster"));
    assert!(draft(|draft| draft.keywords[0].1 = "much".into()).contains("not a number"));
    assert!(draft(|draft| draft.keywords[0].0 = "(".into()).starts_with("keyword"));
    assert!(draft(|draft| draft.keywords.clear()).contains("no keywords"));
}
