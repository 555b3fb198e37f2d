//! Comparing what is there with what should be.

use serde_json::{Map, Value};

use super::report::Failure;

/// What a value, or several, should be like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Check {
    Equals(Value),
    /// A text with `*` for anything.
    Matches(String),
    /// Of a list, an object or a text.
    Length(usize),
    /// All the same.
    Same,
    /// No two the same.
    Different,
}

impl Check {
    /// A check of one value, where one is given.
    pub(super) fn of_one(
        equals: Option<&Value>,
        matches: Option<&String>,
        length: Option<usize>,
    ) -> Option<Self> {
        let equals = equals.cloned().map(Self::Equals);
        let matches = matches.cloned().map(Self::Matches);
        equals.or(matches).or(length.map(Self::Length))
    }

    /// Whether all `values` are as they should be. Each comes with the name of whose it is.
    pub(super) fn holds(&self, values: &[(String, Value)]) -> Result<(), Failure> {
        let alone = |expected: String, fits: &dyn Fn(&Value) -> bool| {
            let wrong = values.iter().find(|(_, value)| !fits(value));
            wrong.map_or(Ok(()), |(name, value)| Err(Failure::new(expected, format!("{value} for {name}"))))
        };
        match self {
            Self::Equals(expected) => alone(expected.to_string(), &|value| value == expected),
            Self::Matches(pattern) => alone(format!("a text like \"{pattern}\""), &|value| {
                value.as_str().is_some_and(|text| is_like(text, pattern))
            }),
            Self::Length(length) => {
                alone(format!("{length} entries"), &|value| length_of(value) == Some(*length))
            }
            Self::Same => {
                let same = values.windows(2).all(|pair| pair[0].1 == pair[1].1);
                expect(same, "the same for all", values)
            }
            Self::Different => {
                let different = values
                    .iter()
                    .enumerate()
                    .all(|(index, (_, value))| values[..index].iter().all(|(_, other)| other != value));
                expect(different, "another one for each", values)
            }
        }
    }
}

/// The value at a JSON pointer; `null` where there is none, so that its absence can be asserted.
pub(super) fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or_default()
}

/// Whether an answer holds what is expected of it, by JSON pointer.
pub(super) fn answer_holds(expected: &Map<String, Value>, answer: &Value) -> Result<(), Failure> {
    for (pointer, value) in expected {
        if at(answer, pointer) != *value {
            return Err(Failure::new(format!("{value} at {pointer}"), answer.to_string()));
        }
    }
    Ok(())
}

fn expect(holds: bool, expected: &str, values: &[(String, Value)]) -> Result<(), Failure> {
    if holds {
        return Ok(());
    }
    let got: Vec<_> = values.iter().map(|(name, value)| format!("{value} for {name}")).collect();
    Err(Failure::new(expected, got.join(", ")))
}

fn length_of(value: &Value) -> Option<usize> {
    match value {
        Value::Array(list) => Some(list.len()),
        Value::Object(fields) => Some(fields.len()),
        Value::String(text) => Some(text.chars().count()),
        _ => None,
    }
}

/// Whether `text` is `pattern` with something for each `*`.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let (middle, end) = rest.rsplit_once('*').map_or(("", rest), |(middle, end)| (middle, end));
    let Some(without_end) = text.strip_suffix(end) else {
        return false;
    };
    text = without_end;
    middle.split('*').all(|part| match text.find(part) {
        Some(found) => {
            text = &text[found + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(of: &[Value]) -> Vec<(String, Value)> {
        of.iter().enumerate().map(|(index, value)| (format!("p{index}"), value.clone())).collect()
    }

    #[test]
    fn each_check_holds_and_fails() {
        let one = values(&[json!("ab"), json!("ab")]);
        let two = values(&[json!("ab"), json!("cd")]);
        for (check, good, bad) in [
            (Check::Equals(json!("ab")), &one, &two),
            (Check::Matches("a*".to_owned()), &one, &two),
            (Check::Length(2), &two, &values(&[json!(2)])),
            (Check::Same, &one, &two),
            (Check::Different, &two, &one),
        ] {
            assert!(check.holds(good).is_ok(), "{check:?}");
            assert!(check.holds(bad).is_err(), "{check:?}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (text, pattern, like) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "*", true),
            ("", "*", true),
            ("abc", "a*c", true),
            ("ac", "a*c", true),
            ("aba", "*b*", true),
            ("abc", "c*a", false),
            ("a", "a*a", false),
            ("abcbc", "a*b*bc", true),
        ] {
            assert_eq!(is_like(text, pattern), like, "{text} {pattern}");
        }
    }

    #[test]
    fn a_failure_says_what_was_there() {
        let failure = Check::Equals(json!(1)).holds(&values(&[json!(1), json!(2)])).unwrap_err();
        assert_eq!((failure.expected.as_str(), failure.got.as_str()), ("1", "2 for p1"));
        let expected = json!({"/code": "X"});
        assert!(answer_holds(expected.as_object().unwrap(), &json!({"code": "Y"})).is_err());
    }
}
