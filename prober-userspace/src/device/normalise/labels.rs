//! The names of values that differ from one device, or one moment, to the next.

/// What follows a label at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A value to the end of the line.
    Value,
    /// A cookie.
    Cookie,
}

/// Labels of lines, in lower case, by length.
const LINES: &[&[u8]] = &[
    b"age",
    b"date",
    b"etag",
    b"sha1",
    b"serial",
    b"sha256",
    b"call-id",
    b"expires",
    b"x-runtime",
    b"not after",
    b"not-after",
    b"not_after",
    b"notafter",
    b"validity",
    b"not before",
    b"not-before",
    b"not_before",
    b"notbefore",
    b"fingerprint",
    b"host key",
    b"host-key",
    b"x-request-id",
    b"last-modified",
    b"serial number",
    b"serial-number",
    b"serial_number",
    b"content-length",
    b"x-correlation-id",
];

const COOKIES: &[&[u8]] = &[b"set-cookie", b"cookie"];

/// Longest label.
const LABEL_BYTES_MAX: usize = 16;

/// The label that a line begins with, and its length with the colon.
pub(super) fn line_label(line: &[u8]) -> Option<(Label, usize)> {
    if !line.first()?.is_ascii_alphabetic() {
        return None;
    }
    let len = line.iter().take(LABEL_BYTES_MAX + 1).position(|byte| *byte == b':')?;
    let is = |label: &&&[u8]| label.eq_ignore_ascii_case(&line[..len]);
    if LINES.iter().any(|label| is(&label)) {
        Some((Label::Value, len + 1))
    } else if COOKIES.iter().any(|label| is(&label)) {
        Some((Label::Cookie, len + 1))
    } else {
        None
    }
}

/// Labels within a line, before `=` or `:`, in lower case.
const WITHIN: &[&[u8]] = &[
    b"sn",
    b"s/n",
    b"sid",
    b"nonce",
    b"opaque",
    b"serial",
    b"uptime",
    b"csrftoken",
    b"jsessionid",
    b"phpsessid",
    b"notbefore",
    b"notafter",
    b"sessionid",
    b"session_id",
    b"csrf_token",
    b"serial no",
    b"timestamp",
    b"serialno",
    b"serial_no",
    b"serialnumber",
    b"serial number",
    b"serial_number",
    b"fingerprint",
];

/// Whether `text` ends with a label as a word of its own.
pub(super) fn label_before(text: &[u8]) -> bool {
    let Some(last) = text.last() else { return false };
    // Most colons and equal signs are settled by the letter before them.
    if !WITHIN.iter().any(|label| label.last().is_some_and(|end| end.eq_ignore_ascii_case(last))) {
        return false;
    }
    WITHIN.iter().any(|label| {
        let Some(start) = text.len().checked_sub(label.len()) else { return false };
        text[start..].eq_ignore_ascii_case(label)
            && (start == 0 || !matches!(text[start - 1], b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'))
    })
}
