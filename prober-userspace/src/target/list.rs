//! List files of addresses: one or more entries per line, separated by blanks or commas; `#` starts a comment; blank
//! lines and CRLF are fine. Works on text already read, so that ten million lines cost about a second.

use thiserror::Error;

use super::range::{AddressRange, RangeError};

/// A line that could not be understood: file, line number, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {reason}")]
pub struct ListError<R: std::error::Error> {
    /// The file as it was named to us.
    pub file: String,
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub reason: R,
}

/// All ranges of an address list. `file` is only named in the error.
pub fn parse_address_list(text: &[u8], file: &str) -> Result<Vec<AddressRange>, ListError<RangeError>> {
    let mut ranges = Vec::new();
    for_each_line(text, |entry| parse_entries(entry, &mut ranges)).map_err(|(line, reason)| ListError {
        file: file.to_owned(),
        line,
        reason,
    })?;
    Ok(ranges)
}

/// Every line of an address list that cannot be understood, the first ones if they are more than `most`.
pub fn bad_lines(text: &[u8], file: &str, most: usize) -> Vec<ListError<RangeError>> {
    let mut bad = Vec::new();
    let mut done = 0;
    // One more than the last bad line each time, so that each line is looked at once.
    while bad.len() < most {
        let rest = text.splitn(done + 1, |&b| b == b'\n').nth(done).unwrap_or_default();
        let Err((line, reason)) = for_each_line(rest, |entry| parse_entries(entry, &mut Vec::new())) else { break };
        done += line;
        bad.push(ListError { file: file.to_owned(), line: done, reason });
    }
    bad
}

/// Ranges as given on a command line: separated by blanks or commas.
pub fn parse_address_argument(text: &str) -> Result<Vec<AddressRange>, RangeError> {
    let mut ranges = Vec::new();
    parse_entries(text.trim().as_bytes(), &mut ranges)?;
    if ranges.is_empty() {
        return Err(RangeError::Empty);
    }
    Ok(ranges)
}

/// Calls `each` with every line that is not empty, without comment and surrounding blanks; an error comes back with
/// its line number.
pub(super) fn for_each_line<R>(text: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), R>) -> Result<(), (usize, R)> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for (index, line) in text.split(|&b| b == b'\n').enumerate() {
        let line = match line.iter().position(|&b| b == b'#') {
            Some(comment) => &line[..comment],
            None => line,
        };
        let line = line.trim_ascii();
        if !line.is_empty() {
            each(line).map_err(|reason| (index + 1, reason))?;
        }
    }
    Ok(())
}

fn parse_entries(text: &[u8], ranges: &mut Vec<AddressRange>) -> Result<(), RangeError> {
    // The blanks in `a - b` belong to the range; then it must stand alone on its line.
    if let Some(dash) = text.iter().position(|&b| b == b'-') {
        let spaced = text.get(dash + 1) == Some(&b' ') || dash > 0 && text[dash - 1] == b' ';
        if spaced {
            ranges.push(AddressRange::parse(text)?);
            return Ok(());
        }
    }
    for entry in text.split(|&b| b == b',' || b.is_ascii_whitespace()) {
        if !entry.is_empty() {
            ranges.push(AddressRange::parse(entry)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_line_ends_are_tolerated() {
        let text = b"\xef\xbb\xbf# ours\r\n10.0.0.0/24 # lab\r\n\r\n  192.0.2.1,192.0.2.3\t198.51.100.7\n10.1.0.1 - 10.1.0.3\n#";
        let ranges = parse_address_list(text, "scope.txt").expect("a good list");
        let shown: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        let expected = ["10.0.0.0/24", "192.0.2.1", "192.0.2.3", "198.51.100.7", "10.1.0.1-10.1.0.3"];
        assert_eq!(shown, expected);
        assert_eq!(parse_address_list(b"", "empty"), Ok(vec![]));
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = parse_address_list(b"10.0.0.1\n\n10.0.0.300 # typo\n", "scope.txt").expect_err("bad line");
        let shown = error.to_string();
        assert!(shown.starts_with("scope.txt:3: `10.0.0.300` is not an IPv4 address: write"), "{shown}");
    }

    #[test]
    fn every_bad_line_is_named() {
        let lines = |text: &[u8], most| bad_lines(text, "x", most).iter().map(|error| error.line).collect::<Vec<_>>();
        let text = b"# ours\n10.0.0.1\nten\n\n10.0.0.0/33, eleven\n10.0.0.2\ntwelve";
        assert_eq!(lines(text, 10), [3, 5, 7]);
        assert_eq!(lines(text, 2), [3, 5]);
        assert!(lines(b"10.0.0.1\n", 10).is_empty() && lines(b"", 10).is_empty());
    }

    #[test]
    fn an_argument_must_name_something() {
        assert_eq!(parse_address_argument(" , "), Err(RangeError::Empty));
        assert_eq!(parse_address_argument("10.0.0.1, 10.0.0.2").map(|r| r.len()), Ok(2));
    }
}
