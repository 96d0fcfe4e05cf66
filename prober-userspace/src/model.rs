//! The nouns that several parts share. Pure: no clock, no I/O.

pub mod access;
pub mod attribution;
pub mod banner;
pub mod cause;
pub mod device;
pub mod link;
pub mod look;
pub mod mac;
pub mod outlook;
pub mod query;
pub mod request;
pub mod scan;
pub mod service_status;
pub mod status;
pub mod text;
pub mod trace;
pub mod utc;
pub mod watch;
