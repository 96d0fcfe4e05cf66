//! Whether an observation is like anything that was learnt from. Trees extrapolate: far from all they saw they are as sure as
//! ever. So each class is described by a mixture of Gaussians over a few figures, and a density that hardly any series left
//! out of training had makes the estimate as wide as if nothing had been seen (typicality: Nalisnick et al. 2019,
//! "Detecting out-of-distribution inputs", section 3).

mod mixture;

use serde::{Deserialize, Serialize};

use super::learn::LabelledRow;
use mixture::Mixture;

/// Components of one class.
const COMPONENTS: usize = 6;
/// At this share of series left out that are even less likely, an estimate is believed fully; at none, not at all.
const TAIL_SHARE: f64 = 0.02;
/// Fewest rows that a class is described by.
const ROWS_MIN: usize = 12;

/// What series of some lengths look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Typical {
    /// Fewest probes.
    pub probes_from: usize,
    /// One for each class that there was enough of.
    classes: Vec<Option<Mixture>>,
    /// Log-densities of the likeliest class that the least likely of series left out had, rising: the ends of equal shares from none to
    /// [`TAIL_SHARE`]. Empty before it is calibrated.
    tail: Vec<f64>,
}

/// What is typical, over some of the figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Places of the figures looked at.
    pub figures: Vec<u16>,
    /// By number of probes, rising.
    pub lengths: Vec<Typical>,
}

impl Novelty {
    /// Describes `rows` of `classes` classes over the figures at these places; without figures everything is typical.
    pub fn learn(rows: &[&LabelledRow], classes: usize, figures: &[u16], lengths: &[usize]) -> Self {
        if figures.is_empty() {
            return Self::default();
        }
        let typical = |(place, &probes_from): (usize, &usize)| {
            let to = lengths.get(place + 1).copied().unwrap_or(usize::MAX);
            let class = |class: usize| {
                let of = rows.iter().filter(|row| row.class == class && (probes_from..to).contains(&row.probes));
                let points: Vec<(Vec<f64>, f64)> = of.map(|row| (pick(figures, &row.values), row.weight)).collect();
                (points.len() >= ROWS_MIN).then(|| Mixture::fit(&points, COMPONENTS, class as u64))
            };
            Typical { probes_from, classes: (0..classes).map(class).collect(), tail: Vec::new() }
        };
        Self { figures: figures.to_vec(), lengths: lengths.iter().enumerate().map(typical).collect() }
    }

    /// Log-density of the figures under the likeliest class; `None` where nothing is known of such lengths.
    pub fn density(&self, values: &[f32], probes: usize) -> Option<f64> {
        let typical = self.typical(probes)?;
        let point = pick(&self.figures, values);
        let densities = typical.classes.iter().flatten().map(|mixture| mixture.log_density(&point));
        densities.max_by(f64::total_cmp)
    }

    /// Sets what is rare, by densities (with probes) of series that it was not learnt from.
    pub fn calibrate(&mut self, densities: &[(usize, f64)]) {
        let from: Vec<usize> = self.lengths.iter().map(|typical| typical.probes_from).collect();
        for (place, typical) in self.lengths.iter_mut().enumerate() {
            let to = from.get(place + 1).copied().unwrap_or(usize::MAX);
            let range = typical.probes_from..to;
            let found = densities.iter().filter(|(probes, _)| range.contains(probes)).map(|(_, density)| *density);
            let mut found: Vec<f64> = found.filter(|density| density.is_finite()).collect();
            found.sort_unstable_by(f64::total_cmp);
            let rare = (found.len() as f64 * TAIL_SHARE).ceil() as usize;
            let ends = [0, rare / 4, rare / 2, 3 * rare / 4, rare];
            typical.tail = ends.into_iter().filter_map(|end| found.get(end).copied()).map(rounded).collect();
        }
    }

    /// How far an estimate can be believed, 0 (like nothing that was learnt) to 1.
    pub fn belief(&self, values: &[f32], probes: usize) -> f64 {
        self.belief_at(self.density(values, probes), probes)
    }

    /// The same at a log-density; 1 where nothing is known.
    pub fn belief_at(&self, density: Option<f64>, probes: usize) -> f64 {
        let tail = self.typical(probes).map_or(&[][..], |typical| &typical.tail);
        match density {
            Some(density) if tail.len() > 1 => {
                tail.iter().filter(|end| density >= **end).count() as f64 / tail.len() as f64
            }
            _ => 1.0,
        }
    }

    /// Whether it fits figures of this number and classes of that.
    pub fn is_sound(&self, figures: usize, classes: usize) -> bool {
        self.figures.iter().all(|figure| usize::from(*figure) < figures)
            && self.lengths.iter().all(|typical| {
                let fits = |mixture: &Mixture| mixture.is_sound(self.figures.len());
                typical.classes.len() == classes
                    && typical.classes.iter().flatten().all(fits)
                    && typical.tail.iter().all(|end| end.is_finite())
            })
    }

    fn typical(&self, probes: usize) -> Option<&Typical> {
        let place = self.lengths.partition_point(|typical| typical.probes_from <= probes);
        self.lengths.get(place.checked_sub(1)?)
    }
}

/// Widened by doubt: with belief 0 every class is as likely as any other.
pub fn widened(shares: &[f64], belief: f64) -> Vec<f64> {
    let even = 1.0 / shares.len().max(1) as f64;
    shares.iter().map(|share| belief * share + (1.0 - belief) * even).collect()
}

fn pick(figures: &[u16], values: &[f32]) -> Vec<f64> {
    figures.iter().map(|figure| values.get(usize::from(*figure)).map_or(f64::NAN, |value| f64::from(*value))).collect()
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: [f32; 2], class: usize) -> LabelledRow {
        LabelledRow { values: values.to_vec(), class, probes: 9, weight: 1.0, ..LabelledRow::default() }
    }

    #[test]
    fn what_no_class_is_like_is_not_believed() {
        let spread = |index: usize| (index % 20) as f32 / 20.0;
        let rows: Vec<LabelledRow> = (0..400)
            .map(|index| {
                let class = index % 2;
                row([spread(index / 2) + 5.0 * class as f32, spread(index / 7)], class)
            })
            .collect();
        let known: Vec<&LabelledRow> = rows.iter().step_by(2).chain(rows.iter().skip(1).step_by(4)).collect();
        let mut novelty = Novelty::learn(&known, 2, &[0, 1], &[1, 5]);
        assert!((novelty.belief(&[90.0, 0.0], 9) - 1.0).abs() < 1e-9, "not calibrated yet");
        let densities: Vec<(usize, f64)> =
            rows.iter().map(|row| (9, novelty.density(&row.values, 9).expect("rows of this length"))).collect();
        novelty.calibrate(&densities);
        assert!((novelty.belief(&[0.5, 0.5], 9) - 1.0).abs() < 1e-9);
        assert!((novelty.belief(&[5.5, 0.5], 9) - 1.0).abs() < 1e-9);
        assert!(novelty.belief(&[2.75, 0.5], 9) < 1e-9, "between the classes, like neither");
        assert!(novelty.belief(&[0.5, -40.0], 9) < 1e-9);
        assert!((novelty.belief(&[0.5, f32::NAN], 9) - 1.0).abs() < 1e-9, "a figure that is missing is no surprise");
        assert!(novelty.is_sound(2, 2) && !novelty.is_sound(1, 2));
        assert_eq!(widened(&[1.0, 0.0], 0.0), [0.5, 0.5]);
    }
}
