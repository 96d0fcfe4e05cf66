//! What makes two access networks alike or near, as numbers whose distance means something.

/// The day in parts of two hours: busy shares of working days.
pub const BINS: usize = 12;
/// Prefix, hops, latitude, longitude.
const NEARNESS: usize = 4;
/// All dimensions.
pub(super) const DIMENSIONS: usize = BINS + NEARNESS;

/// A whole address space, 30 hops or 10 degrees apart count as this much difference of load in one part of the day.
const NEAR_WEIGHT: f32 = 0.3;
/// Answers that pull a part's busy share half way from the day's mean to itself.
const SHRINK_ANSWERS: f32 = 4.0;

/// A network's nearness and load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    pub(super) at: [f32; DIMENSIONS],
}

impl Likeness {
    /// From the first address of a prefix, hops and place if known, and for each part of the day the share of answers that had to
    /// wait with the number of answers. A part without answers takes the day's mean.
    pub fn new(address: u32, hops: Option<u8>, place: Option<(f32, f32)>, busy: &[(f32, f32); BINS]) -> Self {
        let mut at = [0.0; DIMENSIONS];
        let sane = |(share, answers): &(f32, f32)| (0.0..=1.0).contains(share) && *answers > 0.0 && answers.is_finite();
        let (mut sum, mut answers) = (0.0, 0.0);
        for part in busy.iter().filter(|part| sane(part)) {
            sum += part.0 * part.1;
            answers += part.1;
        }
        let mean = if answers > 0.0 { sum / answers } else { 0.5 };
        for (at, part) in at.iter_mut().zip(busy) {
            *at = if sane(part) { (part.0 * part.1 + mean * SHRINK_ANSWERS) / (part.1 + SHRINK_ANSWERS) } else { mean };
        }
        at[BINS] = address as f32 / u32::MAX as f32 * NEAR_WEIGHT;
        at[BINS + 1] = f32::from(hops.unwrap_or(12)) / 30.0 * NEAR_WEIGHT;
        let place = place.filter(|(latitude, longitude)| latitude.abs() <= 90.0 && longitude.abs() <= 180.0);
        let (latitude, longitude) = place.unwrap_or((0.0, 0.0));
        at[BINS + 2] = latitude / 10.0 * NEAR_WEIGHT;
        at[BINS + 3] = longitude / 10.0 * NEAR_WEIGHT;
        Self { at }
    }

    /// Squared distance.
    #[inline]
    pub(super) fn distance(&self, other: &Self) -> f32 {
        self.at.iter().zip(&other.at).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// Load by part of the day.
    pub fn load(&self) -> &[f32] {
        &self.at[..BINS]
    }
}
