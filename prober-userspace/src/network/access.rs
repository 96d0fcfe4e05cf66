//! Which type of access network a terminal sits behind (METHODS section 3): the figures of a trace that tell, and the
//! posterior over types.

mod bare;
mod contact;
mod estimate;
mod features;
mod grid;
mod level;
mod rows;
mod shape;
mod size;

pub use estimate::{NetworkEstimate, estimate_all, estimate_place};
pub use features::access_features;
pub use rows::{Row, rows_of_place};
