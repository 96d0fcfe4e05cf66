//! The regular expressions of signatures: over bytes, not Unicode, and bounded in their compiled size. Time is bounded
//! by the engine itself: it never backtracks, so no pattern is catastrophic.

use regex_automata::meta;
use regex_automata::nfa::thompson;
use regex_syntax::hir::Hir;
use regex_syntax::{Parser, ParserBuilder};
use thiserror::Error;

/// Most bytes of a compiled pattern, as its automaton counts them. The largest in known collections need a tenth.
pub const COMPILED_BYTES_MAX: usize = 512 << 10;
/// Deepest nesting of groups.
const NEST_MAX: u32 = 64;
/// Longest pattern, in bytes of its text.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Why a pattern is refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternFault {
    /// Not a regular expression, or one that needs look-around or back-references.
    #[error("not a pattern: {0}")]
    Syntax(String),
    /// It would match every banner.
    #[error("the pattern matches the empty text, and so everything: ask for at least one byte")]
    Empty,
    /// More than [`COMPILED_BYTES_MAX`].
    #[error(
        "the pattern compiles to more than {} KiB: use smaller repetitions",
        COMPILED_BYTES_MAX >> 10
    )]
    TooLarge,
    /// More than the longest text.
    #[error("the pattern is {0} bytes long; at most {TEXT_BYTES_MAX} are taken")]
    TooLong(usize),
    /// A version pattern that has none, or several.
    #[error("a version pattern captures one thing, this one {0}: use (?:...) for other groups")]
    Captures(usize),
}

/// Reads a pattern; refuses what would match everything.
pub fn parse(pattern: &str) -> Result<Hir, PatternFault> {
    if pattern.len() > TEXT_BYTES_MAX {
        return Err(PatternFault::TooLong(pattern.len()));
    }
    let hir = parser().parse(pattern).map_err(|error| PatternFault::Syntax(one_line(&error)))?;
    if hir.properties().minimum_len() == Some(0) {
        return Err(PatternFault::Empty);
    }
    Ok(hir)
}

/// Reads a pattern and refuses it as well if it compiles to too much. Costs some ten microseconds.
pub fn check(pattern: &str) -> Result<Hir, PatternFault> {
    let hir = parse(pattern)?;
    // Captures are counted as well: a version pattern needs them.
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(COMPILED_BYTES_MAX));
    let forward = config.clone().which_captures(thompson::WhichCaptures::All);
    let reverse = config.reverse(true).which_captures(thompson::WhichCaptures::None);
    for config in [forward, reverse] {
        thompson::Compiler::new().configure(config).build_from_hir(&hir).map_err(|_| PatternFault::TooLarge)?;
    }
    Ok(hir)
}

/// A version pattern: checked, with its one capture.
pub fn check_version(pattern: &str) -> Result<(), PatternFault> {
    match check(pattern)?.properties().explicit_captures_len() {
        1 => Ok(()),
        captures => Err(PatternFault::Captures(captures)),
    }
}

/// Compiles a pattern that [`check`] has let through. `captures` costs memory and is for version patterns.
pub fn compile(pattern: &str, captures: bool) -> Result<meta::Regex, PatternFault> {
    let hir = parse(pattern)?;
    let which = if captures { thompson::WhichCaptures::All } else { thompson::WhichCaptures::Implicit };
    let config = meta::Config::new()
        .utf8_empty(false)
        // What was checked is a plain forward and a plain reverse automaton; what is built here may add a prefix.
        .nfa_size_limit(Some(4 * COMPILED_BYTES_MAX))
        .which_captures(which)
        .onepass(captures)
        .hybrid_cache_capacity(256 << 10);
    meta::Builder::new().configure(config).build_from_hir(&hir).map_err(|_| PatternFault::TooLarge)
}

fn parser() -> Parser {
    ParserBuilder::new().unicode(false).utf8(false).nest_limit(NEST_MAX).build()
}

/// The parser's messages draw the pattern over several lines; its last line says what is wrong.
fn one_line(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("unknown reason");
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        assert!(matches!(check("a(b"), Err(PatternFault::Syntax(reason)) if reason == "unclosed group"));
        assert!(matches!(check(r"(a)\1"), Err(PatternFault::Syntax(reason)) if reason.contains("backreferences")));
        assert!(matches!(check("(?=a)b"), Err(PatternFault::Syntax(_))));
        for empty in ["", "a*", "^", r"\b", "(?:|abc)"] {
            assert_eq!(check(empty), Err(PatternFault::Empty), "{empty}");
        }
        for huge in ["((a{1000}){1000}){1000}", r"(?:[^\x00]{1,1000}x){1000}", r"(?u)(?:\w{200}\pL{200}){20}"] {
            assert_eq!(check(huge), Err(PatternFault::TooLarge), "{huge}");
        }
        assert_eq!(check(&"a".repeat(1 << 20)), Err(PatternFault::TooLong(1 << 20)));
        assert!(check(&"(".repeat(10_000)).is_err());
        assert_eq!(check_version("v[0-9]"), Err(PatternFault::Captures(0)));
        assert_eq!(check_version("(v)([0-9])"), Err(PatternFault::Captures(2)));
        assert_eq!(check_version("v([0-9])"), Ok(()));
    }

    #[test]
    fn what_is_checked_compiles() {
        for pattern in [r"(?:a|b){1,60}x", r"(?u)\w{1,8}x", r"(a+)+$", r"x{1,2000}"] {
            assert!(check(pattern).is_ok(), "{pattern}");
            assert!(compile(pattern, false).is_ok() && compile(pattern, true).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn patterns_see_bytes() {
        let is_match = |pattern: &str, text: &[u8]| compile(pattern, false).unwrap().is_match(text);
        assert!(is_match(r"^\xff.\x00$", b"\xff\xfe\x00"));
        assert!(is_match("ルータ", "<title>ルータ".as_bytes()));
        assert!(!is_match(r"^\w", "é".as_bytes()));
    }
}
