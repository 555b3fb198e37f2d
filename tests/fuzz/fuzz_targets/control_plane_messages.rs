#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provisioning_agent::fuzz::control_plane_messages(data));
