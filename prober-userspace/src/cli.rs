//! The commands, one file each, and the settings layers. Decisions are made elsewhere; here is what the user types and
//! sees.

pub mod progress;
