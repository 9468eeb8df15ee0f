//! On what it was measured, in one line.

use std::{fs, thread::available_parallelism};

/// Cores, processor and kernel, and how busy it was with other things.
pub(crate) fn describe() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!(
        "{cores} cores, {}, Linux {}; load average before the first measurement {load}",
        processor(),
        kernel.trim()
    )
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
