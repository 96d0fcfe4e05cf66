//! Each rule finds its fault, and the starter database has none.

use super::*;
use crate::device::starter;

const GOOD: &str = "maker = 'A'\n[[device]]\nname = 'A 1'\nkind = 'camera'\nmodel = '1'\nsource = 's'\n\
                    keywords = [{ regex = 'abcd-1', weight = 1.0 }]\nexamples = ['220 abcd-1 ready']\n";

fn rules(text: &str, negatives: &[Negative]) -> Vec<&'static str> {
    let (database, faults) = Database::load([("x.toml", text)]);
    assert_eq!(faults, []);
    lint(&database, negatives).iter().map(|finding| finding.rule.name()).collect()
}

#[test]
fn each_rule_finds_its_fault() {
    assert_eq!(rules(GOOD, &[]), [""; 0]);
    assert_eq!(rules(&GOOD.replace("model = '1'\n", ""), &[]), ["level"]);
    assert_eq!(rules(&GOOD.replace("220 abcd-1", "220 abcd-2"), &[]), ["example", "keyword"]);
    assert_eq!(rules(&GOOD.replace("weight = 1.0", "weight = 0.5"), &[]), ["example"]);
    assert_eq!(rules(&GOOD.replace("'abcd-1'", "'d-1'"), &[]), ["literal"]);
    assert_eq!(rules(&GOOD.replace("'abcd-1'", "'(?i)server: |abcd-1'"), &[])[..1], ["broad"]);
    let negative = Negative { place: "n.jsonl:1".to_owned(), banner: b"this is abcd-1".to_vec() };
    assert_eq!(rules(GOOD, &[negative]), ["negative"]);
}

#[test]
fn the_starter_database_has_no_finding() {
    let (database, _) = Database::load(starter::files());
    let findings: Vec<String> = lint(&database, &[]).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n"));
}
