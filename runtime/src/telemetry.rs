//! The log: where it goes and in what form.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The settings of the log, the same for every program.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// What to log: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module (`info,control_plane=debug`).
    #[arg(long, env = "MUSTER_LOG", default_value = "info", value_parser = filter, help_heading = "Log")]
    pub log: String,
    /// The form of a log line, on standard error.
    #[arg(long, env = "MUSTER_LOG_FORMAT", default_value = "text", value_enum, help_heading = "Log")]
    pub log_format: Format,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// What carries messages logs their content at the lowest levels, and so tokens and keys. Who wants that names the library.
const LIBRARIES: &str = "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tokio_tungstenite=info,tonic=info,tungstenite=info";

/// Starts the log of this process. Where one runs already (several programs in one process), that one stays.
pub fn start(settings: &Settings) {
    let filter = EnvFilter::new(format!("{LIBRARIES},{}", settings.log));
    let registry = tracing_subscriber::registry().with(filter);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let started = match settings.log_format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log of this process runs already");
    }
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
