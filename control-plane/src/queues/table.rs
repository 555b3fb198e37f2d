//! All queues' settings at one time: checked whole, and compared with those before.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use matching::{QueueConfig, QueueKey, Rules, judge::Judge};
use runtime::config::Invalid;

use super::{Placement, QueueSettings, absence, function, placement, rule_set};
use crate::{
    config::{QueueEntry, Sections},
    ids::{self, MAX_ID, MAX_LAND_TYPE},
};

/// The settings of the configured queues.
#[derive(Debug, Default)]
pub(super) struct Table(pub(super) BTreeMap<QueueKey, Arc<QueueSettings>>);

/// What is different for a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueChange {
    pub(crate) queue: QueueKey,
    /// For people.
    pub(crate) what: String,
}

/// Everything that is wrong: each the setting, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Wrong(Vec<(String, String)>);

impl Table {
    /// Checks every queue. Rule sets' files are looked for in `dir`. With it comes what would surprise their authors.
    pub(super) fn read(
        sections: &Sections,
        dir: &Path,
        ticket_lifetime: Duration,
    ) -> Result<(Self, Vec<String>), Wrong> {
        let (mut table, mut warnings, mut wrong) = (Self::default(), Vec::new(), Vec::new());
        for (key, entry) in &sections.queues {
            // Quoted as in the file, and so without anything that garbles a terminal.
            let name = format!("queues.{key:?}");
            if let Some(problem) = ids::problem(key, MAX_ID) {
                wrong.push((name, problem));
                continue;
            }
            let key = QueueKey::new(key);
            match configured(&key, entry, dir, ticket_lifetime) {
                Ok((settings, surprises)) => {
                    table.0.insert(key, Arc::new(settings));
                    let told = surprises.into_iter().map(|surprise| format!("{name}.rule_set: {surprise}"));
                    warnings.extend(told);
                }
                Err((field, messages)) => {
                    let setting = format!("{name}.{field}");
                    wrong.extend(messages.into_iter().map(|message| (setting.clone(), message)));
                }
            }
        }
        if wrong.is_empty() { Ok((table, warnings)) } else { Err(Wrong(wrong)) }
    }

    /// What is different from `before`, in the order of the keys.
    pub(super) fn changes(&self, before: &Self) -> Vec<QueueChange> {
        let keys: BTreeSet<_> = self.0.keys().chain(before.0.keys()).collect();
        let what = |key: &QueueKey| match (before.0.get(key), self.0.get(key)) {
            (None, _) => Some("added".to_owned()),
            (_, None) => Some("removed: it follows its key".to_owned()),
            (Some(before), Some(now)) => now.difference(before),
        };
        keys.into_iter()
            .filter_map(|key| Some(QueueChange { queue: key.clone(), what: what(key)? }))
            .collect()
    }
}

/// The settings of a queue that the file doesn't name.
pub(super) fn by_key(key: &QueueKey, ticket_lifetime: Duration) -> QueueSettings {
    QueueSettings {
        land_type: key.land_type().to_owned(),
        rules: Rules::new(key, &QueueConfig::default()).expect("every key without a configuration has rules"),
        judge: None,
        function: None,
        ticket_lifetime,
        absence: None,
        placement: Placement::default(),
    }
}

