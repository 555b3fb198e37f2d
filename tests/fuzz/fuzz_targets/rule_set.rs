#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| matching::fuzz::rule_set(data));
