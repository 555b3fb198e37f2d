//! The `muster` program. What it can do is in the library; see `cli`.

fn main() -> std::process::ExitCode {
    muster::run(std::env::args_os())
}
