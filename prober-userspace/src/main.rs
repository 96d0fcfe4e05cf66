//! The `prober` command: hands the command line over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    prober_userspace::cli::run()
}
