//! What a command that only reads wants to see of a database: of its own, or of a running daemon's. How it is gathered and
//! shown is elsewhere.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::scan::ScanId;

/// A look into a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// At what.
    pub sight: Sight,
    /// Shown as JSON, not for people.
    pub json: bool,
    /// Of this database, if the daemon has to have this very one.
    pub database: Option<PathBuf>,
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// The report on a scan.
    Report {
        /// Which; `None`: the latest.
        scan: Option<ScanId>,
        /// Also as one page with charts.
        page: bool,
    },
    /// The clusters of networks.
    Clusters,
    /// When a cluster's networks are to be probed.
    Plan(ClusterPlan),
    /// The ports that find most.
    PortSets(PortSets),
}

/// A plan for a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterPlan {
    /// Its number.
    pub cluster: u32,
    /// Probes to each address within the interval.
    pub ports: u32,
    /// Every address is probed within so many hours.
    pub within_h: f64,
    /// Part of the probes that goes where little is known, 0 to 1.
    pub exploration: f64,
    /// Never faster than this to one network, packets/s.
    pub most_pps: Option<f64>,
}

/// What port sets are to hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortSets {
    /// What a set is to find of what there is, above 0 and at most 1.
    pub coverage: f64,
    /// The standard set leaves out ports open on this many addresses or fewer.
    pub above: u32,
}

/// What was seen, ready to print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// For the terminal, or JSON.
    pub text: String,
    /// The page, if one was wanted.
    pub page: Option<String>,
}

impl From<String> for Seen {
    fn from(text: String) -> Self {
        Self { text, page: None }
    }
}
