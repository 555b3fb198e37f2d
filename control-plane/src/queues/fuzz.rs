//! Part of the fuzz targets: see [`crate::fuzz`].

use std::{path::Path, time::Duration};

use super::table::Table;
use crate::{config::Sections, fuzz::is_id};

/// The longest sentence about a setting, in bytes.
const LONGEST: usize = 1_000;

/// The `[queues]` of a configuration file. Rule sets are looked for where there are some.
pub fn queue_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(sections) = toml::from_str::<Sections>(text) else { return };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("matching/tests/rule_files");
    // What leads elsewhere would be another's file.
    let elsewhere = |path: &Path| path.is_absolute() || path.components().count() > 1;
    if sections.queues.values().filter_map(|entry| entry.rule_set.as_deref()).any(elsewhere) {
        return;
    }
    let lifetime = Duration::from_secs(600);
    match Table::read(&sections, &dir, lifetime) {
        Ok((table, _)) => {
            assert_eq!(table.0.len(), sections.queues.len());
            for (key, settings) in &table.0 {
                assert!(is_id(key.as_str()) || key.as_str().is_empty(), "{key:?}");
                assert!((1..=91).contains(&settings.land_type.len()), "{settings:?}");
                assert!((1..=1_000).contains(&settings.rules.max_party()), "{settings:?}");
                assert!(!settings.ticket_lifetime.is_zero());
                assert!(!settings.shown_rules().is_empty());
            }
            let (again, _) = Table::read(&sections, &dir, lifetime).expect("it was read a moment ago");
            assert!(again.changes(&table).is_empty(), "nothing has changed");
        }
        Err(wrong) => {
            let lines = wrong.lines();
            assert!(!lines.is_empty());
            for line in lines {
                assert!(
                    line.starts_with("queues.\"") && line.len() < LONGEST,
                    "{} bytes: {line}",
                    line.len()
                );
            }
        }
    }
}
