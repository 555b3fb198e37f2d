#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| edge_gateway::fuzz::socket_message(data));
