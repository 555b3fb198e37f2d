#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| control_plane::fuzz::register_request(data));
