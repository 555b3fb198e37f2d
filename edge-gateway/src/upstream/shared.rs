//! One answer for everybody who asks at the same time, and for a while after.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use tokio::time::Instant;

/// A question that is asked upstream once, however many ask it here.
///
/// Nobody's task runs it: those who wait for the answer do, together. Where all of them leave, it stays unanswered, so a
/// question older than `patience` is asked anew.
#[derive(Clone)]
pub(crate) struct SharedAnswer<T: Clone> {
    // Held while the present question is read or replaced; never over an await.
    present: Arc<Mutex<Option<Question<T>>>>,
    patience: Duration,
}

struct Question<T: Clone> {
    asked_at: Instant,
    answer: Shared<BoxFuture<'static, T>>,
}

impl<T: Clone + Send + Sync + 'static> SharedAnswer<T> {
    /// An unanswered question is waited for during `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { present: Arc::default(), patience }
    }

    /// The present answer where `is_fresh` says so of it and its age, else the answer to `ask`.
    pub(crate) async fn get<F>(&self, is_fresh: impl Fn(&T, Duration) -> bool, ask: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let answer = {
            let mut present = self.present.lock();
            let usable = present.as_ref().filter(|question| {
                let age = question.asked_at.elapsed();
                match question.answer.peek() {
                    Some(answer) => is_fresh(answer, age),
                    None => age < self.patience,
                }
            });
            match usable {
                Some(question) => question.answer.clone(),
                None => {
                    let answer = ask().boxed().shared();
                    *present = Some(Question { asked_at: Instant::now(), answer: answer.clone() });
                    answer
                }
            }
        };
        answer.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_one_question_goes_out() {
        let asked = Arc::new(AtomicUsize::new(0));
        let shared = SharedAnswer::new(Duration::from_secs(10));
        let get = || {
            let asked = Arc::clone(&asked);
            shared.get(
                |_, age| age < Duration::from_secs(5),
                move || async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    asked.fetch_add(1, Ordering::Relaxed)
                },
            )
        };
        let (a, b) = tokio::join!(get(), get());
        assert_eq!((a, b), (0, 0));
        assert_eq!(get().await, 0, "still fresh");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(get().await, 1, "asked anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_everybody_left_is_asked_again() {
        let shared = SharedAnswer::new(Duration::from_secs(2));
        let left = shared.get(|_, _| true, std::future::pending::<u8>);
        assert!(tokio::time::timeout(Duration::from_secs(3), left).await.is_err());
        assert_eq!(shared.get(|_, _| true, || async { 7 }).await, 7);
    }
}
