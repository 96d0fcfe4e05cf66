//! `prober-lab`: the lab for people, and for `cargo xtask lab`.

use std::process::ExitCode;

use clap::Parser;
use prober_tests::command::{Arguments, carry_out};

fn main() -> ExitCode {
    prober_tests::sys::end_with_the_reader();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    match carry_out(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
