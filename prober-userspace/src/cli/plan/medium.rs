//! What the user says of networks: their kind, time zone and a time of waiting.

use crate::network::congestion::medium::Medium;

/// Parses the kind of a network.
pub(super) fn medium(text: &str) -> Result<Medium, String> {
    text.parse().map_err(|error: crate::network::congestion::medium::UnknownMedium| error.to_string())
}

/// Parses `+09:00`, `-3:30` or `9` as seconds ahead of UTC.
pub(super) fn utc_offset(text: &str) -> Result<i32, String> {
    let wrong = || format!("`{text}` is not an offset from UTC: write it like +09:00 or -3");
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let number = |text: &str, most: i32| {
        let plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| plain && *number <= most)
    };
    let (hours, minutes) = (number(hours, 14).ok_or_else(wrong)?, number(minutes, 59).ok_or_else(wrong)?);
    let offset_s = sign * (hours * 3600 + minutes * 60);
    if offset_s.abs() > 14 * 3600 { Err(wrong()) } else { Ok(offset_s) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_as_people_write_them() {
        let seconds = ["+09:00", "9", "-3:30", "0", "+14"].map(utc_offset);
        assert_eq!(seconds, [Ok(32_400), Ok(32_400), Ok(-12_600), Ok(0), Ok(50_400)]);
        for text in ["", "+", "15", "14:30", "9:60", "JST", "+-3", "09:00:00"] {
            assert!(utc_offset(text).is_err(), "{text}");
        }
    }
}
