//! Figures cut into at most 256 ranges, so that splits are looked for over counts instead of values.

/// Most ranges of one figure; range 0 holds what is missing.
const RANGES_MAX: usize = 256;

/// All examples, figure by figure.
pub(super) struct Bins {
    /// For each figure, the range of each example.
    columns: Vec<Vec<u8>>,
    /// For each figure, the upper ends of ranges 1, 2, ...; the last range has none.
    ends: Vec<Vec<f32>>,
}

impl Bins {
    pub(super) fn new(rows: &[&[f32]]) -> Self {
        let features = rows.first().map_or(0, |row| row.len());
        let ends: Vec<Vec<f32>> = (0..features).map(|feature| ends_of(rows, feature)).collect();
        let range = |value: f32, ends: &[f32]| {
            if value.is_nan() { 0 } else { 1 + ends.partition_point(|end| *end < value) as u8 }
        };
        let column = |(feature, ends): (usize, &Vec<f32>)| rows.iter().map(|row| range(row[feature], ends)).collect();
        Self { columns: ends.iter().enumerate().map(column).collect(), ends }
    }

    pub(super) fn features(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn column(&self, feature: usize) -> &[u8] {
        &self.columns[feature]
    }

    /// The upper end of range `range`, if it has one above and below.
    pub(super) fn end(&self, feature: usize, range: usize) -> Option<f32> {
        // Between missing and present: everything that is present lies above the lowest number.
        if range == 0 { Some(f32::MIN) } else { self.ends[feature].get(range - 1).copied() }
    }
}

/// Halfway between neighbouring values, at equal shares of the examples.
fn ends_of(rows: &[&[f32]], feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> = rows.iter().map(|row| row[feature]).filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let step = (values.len() / (RANGES_MAX - 2)).max(1);
    let mut ends = Vec::new();
    let mut since = 0;
    for pair in values.windows(2) {
        since += 1;
        if since >= step && pair[0] < pair[1] && ends.len() < RANGES_MAX - 2 {
            ends.push(rounded(pair[0], pair[1]));
            since = 0;
        }
    }
    ends
}

/// A number of few digits between two, so that model files stay short: `low <= result < high`.
fn rounded(low: f32, high: f32) -> f32 {
    let middle = f64::from(low) + (f64::from(high) - f64::from(low)) / 2.0;
    for digits in 2..9 {
        let text = format!("{middle:.digits$e}");
        let short: f32 = text.parse().expect("what Rust prints, Rust reads");
        if low <= short && short < high {
            return short;
        }
    }
    low
}
