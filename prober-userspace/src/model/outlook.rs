//! What a watch knows of an address, and what it does there next and why: the answer to `prober plan why`. How it comes about
//! is in `policy`, how it is printed in `cli`.

use serde::{Deserialize, Serialize};

/// What a watch knows of an address, and what it does there next. Times are UTC, as text. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The address.
    pub address: String,
    /// Which scheme.
    pub scheme: String,
    /// What is known of it: new, silent, gone, answering, device or honeypot.
    pub standing: String,
    /// Its device, if it is known.
    pub device: Option<String>,
    /// TCP ports known to be open.
    pub open_ports: Vec<u16>,
    /// When it was last visited, if ever.
    pub visited_at: Option<String>,
    /// When the next visit is due.
    pub due_at: String,
    /// Whether that is past.
    pub overdue: bool,
    /// Whether a visit is under way just now.
    pub under_way: bool,
    /// From the last visit to the next, or between visits of its kind.
    pub interval_hours: f64,
    /// Why it is not visited although it is due.
    pub held_back: Option<String>,
    /// Its cluster of networks.
    pub cluster: Option<u16>,
    /// Probes of the next visit.
    pub probes: u64,
    /// Their ports.
    pub ports: Vec<u16>,
    /// Why, one clause each.
    pub reasons: Vec<String>,
}
