//! Figures in the text format of Prometheus (exposition format 0.0.4). What the figures are is said by whoever adds them.

use std::fmt::Write;

use super::Page;

/// Where they are found.
pub const PATH: &str = "/metrics";

/// What a figure does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// Figures, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// Adds a figure without labels.
    pub fn add(&mut self, name: &str, kind: MetricKind, help: &str, value: f64) {
        self.add_family(name, kind, help, "", [(String::new(), value)]);
    }

    /// Adds a figure for each value of a label; of none, nothing.
    pub fn add_family(
        &mut self,
        name: &str,
        kind: MetricKind,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let mut head = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (label_value, value) in values {
            self.text.push_str(&head.take().unwrap_or_default());
            self.text.push_str(name);
            if !label.is_empty() {
                let escaped = label_value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(self.text, "{{{label}=\"{escaped}\"}}");
            }
            let _ = writeln!(self.text, " {}", shown(value));
        }
    }

    /// As it is served.
    pub fn into_page(self) -> Page {
        Page { content_type: "text/plain; version=0.0.4; charset=utf-8", body: self.text }
    }
}

fn shown(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}
