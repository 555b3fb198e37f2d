//! What the suite stands on: something that allocates, and a look at what there really is at the other end.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::allocation::Allocation;

/// Patience of the ports in these tests: short, as they wait for what never comes.
pub(super) const CALL: Duration = Duration::from_millis(300);
pub(super) const BUDGET: Duration = Duration::from_millis(1_500);
/// Calls at once.
pub(super) const AT_ONCE: usize = 4;

/// What goes wrong, once, with the next land that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is no room.
    NoServer,
    /// Whoever is asked doesn't want to.
    Refuses,
    /// There is no answer, and no land.
    Silent,
    /// The land is made, and the answer is lost.
    LosesReply,
}

/// See the file's header.
pub(super) trait Ground: Send + Sync {
    fn port(&self) -> Arc<dyn Allocation>;

    fn trouble(&self, trouble: Trouble);

    /// The lands that there are.
    fn lands(&self) -> BTreeSet<String>;

    /// Whether a land can be given back.
    fn takes_back(&self) -> bool;

    /// How many were asked for at once, where that is bounded.
    fn most_at_once(&self) -> Option<usize>;
}
