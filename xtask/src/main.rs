//! Set-up, run, test, bench and lab of the prober.

fn main() {}
