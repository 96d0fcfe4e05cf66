//! Readings of the wall clock. The data plane uses the kernel's monotonic clock instead.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::utc::UtcMicros;

/// The wall clock, UTC; 1970 if it is set before that.
pub fn utc_now() -> UtcMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
