//! The whole of a game server as the SDK shows it: one picture of one moment.

use std::collections::BTreeMap;

use super::{
    super::{Machine, lands::Origin},
    Counter, HealthTerms, List, Phase, Standing,
    order::Order,
};

/// The newest land, and all of them.
const LAND_ID: &str = "muster.dev/land-id";
const LANDS: &str = "muster.dev/lands";
/// Why no new lands are taken, and until when the others have to be over, in milliseconds since 1970.
const DRAINING: &str = "muster.dev/draining";
const DRAIN_DEADLINE: &str = "muster.dev/drain-deadline-unix-ms";
/// The longest list of lands, in bytes. A game server reads messages of up to 4 MiB; older lands it was shown before.
const LONGEST: usize = 256 * 1024;

/// One picture of a game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkView {
    /// In the words of Agones.
    pub state: &'static str,
    /// Grows with every change.
    pub revision: u64,
    /// What it set, with the prefix.
    pub labels: BTreeMap<String, String>,
    /// What it set, with the prefix, and its lands: `muster.dev/land-id` is the newest, `muster.dev/lands` all, as JSON. And
    /// `muster.dev/draining`, while no new lands are taken.
    pub annotations: BTreeMap<String, String>,
    /// Its own and `rooms`.
    pub counters: BTreeMap<String, Counter>,
    /// Its own and `players`.
    pub lists: BTreeMap<String, List>,
    /// When it counts as silent.
    pub health: HealthTerms,
}

impl Machine {
    /// The game server as it is now.
    pub fn sdk_view(&self) -> SdkView {
        let mut annotations: BTreeMap<_, _> = self.sdk.annotations.iter().collect();
        if let Some((newest, _)) = self.lands.iter().max_by_key(|(_, land)| land.number) {
            annotations.insert(LAND_ID.to_owned(), newest.as_str().to_owned());
            annotations.insert(LANDS.to_owned(), self.lands_as_json());
        }
        if let Some(drain) = &self.draining {
            annotations.insert(DRAINING.to_owned(), drain.reason.clone());
        }
        if let Some(deadline_ms) = self.drain_deadline_ms() {
            annotations.insert(DRAIN_DEADLINE.to_owned(), deadline_ms.to_string());
        }
        SdkView {
            state: self.sdk_state(),
            revision: self.sdk_revision(),
            labels: self.sdk.labels.iter().collect(),
            annotations,
            counters: self.counters(),
            lists: self.all_lists(),
            health: self.sdk.health.terms(),
        }
    }

    /// Grows with every change that [`Machine::sdk_view`] would show.
    pub fn sdk_revision(&self) -> u64 {
        self.sdk.revision + self.lands.revision()
    }

    fn sdk_state(&self) -> &'static str {
        match (self.sdk.phase, self.sdk.standing()) {
            (Phase::Shutdown, _) => "Shutdown",
            // What a game server has to hear is the same, whoever ends it.
            _ if self.drain_is_over() => "Shutdown",
            (_, Standing::Dead) => "Unhealthy",
            (Phase::Reserved { .. }, _) => "Reserved",
            _ if self.lands.len() > 0 => "Allocated",
            // Also where that was said in another way.
            (Phase::Ready, _) | (Phase::Scheduled, _) if self.ready && !self.exited => "Ready",
            _ => "Scheduled",
        }
    }

    /// The oldest first, and the newest where not all fit.
    fn lands_as_json(&self) -> String {
        let mut texts = Vec::new();
        let mut bytes = 2;
        for (id, land) in self.lands.by_age().into_iter().rev() {
            let text = match &land.origin {
                Origin::Ordered(order) => order.text.clone(),
                Origin::Brought | Origin::Own => Order::none(id, &land.land_type),
            };
            bytes += text.len() + 1;
            if bytes > LONGEST {
                break;
            }
            texts.push(text);
        }
        texts.reverse();
        format!("[{}]", texts.join(","))
    }
}
