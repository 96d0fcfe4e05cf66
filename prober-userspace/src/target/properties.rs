//! How properties are tested: with a fixed seed, so that a failure is there again tomorrow, and
//! without files of past failures, which become named tests instead.

use proptest::test_runner::{Config, RngSeed};

/// `cases` cases from the fixed seed; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` look further.
pub(crate) fn config(cases: u32) -> Config {
    let asked = Config::default();
    let seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(20_260) } else { asked.rng_seed };
    let more = std::env::var("PROPTEST_CASES").is_ok();
    Config { cases: if more { asked.cases } else { cases }, rng_seed: seed, failure_persistence: None, ..asked }
}
