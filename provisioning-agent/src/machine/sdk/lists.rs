//! Lists: values, each once, up to a capacity. `players` is who is in the lands.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    super::{LandError, Machine, lands::Origin},
    PLAYERS, SdkError,
};
use crate::ids::{LandId, PlayerId};

/// The most values of a list, as with Agones.
pub const MOST_VALUES: i64 = 1000;
/// The longest value, in bytes.
const LONGEST: usize = 1024;

/// Values and their limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// At most 1000.
    pub capacity: i64,
    /// Each once, the oldest first.
    pub values: Vec<String>,
}

impl List {
    pub(super) fn empty(capacity: i64) -> Self {
        Self { capacity, values: Vec::new() }
    }

    fn is_full(&self) -> bool {
        i64::try_from(self.values.len()).is_ok_and(|len| len >= self.capacity)
    }
}

/// What is to become of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListChange {
    /// Its limit from now on.
    pub capacity: Option<i64>,
    /// All its values from now on.
    pub values: Option<Vec<String>>,
}

impl ListChange {
    /// What comes of it. A limit that sinks drops the newest values, as it does with Agones, except where `keep` forbids it.
    fn applied(self, mut to: List, keep: bool) -> Result<List, SdkError> {
        let asked = self.values.is_some();
        if let Some(capacity) = self.capacity {
            if !(0..=MOST_VALUES).contains(&capacity) {
                return Err(SdkError::OutOfRange(format!(
                    "a list's capacity can't be {capacity}; give 0 to {MOST_VALUES}"
                )));
            }
            to.capacity = capacity;
        }
        if let Some(values) = self.values {
            let mut seen = HashSet::with_capacity(values.len());
            to.values = values.into_iter().filter(|value| seen.insert(value.clone())).collect();
        }
        let room = usize::try_from(to.capacity).unwrap_or(0);
        if to.values.len() > room {
            if asked || keep {
                let (many, capacity) = (to.values.len(), to.capacity);
                return Err(SdkError::OutOfRange(format!(
                    "{many} values don't fit into a capacity of {capacity}"
                )));
            }
            to.values.truncate(room);
        }
        to.values.iter().try_for_each(|value| check(value)).map(|()| to)
    }
}

impl Machine {
    /// The list of that name.
    pub fn sdk_list(&self, name: &str) -> Result<List, SdkError> {
        let list = self.sdk.lists.get(name).ok_or_else(|| no_list(name))?;
        if name != PLAYERS {
            return Ok(list.clone());
        }
        let values = self.all_players().map(|player| player.as_str().to_owned()).collect();
        Ok(List { capacity: list.capacity, values })
    }

    /// Changes a list, or nothing.
    pub fn sdk_update_list(&mut self, now_ms: u64, name: &str, change: ListChange) -> Result<List, SdkError> {
        let before = self.sdk_list(name)?;
        let after = change.applied(before.clone(), name == PLAYERS)?;
        if name != PLAYERS {
            self.keep_list(name, &before, after.clone());
            return Ok(after);
        }
        let coming = after.values.iter().filter(|value| !before.values.contains(value));
        let coming = coming.map(|value| player(value)).collect::<Result<Vec<_>, _>>()?;
        for value in before.values.iter().filter(|value| !after.values.contains(value)) {
            self.player_leaves(now_ms, value)?;
        }
        for player in coming {
            self.player_comes(now_ms, player)?;
        }
        if before.capacity != after.capacity {
            self.set_capacity(now_ms, None, u32::try_from(after.capacity).ok());
        }
        self.sdk_list(name)
    }

    /// Adds a value at the end. A player goes to the land whose roster has them, else to the only land; else they are in none.
    pub fn sdk_add_value(&mut self, now_ms: u64, name: &str, value: &str) -> Result<List, SdkError> {
        let before = self.sdk_list(name)?;
        check(value)?;
        if before.values.iter().any(|known| known == value) {
            return Err(SdkError::AlreadyExists(format!("`{value}` is in the list `{name}` already")));
        }
        if before.is_full() {
            return Err(SdkError::OutOfRange(format!(
                "the list `{name}` is full: it holds {}",
                before.capacity
            )));
        }
        if name == PLAYERS {
            self.player_comes(now_ms, player(value)?)?;
        } else {
            let mut after = before.clone();
            after.values.push(value.to_owned());
            self.keep_list(name, &before, after);
        }
        self.sdk_list(name)
    }

