//! One program of a stack.

use tokio::{runtime::Handle, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::PATIENCE;

/// A program that runs until it is stopped.
#[derive(Debug)]
pub(super) struct Part {
    name: &'static str,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Part {
    pub(super) fn start<F>(
        name: &'static str,
        runtime: &Handle,
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = runtime.spawn(run(stop.clone()));
        Self { name, stop, running }
    }

    /// Tells it to stop, and doesn't wait for it.
    pub(super) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Ends it where it stands.
    pub(super) async fn crash(self) {
        self.running.abort();
        assert!(self.running.await.is_err_and(|end| end.is_cancelled()), "the {} had ended", self.name);
    }

    /// Stops it; it must end well.
    pub(super) async fn stop(self) {
        if let Err(error) = self.end().await {
            panic!("{error}");
        }
    }

    pub(super) async fn end(self) -> Result<(), String> {
        self.stop.cancel();
        let name = self.name;
        match tokio::time::timeout(PATIENCE, self.running).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(format!("the {name} failed: {error:#}")),
            Ok(Err(error)) => Err(format!("the {name} panicked: {error}")),
            Err(_) => Err(format!("the {name} did not stop within {PATIENCE:?}")),
        }
    }
}
