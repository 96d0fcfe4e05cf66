//! What a trial found: named figures, each with what it has to be.

use std::fmt;

use serde::Serialize;

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Anything: it is there to be read.
    Any,
    /// Exactly this.
    Exactly(f64),
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is, with its unit as the last word if it has one.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// What it has to be.
    pub bound: Bound,
}

/// What a trial found. The fields are stable: `prober-lab trial --json` prints them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The trial.
    pub trial: String,
    /// In the order they were found.
    pub figures: Vec<Figure>,
    /// What figures cannot say.
    pub remarks: Vec<String>,
}

impl Figure {
    /// Whether it is what it has to be.
    pub fn holds(&self) -> bool {
        match self.bound {
            Bound::Any => true,
            Bound::Exactly(wanted) => self.value.to_bits() == wanted.to_bits(),
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        }
    }
}

impl Finding {
    /// Nothing found yet.
    pub fn new(trial: &str) -> Self {
        Self { trial: trial.to_owned(), figures: Vec::new(), remarks: Vec::new() }
    }

    /// Adds a figure that is there to be read.
    pub fn note(&mut self, name: impl Into<String>, value: f64) {
        self.add(name, value, Bound::Any);
    }

    /// Adds a count that has to be exactly this.
    pub fn exactly(&mut self, name: impl Into<String>, value: u64, wanted: u64) {
        self.add(name, value as f64, Bound::Exactly(wanted as f64));
    }

    /// Adds a figure with its bound.
    pub fn add(&mut self, name: impl Into<String>, value: f64, bound: Bound) {
        self.figures.push(Figure { name: name.into(), value, bound });
    }

    /// Adds all figures of another trial, each with `prefix` before its name.
    pub fn absorb(&mut self, prefix: &str, other: Self) {
        let prefixed = |figure: Figure| Figure { name: format!("{prefix}: {}", figure.name), ..figure };
        self.figures.extend(other.figures.into_iter().map(prefixed));
        self.remarks.extend(other.remarks.into_iter().map(|remark| format!("{prefix}: {remark}")));
    }

    /// Adds what figures cannot say.
    pub fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    /// A figure by its name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// Whether every figure is what it has to be.
    pub fn holds(&self) -> bool {
        self.figures.iter().all(Figure::holds)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.trial, if self.holds() { "holds" } else { "DOES NOT HOLD" })?;
        for figure in &self.figures {
            let bound = match figure.bound {
                Bound::Any => String::new(),
                Bound::Exactly(wanted) => format!("(must be {wanted})"),
                Bound::AtMost(most) => format!("(at most {most})"),
                Bound::AtLeast(least) => format!("(at least {least})"),
            };
            let mark = if figure.holds() { ' ' } else { '!' };
            // Counts as they are, everything else with three digits.
            let digits = if figure.value.fract() == 0.0 { 0 } else { 3 };
            writeln!(f, "{mark} {:<44} {:>14.digits$} {bound}", figure.name, figure.value)?;
        }
        self.remarks.iter().try_for_each(|remark| writeln!(f, "  {remark}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_figure_spoils_the_finding() {
        let mut finding = Finding::new("x");
        finding.note("rate pps", 10.5);
        finding.exactly("probes", 3, 3);
        finding.add("late", 2.0, Bound::AtMost(2.0));
        assert!(finding.holds());
        finding.add("rows", 1.0, Bound::AtLeast(2.0));
        assert!(!finding.holds());
        let text = finding.to_string();
        assert!(text.contains("DOES NOT HOLD") && text.contains("! rows"), "{text}");
        let mut all = Finding::new("all");
        all.absorb("one", finding);
        assert_eq!(all.value("one: probes"), Some(3.0));
    }
}
