//! Named figures of a trace, in a fixed order: what models are trained on and what explanations quote.

/// Figures with their names. A figure that cannot be had is NaN; what is not finite otherwise becomes NaN as well.
#[derive(Clone, Debug, Default)]
pub struct Features {
    names: Vec<&'static str>,
    values: Vec<f32>,
}

impl Features {
    /// Adds the next one.
    pub fn push(&mut self, name: &'static str, value: f64) {
        let value = value as f32;
        self.names.push(name);
        self.values.push(if value.is_finite() { value } else { f32::NAN });
    }

    /// Names, in order.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Values, in the same order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One value by its name.
    pub fn value(&self, name: &str) -> Option<f32> {
        let place = self.names.iter().position(|known| *known == name)?;
        Some(self.values[place]).filter(|value| value.is_finite())
    }
}
