//! No bytes of a request body may make the form parser or the parameter check panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stripe_sandbox::fuzz_form(bytes));
