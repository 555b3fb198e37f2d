//! What an expression yields, and what the functions of the language make of it.

use smol_str::SmolStr;

use super::numbers::aggregate;
use crate::rule_set::Aggregate;

/// What an expression yields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a str),
    Numbers(Vec<f64>),
    Texts(Vec<&'a str>),
    /// A party's list of texts, with which each of its players stands: sorted, each text once.
    Own(&'a [SmolStr]),
    /// A player's own list of texts, as it came.
    Bag(&'a [SmolStr]),
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// A list, in the form that such a list has. Of no values: what is left where all that there was were numbers of nothing.
    pub(super) fn list(list: Vec<Self>) -> Self {
        if list.iter().all(|value| matches!(value, Self::Number(_))) {
            return Self::Numbers(list.iter().filter_map(Self::number).collect());
        }
        if list.iter().all(|value| matches!(value, Self::Text(_))) {
            let text = |value| if let Self::Text(text) = value { Some(text) } else { None };
            return Self::Texts(list.into_iter().filter_map(text).collect());
        }
        Self::List(list)
    }

    /// The outermost level taken away.
    pub(super) fn flatten(self) -> Self {
        let Self::List(list) = self else {
            return self;
        };
        let deep = list.iter().any(|value| matches!(value, Self::List(_)));
        let mut flat = Vec::new();
        for value in list {
            match value {
                Self::Numbers(numbers) => flat.extend(numbers.into_iter().map(Self::Number)),
                Self::Texts(texts) => flat.extend(texts.into_iter().map(Self::Text)),
                Self::Own(own) | Self::Bag(own) => flat.extend(own.iter().map(|text| Self::Text(text))),
                Self::List(list) => flat.extend(list),
                single => flat.push(single),
            }
        }
        // The lists of players stay a list of lists, also where there are none.
        if deep && flat.is_empty() { Self::List(flat) } else { Self::list(flat) }
    }

    /// Of each list of lists of texts, the texts that all have.
    pub(super) fn intersection(self) -> Self {
        match self {
            Self::List(list) if is_of_text_lists(&list) => Self::Texts(common(&list)),
            Self::List(list) => Self::List(list.into_iter().map(Self::intersection).collect()),
            single => Self::Texts(single.distinct()),
        }
    }

    /// An aggregate of each innermost list; `None` where that is nothing.
    pub(super) fn aggregate(self, by: Aggregate) -> Option<Self> {
        let counted = |count: usize| (by == Aggregate::Count).then_some(Self::Number(count as f64));
        match self {
            Self::Number(number) => aggregate(by, [number].into_iter()).map(Self::Number),
            Self::Numbers(numbers) => aggregate(by, numbers.into_iter()).map(Self::Number),
            Self::Text(_) => counted(1),
            Self::Texts(texts) => counted(texts.len()),
            Self::Own(own) | Self::Bag(own) => counted(own.len()),
            // Without players there are none of their lists, and nothing of them.
            Self::List(list) if list.is_empty() => Some(Self::List(list)),
            Self::List(list) => {
                Some(Self::list(list.into_iter().filter_map(|one| one.aggregate(by)).collect()))
            }
        }
    }

    /// Calls for each number or text in it, however deep.
    pub(super) fn each(&self, call: &mut impl FnMut(Leaf<'a>)) {
        match self {
            Self::Number(number) => call(Leaf::Number(*number)),
            Self::Text(text) => call(Leaf::Text(text)),
            Self::Numbers(numbers) => numbers.iter().for_each(|&number| call(Leaf::Number(number))),
            Self::Texts(texts) => texts.iter().for_each(|text| call(Leaf::Text(text))),
            Self::Own(own) | Self::Bag(own) => own.iter().for_each(|text| call(Leaf::Text(text))),
            Self::List(list) => list.iter().for_each(|value| value.each(call)),
        }
    }

    /// The texts of this list, each once, sorted.
    pub(super) fn distinct(&self) -> Vec<&'a str> {
        let mut texts: Vec<&str> = match self {
            Self::Own(own) => return own.iter().map(SmolStr::as_str).collect(),
            Self::Bag(own) => own.iter().map(SmolStr::as_str).collect(),
            Self::Texts(texts) => texts.clone(),
            Self::Text(text) => vec![text],
            Self::Number(_) | Self::Numbers(_) | Self::List(_) => Vec::new(),
        };
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// Whether this list has the text, or is it.
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::Own(own) => own.binary_search_by(|known| known.as_str().cmp(text)).is_ok(),
            Self::Bag(own) => own.iter().any(|known| known == text),
            Self::Texts(texts) => texts.contains(&text),
            Self::Text(only) => *only == text,
            Self::Number(_) | Self::Numbers(_) | Self::List(_) => false,
        }
    }

    fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
}

/// A single value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leaf<'a> {
    Number(f64),
    Text(&'a str),
}

/// Whether the list is of lists of texts and of nothing deeper: what can be intersected.
pub(super) fn is_of_text_lists(list: &[Value<'_>]) -> bool {
    list.iter().all(|value| matches!(value, Value::Texts(_) | Value::Own(_) | Value::Bag(_)))
}

/// The texts that all lists have, each once, sorted. Of no list: none.
pub(super) fn common<'a>(lists: &[Value<'a>]) -> Vec<&'a str> {
    let Some((first, rest)) = lists.split_first() else {
        return Vec::new();
    };
    let mut common = first.distinct();
    let mut last = first;
    for list in rest {
        // Players of one party come one after the other, with the same list.
        let again = matches!((list, last), (Value::Own(own), Value::Own(last)) if std::ptr::eq(*own, *last));
        if !again {
            common.retain(|text| list.has(text));
        }
        last = list;
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_team() -> Value<'static> {
        Value::List(vec![Value::Numbers(vec![1.0, 2.0]), Value::Numbers(vec![6.0])])
    }

    #[test]
    fn aggregates_go_to_the_innermost_lists() {
        assert_eq!(by_team().aggregate(Aggregate::Sum), Some(Value::Numbers(vec![3.0, 6.0])));
        assert_eq!(by_team().flatten().aggregate(Aggregate::Avg), Some(Value::Number(3.0)));
        let twice = by_team().aggregate(Aggregate::Sum).and_then(|sums| sums.aggregate(Aggregate::Max));
        assert_eq!(twice, Some(Value::Number(6.0)));
        assert_eq!(Value::Numbers(Vec::new()).aggregate(Aggregate::Max), None);
        assert_eq!(Value::Texts(Vec::new()).aggregate(Aggregate::Count), Some(Value::Number(0.0)));
    }

    #[test]
    fn flatten_takes_one_level_and_a_players_list_is_one() {
        let maps = [SmolStr::new("a"), SmolStr::new("b")];
        let players =
            Value::List(vec![Value::List(vec![Value::Own(&maps)]), Value::List(vec![Value::Own(&maps)])]);
        let flat = players.flatten();
        assert_eq!(flat, Value::List(vec![Value::Own(&maps), Value::Own(&maps)]));
        assert_eq!(flat.clone().intersection(), Value::Texts(vec!["a", "b"]));
        assert_eq!(flat.flatten(), Value::Texts(vec!["a", "b", "a", "b"]));
    }

    #[test]
    fn an_intersection_has_what_all_lists_have() {
        let list = |texts: &[&'static str]| Value::Texts(texts.to_vec());
        let lists = [list(&["c", "a", "b", "a"]), list(&["b", "a"]), list(&["a", "d", "b"])];
        assert_eq!(common(&lists), ["a", "b"]);
        assert_eq!(common(&lists[..1]), ["a", "b", "c"]);
        assert_eq!(common(&[]), [""; 0]);
    }
}
