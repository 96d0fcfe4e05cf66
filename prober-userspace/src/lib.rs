//! Library of the `prober` daemon and command: targets, engines, store and commands.
//!
//! `model`, `target`, `network`, `device`, `policy` and `simulate` are pure: they take time, randomness and settings as
//! arguments. Only `io`, `engine` and `cli` touch the world.

pub mod cli;
pub mod device;
pub mod engine;
pub mod io;
pub mod model;
pub mod network;
pub mod policy;
pub mod simulate;
pub mod target;
