//! Whatever a client sends is understood or refused; it never panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| realtime::read_frames(bytes));