type FieldError = (Cow<'static, str>, Vec<String>);

fn configured(
    key: &QueueKey,
    entry: &QueueEntry,
    dir: &Path,
    ticket_lifetime: Duration,
) -> Result<(QueueSettings, Vec<String>), FieldError> {
    let wrong = |field: &'static str, message: String| (field.into(), vec![message]);
    let land_type = entry.land_type.clone().unwrap_or_else(|| key.land_type().to_owned());
    if land_type.is_empty() {
        return Err(wrong("land_type", "must not be empty".to_owned()));
    }
    if let Some(problem) = ids::problem(&land_type, MAX_LAND_TYPE) {
        return Err(wrong("land_type", problem));
    }
    let ticket_lifetime = entry.ticket_lifetime.unwrap_or(ticket_lifetime);
    if ticket_lifetime.is_zero() {
        return Err(wrong("ticket_lifetime", "must be longer than nothing".to_owned()));
    }
    let absence =
        absence::read(entry, ticket_lifetime).map_err(|message| wrong("drop_absent_after", message))?;
    let (rules, warnings) = rules(key, entry, dir)?;
    let judge = match &rules {
        Rules::RuleSet(set) => Some(Arc::new(Judge::new(Arc::clone(set)))),
        _ => None,
    };
    let function = function::read(entry, &rules).map_err(|(field, message)| wrong(field, message))?;
    let function = function.map(Arc::new);
    let placement = placement::read(entry.allocation.as_ref())
        .map_err(|(field, message)| (format!("allocation.{field}").into(), vec![message]))?;
    Ok((QueueSettings { land_type, rules, judge, function, ticket_lifetime, absence, placement }, warnings))
}

fn rules(key: &QueueKey, entry: &QueueEntry, dir: &Path) -> Result<(Rules, Vec<String>), FieldError> {
    let Some(file) = &entry.rule_set else {
        let rules =
            Rules::new(key, &entry.matching()).map_err(|error| (error.field.into(), vec![error.message]))?;
        return Ok((rules, Vec::new()));
    };
    let said_by_both = [
        ("teams", entry.teams.is_some()),
        ("min_players", entry.min_players.is_some()),
        ("max_players", entry.max_players.is_some()),
        ("relax_after", entry.relax_after.is_some()),
        ("min_wait", entry.min_wait.is_some()),
    ];
    if let Some((field, _)) = said_by_both.into_iter().find(|(_, is_said)| *is_said) {
        return Err((field.into(), vec!["excludes rule_set: leave one of the two out.".to_owned()]));
    }
    let taken = rule_set::read(dir, file).map_err(|found| ("rule_set".into(), found))?;
    Ok((Rules::RuleSet(taken.rules), taken.warnings))
}

impl QueueSettings {
    /// How they differ, for people.
    fn difference(&self, before: &Self) -> Option<String> {
        let mut parts = Vec::new();
        let mut part =
            |name: &str, before: String, now: String| parts.push(format!("{name}: {before} → {now}"));
        if self.land_type != before.land_type {
            part("land type", before.land_type.clone(), self.land_type.clone());
        }
        if self.ticket_lifetime != before.ticket_lifetime {
            part(
                "ticket lifetime",
                format!("{:?}", before.ticket_lifetime),
                format!("{:?}", self.ticket_lifetime),
            );
        }
        if self.absence != before.absence {
            let shown =
                |settings: &Self| settings.absence.map_or("kept".to_owned(), |absence| absence.to_string());
            part("tickets whose players are gone", shown(before), shown(self));
        }
        if self.rules != before.rules {
            let (was, is) = (before.rules.to_string(), self.rules.to_string());
            // Its name, its sizes are the same; what is in it is not.
            let is = if was == is { format!("{is}, changed") } else { is };
            part("rules", was, is);
        }
        if self.function != before.function {
            let url = |settings: &Self| {
                settings.function.as_ref().map_or("none".to_owned(), |function| function.url.clone())
            };
            let (was, is) = (url(before), url(self));
            let is = if was == is { format!("{is}, called differently") } else { is };
            part("match function", was, is);
        }
        if self.placement != before.placement {
            part("allocation", before.placement.to_string(), self.placement.to_string());
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Wrong {
    /// Everything, one line each.
    pub(super) fn lines(self) -> Vec<String> {
        self.0.into_iter().map(|(setting, message)| format!("{setting}: {message}")).collect()
    }

    /// For a program that can't start like this.
    pub(super) fn into_invalid(self) -> Invalid {
        let mut all = self.0.into_iter();
        let (setting, mut message) = all.next().unwrap_or_default();
        for (setting, more) in all {
            message.push_str(&format!("\n{setting}: {more}"));
        }
        Invalid::new(setting, message)
    }
}
