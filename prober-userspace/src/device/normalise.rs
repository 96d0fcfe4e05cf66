//! Replaces what differs between two banners of the same device by placeholders: dates and times, tags, lengths, session
//! ids, nonces, serial-like runs, UUIDs, hardware and IP addresses, validity, serial and fingerprints of certificates.
//! Replacing again changes nothing. What a keyword can be about stays: names of headers and cookies, the maker's part of
//! hardware addresses, short numbers, everything that may be a version or a model number.

mod labels;
mod runs;

#[cfg(test)]
mod tests;

use labels::{Label, label_before, line_label};

/// What stands for a value with a label.
const VALUE: &[u8] = b"<value>";
/// Longest value after a label within a line; what is longer is text.
const VALUE_BYTES_MAX: usize = 512;

/// The normalised text.
pub fn normalise(text: &[u8]) -> Vec<u8> {
    let mut normalised = Vec::with_capacity(text.len());
    normalise_into(text, &mut normalised);
    normalised
}

/// Appends the normalised text to `out`. One pass.
pub fn normalise_into(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    let mut in_cookie = false;
    let mut at_line_start = true;
    while let Some(&byte) = text.get(at) {
        if at_line_start {
            at_line_start = false;
            in_cookie = false;
            match line_label(&text[at..]) {
                Some((Label::Value, len)) => {
                    at = replace_line(text, at, len, out);
                    continue;
                }
                Some((Label::Cookie, len)) => {
                    out.extend_from_slice(&text[at..at + len]);
                    at += len;
                    in_cookie = true;
                    continue;
                }
                None => {}
            }
        }
        match byte {
            b'\n' => {
                out.push(byte);
                at += 1;
                at_line_start = true;
            }
            b'=' | b':' => {
                out.push(byte);
                at += 1;
                // The first pair of a cookie is its value; the others are attributes.
                let is_cookie = byte == b'=' && std::mem::take(&mut in_cookie);
                if is_cookie || label_before(&text[..at - 1]) {
                    at = replace_value(text, at, is_cookie, out);
                }
            }
            _ if byte.is_ascii_alphanumeric() => at = runs::replace(text, at, out),
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
}

/// Keeps the label (`len` bytes) and what blanks follow it; the rest of the line is one value.
fn replace_line(text: &[u8], at: usize, len: usize, out: &mut Vec<u8>) -> usize {
    let value = at + len + text[at + len..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    out.extend_from_slice(&text[at..value]);
    let end = value + text[value..].iter().take_while(|byte| !matches!(byte, b'\r' | b'\n')).count();
    if end > value {
        out.extend_from_slice(VALUE);
    }
    end
}

/// Keeps quotes and blanks before the value.
fn replace_value(text: &[u8], at: usize, is_cookie: bool, out: &mut Vec<u8>) -> usize {
    let mut begin = at;
    if text.get(begin) == Some(&b' ') {
        begin += 1;
    }
    let quote = text.get(begin).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    begin += usize::from(quote.is_some());
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote || matches!(byte, b'\r' | b'\n'),
        None => {
            byte.is_ascii_whitespace() || matches!(byte, b';' | b',' | b'&' | b'"' | b'\'' | b'<' | b'>' | b')' | 0)
        }
    };
    let len = text[begin..].iter().take(VALUE_BYTES_MAX + 1).take_while(|byte| !ends(byte)).count();
    let value = &text[begin..begin + len];
    let volatile = !is_cookie || (len >= 8 && value.iter().any(u8::is_ascii_digit));
    if len == 0 || len > VALUE_BYTES_MAX || !volatile || value.starts_with(b"<") {
        return at;
    }
    out.extend_from_slice(&text[at..begin]);
    out.extend_from_slice(VALUE);
    begin + len
}
