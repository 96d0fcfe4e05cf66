//! What our own probes' answers tell of the networks that hosts sit behind (METHODS sections 2 to 6): hop counts and transit,
//! the type of access network, why probes fail, how busy it is, and which networks are alike. Pure: traces and times in,
//! estimates out.

pub mod access;
pub mod boost;
pub mod bounds;
pub mod built_in;
pub mod calibration;
pub mod cause;
pub mod cluster;
pub mod congestion;
pub mod digest;
pub mod evaluation;
pub mod feature;
pub mod field;
pub mod hop;
pub mod learn;
pub mod local_time;
pub mod model;
pub mod novelty;
pub mod piece;
pub mod posterior;
pub mod sample;
pub mod sketch;
pub mod task;
pub mod transit;
