//! Which servers a queue's matches are placed on, as it is configured.

use std::{fmt, sync::Arc};

use smol_str::SmolStr;

use crate::{
    config::{AllocationEntry, SelectorEntry},
    ids::{self, MAX_ID},
    registry::{Policy, Selector, Use},
};

/// Selectors that a queue, or a request, may have at most.
pub(crate) const MOST_SELECTORS: usize = 16;
/// Labels that a selector may have at most: as many as a server.
const MOST_LABELS: usize = 64;

/// See the file's header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) policy: Policy,
    /// Tried in order; none: any server.
    pub(crate) selectors: Arc<[Selector]>,
}

/// A queue's placement, as its table says it.
///
/// # Errors
/// The setting that can't be used, and what would be right.
pub(super) fn read(entry: Option<&AllocationEntry>) -> Result<Placement, (String, String)> {
    let Some(entry) = entry else { return Ok(Placement::default()) };
    let policy = match entry.policy.as_deref() {
        None => Policy::default(),
        Some("spread") => Policy::Spread,
        Some("packed") => Policy::Packed,
        Some(_) => return Err(("policy".to_owned(), "must be \"spread\" or \"packed\"".to_owned())),
    };
    if entry.selectors.len() > MOST_SELECTORS {
        let message = format!("has {} entries; at most {MOST_SELECTORS} are allowed", entry.selectors.len());
        return Err(("selectors".to_owned(), message));
    }
    let selectors = entry.selectors.iter().enumerate().map(|(index, selector)| {
        read_selector(selector).map_err(|(field, message)| (format!("selectors[{index}].{field}"), message))
    });
    Ok(Placement { policy, selectors: selectors.collect::<Result<_, _>>()? })
}

fn read_selector(entry: &SelectorEntry) -> Result<Selector, (String, String)> {
    let checked = |field: &str, text: &str| {
        let problem =
            if text.is_empty() { Some("must not be empty".to_owned()) } else { ids::problem(text, MAX_ID) };
        problem.map_or(Ok(()), |problem| Err((field.to_owned(), problem)))
    };
    if entry.labels.len() > MOST_LABELS {
        let message = format!("has {} labels; at most {MOST_LABELS} are allowed", entry.labels.len());
        return Err(("labels".to_owned(), message));
    }
    for (name, value) in &entry.labels {
        let field = format!("labels.{name:?}");
        checked(&field, name)?;
        if let Some(problem) = ids::problem(value, MAX_ID) {
            return Err((field, problem));
        }
    }
    for (field, text) in [("region", &entry.region), ("version", &entry.version)] {
        text.as_deref().map_or(Ok(()), |text| checked(field, text))?;
    }
    let in_use = match entry.r#use.as_deref() {
        None => Use::Any,
        Some("empty") => Use::Empty,
        Some("occupied") => Use::Occupied,
        Some(_) => return Err(("use".to_owned(), "must be \"empty\" or \"occupied\"".to_owned())),
    };
    Ok(Selector {
        labels: entry.labels.clone(),
        region: entry.region.as_ref().map(SmolStr::new),
        version: entry.version.clone(),
        in_use,
    })
}

/// For people.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.policy {
            Policy::Spread => "spread",
            Policy::Packed => "packed",
        })?;
        match self.selectors.len() {
            0 => Ok(()),
            1 => f.write_str(" by a selector"),
            many => write!(f, " by {many} selectors"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Placement, (String, String)> {
        read(Some(&toml(text)))
    }

    fn toml(text: &str) -> AllocationEntry {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("muster.toml");
        std::fs::write(&file, format!("[queues.a.allocation]\n{text}")).unwrap();
        let sections = runtime::config::sections::<crate::Config, crate::Sections>(&file).unwrap();
        sections.queues["a"].allocation.clone().unwrap()
    }

    #[test]
    fn a_placement_is_read_as_it_is_written() {
        let placement = parsed(
            "policy = 'packed'\n[[queues.a.allocation.selectors]]\nlabels = { pool = 'ranked', gpu = '' }\nuse = 'occupied'\n\
             [[queues.a.allocation.selectors]]\nregion = 'eu'\nversion = '1.2'",
        )
        .unwrap();
        let labels = [("pool", "ranked"), ("gpu", "")];
        let first = Selector {
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            in_use: Use::Occupied,
            ..Selector::default()
        };
        let second =
            Selector { region: Some("eu".into()), version: Some("1.2".to_owned()), ..Selector::default() };
        assert_eq!(placement.policy, Policy::Packed);
        assert_eq!(*placement.selectors, [first, second]);
        assert_eq!(placement.to_string(), "packed by 2 selectors");
        assert_eq!(parsed("").unwrap(), Placement::default());
        assert_eq!(Placement::default().to_string(), "spread");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let selector = |text: &str| {
            format!("[[queues.a.allocation.selectors]]\n[[queues.a.allocation.selectors]]\n{text}")
        };
        for (text, field, part) in [
            ("policy = 'random'".to_owned(), "policy", "\"spread\" or \"packed\""),
            (selector("use = 'full'"), "selectors[1].use", "\"empty\" or \"occupied\""),
            (selector("region = ''"), "selectors[1].region", "must not be empty"),
            (selector("version = \"a\\nb\""), "selectors[1].version", "control"),
            (selector("labels = { '' = 'x' }"), "selectors[1].labels.\"\"", "must not be empty"),
            ("[[queues.a.allocation.selectors]]\n".repeat(17), "selectors", "at most 16"),
        ] {
            let (named, message) = parsed(&text).unwrap_err();
            assert_eq!(named, field, "{text}");
            assert!(message.contains(part), "{message} has no {part:?}");
        }
    }
}
