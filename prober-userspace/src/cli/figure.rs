//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds with about four significant digits.
pub(super) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.3}"),
        ms if ms < 100.0 => format!("{ms:.2}"),
        ms if ms < 1000.0 => format!("{ms:.1}"),
        ms => grouped(ms.round() as u64),
    }
}

/// A share as percent: `1.28 %`, `0.0042 %`; nothing for nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        0.0 => "0 %".to_owned(),
        share if share < 0.1 => format!("{share:.4} %"),
        share if share < 10.0 => format!("{share:.2} %"),
        share => format!("{share:.1} %"),
    }
}

/// `950 pps`, `10.0 kpps`, `1.28 Mpps`.
pub(super) fn rate(pps: f64) -> String {
    format!("{}pps", scaled(pps))
}

/// With a metric prefix, for axes and rates: `950 `, `10.0 k`, `1.28 M`.
pub(super) fn scaled(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{:.2} G", value / 1e9),
        value if value >= 1e6 => format!("{:.2} M", value / 1e6),
        value if value >= 1e4 => format!("{:.1} k", value / 1e3),
        value if value >= 100.0 || value.fract() == 0.0 => format!("{} ", grouped(value.round() as u64)),
        value => format!("{value:.1} "),
    }
}

/// `12.3 s`, `4 min 12 s`, `2 h 03 min`, `3 d 04 h`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(grouped)[..]);
        assert_eq!(["0.008", "12.35", "120.5", "67,108"], [0.008, 12.346, 120.46, 67_108.1].map(millis)[..]);
        assert_eq!(percent(1, 0), "-");
        assert_eq!([percent(128, 10_000), percent(1, 100_000), percent(1, 2)], ["1.28 %", "0.0010 %", "50.0 %"]);
        assert_eq!([rate(950.0), rate(1e4), rate(1.28e6)], ["950 pps", "10.0 kpps", "1.28 Mpps"]);
        let durations = [12.34, 252.0, 7_380.0, 273_700.0].map(duration);
        assert_eq!(durations, ["12.3 s", "4 min 12 s", "2 h 03 min", "3 d 04 h"]);
    }
}
