//! On what it was measured, in one line.

use std::{fs, thread::available_parallelism};

/// Cores, processor and kernel.
pub(crate) fn describe() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {}, Linux {}", processor(), kernel.trim())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name");
    model.map_or_else(
        || String::from(std::env::consts::ARCH),
        |(_, value)| value.trim().to_owned(),
    )
}
