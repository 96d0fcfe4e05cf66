//! When to probe whom, and how fast: time slots and the profiles of congestion behind them, plans that are explained, and
//! the pace within a scan. Pure: times and chance are given.

pub mod clock_guard;
pub mod delay_watch;
pub mod derive;
pub mod due;
pub mod grid;
pub mod interval;
pub mod learner;
pub mod learnt_networks;
pub mod pacer;
pub mod plan;
pub mod planner;
pub mod port_bits;
pub mod profile;
pub mod quiet;
pub mod rollout;
pub mod sample;
pub mod scheme;
pub mod starter;
pub mod study;
pub mod target_state;
pub mod visits;
