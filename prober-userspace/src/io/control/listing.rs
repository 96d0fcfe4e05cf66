//! What a daemon lists over its socket: rows of the database, as they are shown.

use serde::{Deserialize, Serialize};

use crate::io::store::{Complaint, StoredExclusion};
use crate::target::range::AddressRange;

/// A stored exclusion. Stable field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedExclusion {
    /// As it was added.
    pub range: String,
    /// How many addresses it is.
    pub addresses: u64,
    /// Who asked and why.
    pub reason: String,
    /// Since when, UTC.
    pub added_at: String,
    /// Who entered it.
    pub added_by: String,
}

/// Whether an address is excluded. Stable field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedAddress {
    /// Which.
    pub address: String,
    /// By what; `None` if it is not.
    pub by: Option<String>,
    /// Whether by nothing but the IANA special ranges.
    pub only_as_special: bool,
}

/// A complaint. Stable field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedComplaint {
    /// When it was recorded, UTC.
    pub at: String,
    /// By whom.
    pub who: String,
    /// Who complained about what.
    pub text: String,
}

impl From<StoredExclusion> for ListedExclusion {
    fn from(stored: StoredExclusion) -> Self {
        let range = AddressRange::between(stored.first, stored.last);
        Self {
            range: range.to_string(),
            addresses: range.address_count(),
            reason: stored.reason,
            added_at: stored.added_at.to_string(),
            added_by: stored.added_by,
        }
    }
}

impl From<Complaint> for ListedComplaint {
    fn from(complaint: Complaint) -> Self {
        Self { at: complaint.at.to_string(), who: complaint.who, text: complaint.text }
    }
}
