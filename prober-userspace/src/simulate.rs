//! Worlds with a virtual clock, to judge estimators and policies on what they were not fitted to. Everything comes from a
//! seed. Left out: packets on a wire (that is the lab).

pub mod access_point;
pub mod accuracy;
pub mod country;
pub mod curve;
pub mod draws;
pub mod population;
pub mod queue;
pub mod standards;
pub mod traffic;
pub mod trial;
pub mod watch;
