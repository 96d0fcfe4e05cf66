//! Why probes into a wireless network fail or come back late (METHODS section 4): the figures of a terminal's series that
//! tell, and which of them decided. Each terminal is judged by its own series alone.

mod bursts;
mod chain;
mod delay;
mod enough;
mod estimate;
mod explain;
mod features;
mod ports;
mod release;
mod rows;
mod series;
mod steady;

pub(super) use enough::{is_enough, rules_out};
pub use estimate::{CauseEstimate, estimate};
pub use explain::Evidence;
pub use features::cause_features;
pub use rows::{Row, rows_of_trace};
