//! A program from its start to its exit code.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    Tasks,
    config::{self, FileSections},
    metrics, telemetry,
};

/// Exit code of a program whose configuration can't be taken.
const BAD_CONFIG: u8 = 2;

/// Settings that a program reads at its start.
pub trait Settings: clap::Parser {
    /// What its configuration file holds beside the settings.
    type Sections: FileSections;

    /// The log's settings.
    fn telemetry(&self) -> &telemetry::Settings;

    /// Where to serve metrics; `None` serves none.
    fn metrics_addr(&self) -> Option<SocketAddr>;
}

/// Runs a program: reads its settings, starts the log, the metrics and the runtime, and calls `body` with a token that is
/// cancelled on SIGINT or SIGTERM. A second signal ends the process at once.
///
/// Exit codes: 0 after a clean shutdown, 1 where `body` failed, 2 for a configuration that can't be taken.
#[expect(clippy::print_stderr, reason = "the last words of a program that has no log yet")]
pub fn run<S: Settings>(
    body: impl AsyncFnOnce(S, S::Sections, CancellationToken) -> anyhow::Result<()>,
) -> ExitCode {
    let (settings, sections) = match config::load::<S, S::Sections>(std::env::args_os()) {
        Ok(loaded) => loaded,
        Err(config::LoadError::Arguments(error)) => error.exit(),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(BAD_CONFIG);
        }
    };
    telemetry::start(settings.telemetry());
    block_on(async move |stop| {
        // Metrics are the last thing to stop: the shutdown itself can be watched.
        let tasks = Tasks::new(CancellationToken::new());
        if let Some(addr) = settings.metrics_addr() {
            metrics::serve(addr, &tasks).await?;
        }
        body(settings, sections, stop).await?;
        tasks.join(Duration::from_secs(2)).await.map_err(Into::into)
    })
}

/// Starts the runtime and calls `body` with a token that is cancelled on SIGINT or SIGTERM. A second signal ends the process
/// at once. The exit code is 0, 1 where `body` failed, 2 where it failed with [`config::Invalid`].
#[expect(clippy::print_stderr, reason = "the last words of a program")]
pub fn block_on(body: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>) -> ExitCode {
    raise_open_files();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        let signals = tokio::spawn(watch_signals(stop.clone()));
        let result = body(stop).await;
        signals.abort();
        result
    });
    // What still runs on blocking threads doesn't hold up the exit.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let bad_config = error.is::<config::Invalid>();
            if bad_config { ExitCode::from(BAD_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

async fn watch_signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) =
        match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "signals can't be watched; only a kill ends this program");
                return;
            }
        };
    let mut next =
        async || tokio::select! { _ = interrupt.recv() => "SIGINT", _ = terminate.recv() => "SIGTERM" };
    let signal = next().await;
    tracing::info!(signal, "shutting down; a second signal ends it at once");
    stop.cancel();
    let signal = next().await;
    tracing::warn!(signal, "ended at once by a second signal");
    std::process::exit(130);
}

/// A gateway's sockets are files, and the usual soft limit of 1,024 is no limit that anybody chose.
fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(rlimit::INFINITY) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
