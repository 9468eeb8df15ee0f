//! `portico`: the command line.

mod cli;

use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    thrift();
    // First of all: two libraries that each bring a provider must not be left to choose.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("portico: the TLS provider was installed twice");
        return ExitCode::FAILURE;
    }
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portico: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Memory in small pages: huge ones are handed out whole and seldom come back, so that a
/// server that does nothing holds twice what it uses.
fn thrift() {
    // An old kernel does not know it, and works as well without.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
}
