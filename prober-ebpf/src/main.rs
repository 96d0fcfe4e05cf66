//! The XDP programs. On the host this builds to nothing.

fn main() {}
