//! A signature being written: fields of text, read as a signature file is, so that faults are named the same.

use serde::{Deserialize, Serialize};

use crate::device::signature;
use crate::model::device::Device;

/// The fields, as they are edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Who makes it; empty where many do.
    pub maker: String,
    /// What people call it.
    pub name: String,
    /// Its kind; empty if unknown.
    pub kind: String,
    /// Its model; empty if unknown.
    pub model: String,
    /// Ports, as in a port expression; empty if unknown.
    pub ports: String,
    /// Pattern of the firmware version; empty if none.
    pub version: String,
    /// Patterns and weights.
    pub keywords: Vec<(String, String)>,
}

/// Weight of what does not tell the model (METHODS section 8).
const WEIGHT_BELOW_MODEL: f64 = 0.8;

impl Draft {
    /// Without a maker there is no model to claim: then the keyword says less.
    #[must_use]
    pub fn without_unowned_model(mut self) -> Self {
        if self.maker.trim().is_empty() && !self.model.is_empty() {
            self.model.clear();
            for (_, weight) in &mut self.keywords {
                *weight = WEIGHT_BELOW_MODEL.to_string();
            }
        }
        self
    }

    /// The device, with these examples; else what is wrong. `source` says where it comes from.
    pub fn device(&self, source: &str, examples: Vec<String>) -> Result<Device, String> {
        let mut file = toml::Table::new();
        let mut device = toml::Table::new();
        device.insert("name".into(), self.name.trim().into());
        for (key, value) in
            [("kind", &self.kind), ("model", &self.model), ("ports", &self.ports), ("version", &self.version)]
        {
            if !value.trim().is_empty() {
                device.insert(key.into(), value.trim().into());
            }
        }
        device.insert("source".into(), source.into());
        let mut keywords = Vec::new();
        for (pattern, weight) in &self.keywords {
            let weight: f64 = weight.trim().parse().map_err(|_| format!("the weight `{weight}` is not a number"))?;
            let mut keyword = toml::Table::new();
            keyword.insert("regex".into(), pattern.as_str().into());
            keyword.insert("weight".into(), weight.into());
            keywords.push(toml::Value::Table(keyword));
        }
        device.insert("keywords".into(), keywords.into());
        device.insert("examples".into(), examples.into_iter().map(toml::Value::from).collect::<Vec<_>>().into());
        if !self.maker.trim().is_empty() {
            file.insert("maker".into(), self.maker.trim().into());
        }
        file.insert("device".into(), vec![toml::Value::Table(device)].into());
        let (devices, faults) = signature::parse("review", &file.to_string());
        match (devices.into_iter().next(), faults.into_iter().next()) {
            (_, Some(fault)) => Err(fault.reason.to_string()),
            (Some(device), None) => Ok(device),
            (None, None) => Err("nothing to read".to_owned()),
        }
    }
}
