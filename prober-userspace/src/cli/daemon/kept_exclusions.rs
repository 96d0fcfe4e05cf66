//! What is excluded, from one start of the daemon to the next: the lists may lose it while nobody looks.

use crate::io::store::{Store, StoreError};
use crate::model::utc::UtcMicros;
use crate::target::address_set::AddressSet;
use crate::target::exclusions::Exclusions;
use crate::target::range::AddressRange;
use prober_common::address::V4;

/// Under which they are kept, as pairs of numbers.
const EXCLUSIONS: &str = "exclusions";

/// What was excluded last; of a database that keeps none, what was when its last watch began.
pub fn excluded_last(store: &Store) -> anyhow::Result<AddressSet> {
    let Some((text, _)) = store.service_state(EXCLUSIONS)? else {
        return Ok(store.excluded_by_last_watch()?.into_iter().collect());
    };
    let pairs: Vec<(u32, u32)> = serde_json::from_str(&text)?;
    Ok(pairs.into_iter().map(|(first, last)| AddressRange::between(V4(first), V4(last))).collect())
}

/// Keeps what is excluded from now on.
pub(super) fn keep(store: &Store, exclusions: &Exclusions, at: UtcMicros) -> Result<(), StoreError> {
    let pairs: Vec<(u32, u32)> =
        exclusions.addresses().ranges().map(|range| (range.first().0, range.last().0)).collect();
    store.keep_service_state(EXCLUSIONS, &serde_json::json!(pairs).to_string(), at)
}
