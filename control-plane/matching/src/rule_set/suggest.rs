//! "Did you mean": the known name that an unknown one is almost.

/// The known name closest to this one, if it is close.
pub(super) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer ones are no slips of the pen, and comparing costs the product of the lengths.
    if name.len() > 64 {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |known: &&str| strsim::damerau_levenshtein(&lower, &known.to_lowercase());
    let near = |candidate: &(usize, &str)| match candidate.1.chars().count() {
        // Among names as short as this, all are close to each other.
        0..=2 => candidate.0 == 0,
        length => candidate.0 <= 1 + length / 4,
    };
    let known = known.into_iter().filter(|known| known.len() <= 64);
    let mut begun = None;
    let slip = known
        .inspect(|known| {
            if lower.len() >= 4 && known.to_lowercase().starts_with(&lower) {
                begun.get_or_insert(*known);
            }
        })
        .map(|known| (distance(&known), known))
        .filter(near)
        .min();
    slip.map(|(_, known)| known).or(begun)
}

/// The end of a message about an unknown name: a suggestion, or what there is.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(close) = closest(name, known.clone()) {
        return format!("; did you mean `{close}`?");
    }
    let mut known: Vec<_> = known.into_iter().map(shown).collect();
    match known.len() {
        0 => String::new(),
        1..=12 => format!("; there is {}", known.join(", ")),
        more => {
            known.truncate(12);
            format!("; there is {} and {} more", known.join(", "), more - 12)
        }
    }
}

/// A name as messages show it: in back quotes, and cut where it is long.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((end, _)) => format!("`{}…`", &name[..end]),
        None => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_nothing_else() {
        let known = ["maxDistance", "minDistance", "partyAggregation"];
        let found = |name| closest(name, known);
        assert_eq!(found("maxdistance"), Some("maxDistance"));
        assert_eq!(found("minDistnace"), Some("minDistance"));
        assert_eq!(found("party"), Some("partyAggregation"));
        assert_eq!(found("skill"), None);
        assert_eq!(closest("D", ["A", "B"]), None);
        assert_eq!(found(&"maxDistance".repeat(10)), None);
        assert_eq!(hint("skill", ["a"]), "; there is `a`");
        assert_eq!(hint("skill", []), "");
    }
}
