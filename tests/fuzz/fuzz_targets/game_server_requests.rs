#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provisioning_agent::fuzz::game_server_requests(data));
