//! What our own probes' answers tell of the networks that hosts sit behind (METHODS sections 2 to 4): hop counts and transit,
//! the type of access network, and why probes fail. Pure: traces in, estimates out.

pub mod access;
pub mod boost;
pub mod calibration;
pub mod cause;
pub mod evaluation;
pub mod feature;
pub mod hop;
pub mod learn;
pub mod model;
pub mod posterior;
pub mod sample;
pub mod sketch;
pub mod task;
pub mod transit;
