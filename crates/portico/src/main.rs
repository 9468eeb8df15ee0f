//! `portico`: the command line.

mod cli;

use mimalloc::MiMalloc;
use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

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

/// Memory goes back to the system soon, and comes in small pages: huge ones are handed out
/// whole and seldom come back. By its defaults the allocator holds twice what an idle server
/// uses. It reads its settings before `main` begins, so the program starts itself again with
/// them, once, as the same process.
fn thrift() {
    const GIVE_BACK: &str = "MIMALLOC_PURGE_DELAY";
    const MILLISECONDS: &str = "100";
    #[expect(
        clippy::disallowed_methods,
        reason = "the allocator's own setting, older than any configuration"
    )]
    let set = env::var_os(GIVE_BACK).is_some();
    if set {
        return;
    }
    // An old kernel does not know it, and works as well without.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    let mut arguments = env::args_os();
    let (Some(name), Ok(this)) = (arguments.next(), env::current_exe()) else {
        return;
    };
    // It only comes back if that failed, and then goes on as it is.
    let _ = Command::new(this)
        .arg0(name)
        .args(arguments)
        .env(GIVE_BACK, MILLISECONDS)
        .exec();
}