    /// Takes a value out.
    pub fn sdk_remove_value(&mut self, now_ms: u64, name: &str, value: &str) -> Result<List, SdkError> {
        let before = self.sdk_list(name)?;
        let mut after = before.clone();
        after.values.retain(|known| known != value);
        if after == before {
            return Err(SdkError::NotFound(format!("`{value}` is not in the list `{name}`")));
        }
        if name == PLAYERS {
            self.player_leaves(now_ms, value)?;
        } else {
            self.keep_list(name, &before, after);
        }
        self.sdk_list(name)
    }

    /// Every list, `players` with no more values than a list may have.
    pub(super) fn all_lists(&self) -> BTreeMap<String, List> {
        let mut lists = self.sdk.lists.clone();
        if let Some(list) = lists.get_mut(PLAYERS) {
            let most = usize::try_from(MOST_VALUES).unwrap_or(usize::MAX);
            list.values = self.all_players().take(most).map(|player| player.as_str().to_owned()).collect();
        }
        lists
    }

    /// Who is in no land has gone with the lands.
    pub(super) fn forget_loose_players(&mut self) {
        if let Some(list) = self.sdk.lists.get_mut(PLAYERS).filter(|list| !list.values.is_empty()) {
            list.values.clear();
            self.sdk.revision += 1;
        }
    }

    /// Those of the oldest land first, and at last those of no land.
    fn all_players(&self) -> impl Iterator<Item = PlayerId> {
        let of_lands = self.lands.by_age().into_iter().flat_map(|(_, land)| land.players.iter().cloned());
        let loose = self.sdk.lists.get(PLAYERS).map_or(&[][..], |list| &list.values);
        of_lands.chain(loose.iter().filter_map(|value| PlayerId::parse(value).ok()))
    }

    fn keep_list(&mut self, name: &str, before: &List, after: List) {
        if *before != after {
            self.sdk.lists.insert(name.to_owned(), after);
            self.sdk.revision += 1;
        }
    }

    fn player_comes(&mut self, now_ms: u64, player: PlayerId) -> Result<(), SdkError> {
        if let Some(land) = self.land_of(&player) {
            let there = self.lands.get(&land).map_or(&[][..], |land| &land.players);
            let players: Arc<[PlayerId]> = there.iter().cloned().chain([player]).collect();
            return self.players_are(now_ms, &land, players).map_err(too_much);
        }
        if let Some(list) = self.sdk.lists.get_mut(PLAYERS) {
            list.values.push(player.as_str().to_owned());
            self.sdk.revision += 1;
        }
        Ok(())
    }

    fn player_leaves(&mut self, now_ms: u64, player: &str) -> Result<(), SdkError> {
        let lands = self.lands.iter();
        let left: Vec<_> = lands
            .filter(|(_, land)| land.players.iter().any(|known| known.as_str() == player))
            .map(|(id, land)| {
                let others = land.players.iter().filter(|known| known.as_str() != player);
                (id.clone(), others.cloned().collect::<Arc<[PlayerId]>>())
            })
            .collect();
        for (land, players) in left {
            self.players_are(now_ms, &land, players).map_err(too_much)?;
        }
        if let Some(list) = self.sdk.lists.get_mut(PLAYERS) {
            list.values.retain(|known| known != player);
            self.sdk.revision += 1;
        }
        Ok(())
    }

    fn land_of(&self, player: &PlayerId) -> Option<LandId> {
        let lands = self.lands.by_age();
        let expected = lands.iter().rev().find(|(_, land)| match &land.origin {
            Origin::Ordered(order) => order.players.contains(player),
            Origin::Brought | Origin::Own => false,
        });
        match (expected, lands.as_slice()) {
            (Some((id, _)), _) | (None, [(id, _)]) => Some((*id).clone()),
            _ => None,
        }
    }
}

fn no_list(name: &str) -> SdkError {
    SdkError::NotFound(format!(
        "there is no list `{name}`; the agent makes it with --sdk-list {name}=CAPACITY"
    ))
}

fn player(value: &str) -> Result<PlayerId, SdkError> {
    PlayerId::parse(value).map_err(|error| SdkError::Invalid(format!("the player `{value}` {error}")))
}

fn check(value: &str) -> Result<(), SdkError> {
    if value.len() > LONGEST {
        let many = value.len();
        return Err(SdkError::Invalid(format!("a value has {many} bytes; give at most {LONGEST}")));
    }
    Ok(())
}

fn too_much(error: LandError) -> SdkError {
    SdkError::Exhausted(error.to_string())
}
