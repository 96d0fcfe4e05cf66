//! The probes and the verdict as a peer sees them: `etherparse` reads what we write and writes what we read, so a fault
//! that writing and recognising have in common shows here.

mod forgery;
mod peer;
mod reply;
mod reset;
mod writing;

use proptest::test_runner::{Config, RngSeed};

/// Properties are tested with a fixed seed, so that a failure is there again tomorrow. `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` look further.
pub fn properties(cases: u32) -> Config {
    let asked = Config::default();
    let rng_seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(20_261) } else { asked.rng_seed };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    Config { cases, rng_seed, failure_persistence: None, ..asked }
}
