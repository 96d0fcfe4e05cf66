//! What is said of a pattern holds of every match.

use super::*;
use crate::device::pattern::parse;

fn required_of(pattern: &str) -> Option<Vec<String>> {
    let set = required(&parse(pattern).unwrap(), &no_cost)?;
    Some(set.into_iter().map(|literal| String::from_utf8_lossy(&literal).into_owned()).collect())
}

fn exact_of(pattern: &str) -> Option<(usize, bool)> {
    exact(&parse(pattern).unwrap()).map(|exact| (exact.texts.len(), exact.folded))
}

#[test]
fn literals_are_those_that_every_match_holds() {
    let some = |literals: &[&str]| Some(literals.iter().map(|text| (*text).to_owned()).collect());
    assert_eq!(required_of("Server: Boa"), some(&["server: boa"]));
    assert_eq!(required_of("(?i)Server[0-9]+Boa"), some(&["server"]));
    assert_eq!(required_of("ab[0-9]+abcd.*xyz"), some(&["abcd"]));
    assert_eq!(required_of("(?:abcd|efgh).*"), some(&["abcd", "efgh"]));
    assert_eq!(required_of("(?:abcd|ef).*"), None);
    assert_eq!(required_of("(?:abcd)?x"), None);
    assert_eq!(required_of("(?:ab){2,}.x"), some(&["abab"]));
    assert_eq!(required_of("(?:abcd.|x.efgh)+"), some(&["abcd", "efgh"]));
    assert_eq!(required_of("abc.*"), None);
    assert_eq!(required_of("TZ ?400"), some(&["tz 400", "tz400"]));
}

#[test]
fn a_few_texts_are_the_whole_pattern() {
    assert_eq!(exact_of("Lexmark C792"), Some((1, false)));
    assert_eq!(exact_of(r"Lexmark C792\b"), Some((1, false)));
    assert_eq!(exact_of("(?i)lexmark c792"), Some((1, true)));
    assert_eq!(exact_of("(?:AXIS|Axis) P1344 "), Some((2, false)));
    assert_eq!(exact_of("(?i:lexmark) C792"), None);
    assert_eq!(exact_of("abc"), None);
    assert_eq!(exact_of(r"abcd\bef"), None);
    assert_eq!(exact_of("abcd[0-9]+"), None);
    assert_eq!(exact_of("abcd[0-9]{3}"), None);
}

#[test]
fn beginnings_are_of_anchored_patterns_only() {
    let len = |pattern: &str| beginning(&parse(pattern).unwrap()).len();
    assert_eq!(len("abcd"), 0);
    assert_eq!(len("(?m)^abcd"), 0);
    assert_eq!(len("^ab.d"), 4);
    assert_eq!(len("^ab+cd"), 2);
    assert_eq!(len("^(?:ab|cde)f"), 2);
    assert_eq!(len("^(?:ab|cd)f"), 3);
    assert_eq!(len("^ab|cd"), 0);
}
