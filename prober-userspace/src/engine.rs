//! The threads of a scan and what connects them.
//!
//! ```text
//! planner ─batches─► sender (one per queue) ═ wire ═► XDP ─ring─► receiver ─events─► store writer
//!    ▲ ◄──sent──────────┘                                                              │
//!    └────────────── control: socket, signals, progress, checkpoints ◄──status─────────┘
//!                                 grab (if asked for) ◄──open ports, banners──► store writer
//! ```
//!
//! Data-plane threads work in fixed batches, without locks or logs per packet. What a scan is stands in `scan`.

pub mod congestion_learning;
mod counts;
pub mod estimation;
mod grabbing;
pub mod housekeeping;
pub mod network_learning;
pub mod open;
mod planner;
mod receiver;
pub mod scan;
mod sender;
pub mod session;
mod shared;
mod spacing;
pub mod study;
mod threads;
pub mod watch;
