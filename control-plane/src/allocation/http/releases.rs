//! Lands that are given back: told to the service in the background, a few times, and then given up.
//!
//! A service may have no such call. Then its lands end by themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use hyper::StatusCode;
use runtime::Tasks;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{Service, wire};
use crate::allocation::outside::{Failure, Kind};

/// Lands that wait for being given back; what is more than that ends by itself.
const WAITING: usize = 1_024;
/// Calls at once.
const AT_ONCE: usize = 8;
/// After the first.
const TRIES_MORE: usize = 4;
/// How long a land is tried to be given back when the program is told to stop.
const LAST_CALL: Duration = Duration::from_secs(1);

/// See the file's header.
#[derive(Debug)]
pub(super) struct Releases {
    waiting: Arc<Semaphore>,
    calls: Semaphore,
    tasks: Tasks,
    /// Whether it was said that the service has no such call.
    missing: AtomicBool,
}

impl Releases {
    pub(super) fn new(tasks: Tasks) -> Self {
        let waiting = Arc::new(Semaphore::new(WAITING));
        Self { waiting, calls: Semaphore::new(AT_ONCE), tasks, missing: AtomicBool::new(false) }
    }
}

/// Gives back, and doesn't wait for it.
pub(super) fn release(service: &Arc<Service>, release: wire::Release) {
    let releases = &service.releases;
    let Ok(place) = Arc::clone(&releases.waiting).try_acquire_owned() else {
        tracing::warn!(?release, "too many lands wait for being given back; this one ends by itself");
        count("dropped");
        return;
    };
    // Whoever is dropped with its runtime gives nothing back any more.
    if tokio::runtime::Handle::try_current().is_err() {
        return;
    }
    let service = Arc::clone(service);
    releases.tasks.clone().spawn("release of a land", async move {
        give_back(&service, &release).await;
        drop(place);
    });
}

async fn give_back(service: &Service, release: &wire::Release) {
    let body = serde_json::to_string(release).expect("texts are JSON");
    let stop = service.releases.tasks.stopping();
    let mut pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(TRIES_MORE)
        .with_jitter()
        .build();
    loop {
        let failure = match once(service, stop, body.clone()).await {
            Ok(status) if status.is_success() => return count("ok"),
            Ok(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED) => {
                if !service.releases.missing.swap(true, Ordering::Relaxed) {
                    tracing::info!(
                        "the allocation service takes no land back, or doesn't know this one; lands end by themselves there"
                    );
                }
                return count("missing");
            }
            Ok(status) => {
                Failure::unclear(Kind::Failed, format!("answered with the status {}", status.as_u16()))
            }
            Err(failure) => failure,
        };
        let Some(pause) = pauses.next().filter(|_| !stop.is_cancelled()) else {
            let Failure { said, detail, .. } = failure;
            tracing::warn!(?release, said, detail, "a land can't be given back; it ends by itself");
            return count("failed");
        };
        drop(timeout(pause, stop.cancelled()).await);
    }
}

async fn once(
    service: &Service,
    stop: &tokio_util::sync::CancellationToken,
    body: String,
) -> Result<StatusCode, Failure> {
    let _permit = service.releases.calls.acquire().await.expect("the semaphore is never closed");
    let (began, within) = (Instant::now(), service.pace.call);
    let last_call = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_CALL).await;
    };
    let late = || Failure::unclear(Kind::Late, format!("didn't answer within {:?}", began.elapsed()));
    tokio::select! {
        answer = timeout(within, service.post(super::RELEASE, None, within, body)) => {
            Ok(answer.map_err(|_| late())??.status)
        }
        () = last_call => Err(late()),
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("control_plane_allocation_releases_total", "outcome" => outcome).increment(1);
}
