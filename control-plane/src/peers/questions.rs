//! Questions under way, and whose answers they wait for.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use storage::ReplicaId;
use tokio::sync::oneshot;

use super::letter::Answer;

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Questions {
    next: AtomicU64,
    // Held for a look-up, never over an await.
    open: Mutex<HashMap<u64, (ReplicaId, oneshot::Sender<Answer>)>>,
}

/// A question under way; forgotten when it is dropped.
pub(super) struct Open<'a> {
    questions: &'a Questions,
    pub(super) number: u64,
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Questions {
    pub(super) fn ask(&self, to: &ReplicaId) -> Open<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.open.lock().insert(number, (to.clone(), sender));
        Open { questions: self, number, answer }
    }

    /// An answer came. One that nobody waits for, or from another than was asked, is left alone.
    pub(super) fn answered(&self, from: &ReplicaId, number: u64, answer: Answer) {
        let mut open = self.open.lock();
        if open.get(&number).is_some_and(|(asked, _)| asked == from)
            && let Some((_, waiter)) = open.remove(&number)
        {
            // Gone where the caller waited long enough.
            drop(waiter.send(answer));
        }
    }

    /// A replica is gone: nobody waits for it any more.
    pub(super) fn gone(&self, replica: &ReplicaId) {
        self.open.lock().retain(|_, (asked, _)| asked != replica);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.questions.open.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_one_that_was_asked_can_answer() {
        let questions = Questions::default();
        let (asked, other) = (ReplicaId::new("a"), ReplicaId::new("b"));
        let mut open = questions.ask(&asked);
        questions.answered(&other, open.number, Answer::Done(false));
        assert!(open.answer.try_recv().is_err());
        questions.answered(&asked, open.number, Answer::Done(true));
        assert!(matches!(open.answer.try_recv(), Ok(Answer::Done(true))));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_replica_that_is_gone_and_no_question_stays() {
        let questions = Questions::default();
        let (gone, alive) = (ReplicaId::new("a"), ReplicaId::new("b"));
        let (mut lost, kept) = (questions.ask(&gone), questions.ask(&alive));
        questions.gone(&gone);
        assert!((&mut lost.answer).await.is_err());
        drop((lost, kept));
        assert!(questions.open.lock().is_empty());
    }
}
