//! Steps of a logarithmic axis of delays: 1, 2 and 5 of each factor of ten.

/// Fewest steps: an axis of less would blow noise up.
const FEWEST: i32 = 3;

/// The steps of an axis that holds all of these, ms, rising; at least four of them.
pub(super) fn decade_steps(values_ms: impl Iterator<Item = f64>) -> Vec<f64> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for ms in values_ms.filter(|ms| ms.is_finite()) {
        (low, high) = (low.min(ms.max(1e-3)), high.max(ms.max(1e-3)));
    }
    if low > high {
        (low, high) = (1.0, 10.0);
    }
    let mut first = (low.log10() * 3.0).floor() as i32;
    while step(first) > low {
        first -= 1;
    }
    while step(first + 1) <= low {
        first += 1;
    }
    let mut last = first + FEWEST;
    while step(last) < high {
        last += 1;
    }
    (first..=last).map(step).collect()
}

/// The number of a step to its value: 0 is 1, 1 is 2, 2 is 5, 3 is 10.
fn step(number: i32) -> f64 {
    [1.0, 2.0, 5.0][number.rem_euclid(3) as usize] * 10f64.powi(number.div_euclid(3))
}

/// A step as it is written.
pub(super) fn delay_text(ms: f64) -> String {
    match ms {
        ms if ms < 0.999 => format!("{:.0} µs", ms * 1e3),
        ms if ms < 999.0 => format!("{ms:.0} ms"),
        ms => format!("{:.0} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_as_narrow_as_its_values() {
        let texts =
            |values: &[f64]| decade_steps(values.iter().copied()).iter().map(|ms| delay_text(*ms)).collect::<Vec<_>>();
        assert_eq!(texts(&[6.7, 9.0]), ["5 ms", "10 ms", "20 ms", "50 ms"]);
        assert_eq!(texts(&[10.0, 10.0]), ["10 ms", "20 ms", "50 ms", "100 ms"]);
        assert_eq!(texts(&[300.0, 4_000.0]), ["200 ms", "500 ms", "1 s", "2 s", "5 s"]);
        assert_eq!(texts(&[]), ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(texts(&[0.0, 0.004]), ["1 µs", "2 µs", "5 µs", "10 µs"]);
    }
}
