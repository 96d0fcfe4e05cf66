//! The threads of a running scan: plan, transmit, receive, store, control.

pub mod scan;
