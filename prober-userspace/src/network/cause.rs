//! Why probes into a wireless network fail or come back late (METHODS section 4): the figures of a terminal's series that
//! tell, and which of them decided. Each terminal is judged by its own series; of its neighbours only whether any answers counts.

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
mod way;

pub(super) use enough::{Seen, is_enough, rules_out};
pub use estimate::{CauseEstimate, Circumstances, estimate};
pub use explain::Evidence;
pub use features::cause_features;
pub use rows::{Row, rows_of_trace};
