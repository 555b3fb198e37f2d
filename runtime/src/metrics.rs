//! Prometheus metrics, on a listener of their own.

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{
    Tasks,
    listen::{ListenError, listen},
};

/// Upper bounds of the histograms, in seconds: from a tenth of a millisecond to five minutes.
const SECONDS: [f64; 16] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0];

// The `metrics` crate has one recorder a process; several programs in one process share it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts to record this process's metrics. Repeating it changes nothing.
fn record() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .expect("the list of buckets is not empty")
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder runs in this process; these metrics stay empty");
        }
        handle
    })
}

/// Serves `GET /metrics` on `addr` until the tasks stop. Returns the address that was opened.
pub async fn serve(addr: SocketAddr, tasks: &Tasks) -> Result<SocketAddr, ListenError> {
    let handle = record();
    let listener = listen(addr, "metrics", "--metrics-addr").await?;
    let local = listener.local_addr().unwrap_or(addr);
    let page =
        || async { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response() };
    let app = Router::new().route("/metrics", get(page));
    let stop = tasks.stopping().clone();
    tasks.spawn("metrics", async move {
        let stopped = stop.clone();
        let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
        // A scraper that keeps its connection open doesn't hold up the shutdown.
        tokio::select! {
            served = server => if let Err(error) = served { tracing::error!(%error, "metrics are no longer served") },
            () = async { stopped.cancelled().await; tokio::time::sleep(Duration::from_secs(1)).await } => {}
        }
    });
    // Histograms keep every sample until they are summed up.
    let stop = tasks.stopping().clone();
    tasks.spawn("metrics upkeep", async move {
        while tokio::time::timeout(Duration::from_secs(5), stop.cancelled()).await.is_err() {
            handle.run_upkeep();
        }
    });
    Ok(local)
}
