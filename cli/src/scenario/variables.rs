//! `${name}` in a scenario's text.
//!
//! Replaced in the text, before it is read as JSON, so that the place of an error stays the place in the file. A value is
//! written as it stands inside a JSON string: a quote in it can't end the string.

/// A variable that has no value, with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) name: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Puts values in the place of `${name}`, or the default of `${name:-default}`. The last of equal names counts.
pub(super) fn replace(text: &str, values: &[(String, String)]) -> Result<String, Missing> {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let inside = &rest[start + 2..start + length];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inside, None),
        };
        let given = values.iter().rfind(|(known, _)| known == name);
        let given = given.map(|(_, value)| escaped(value)).or(default);
        let value = given.ok_or_else(|| Missing {
            name: name.to_owned(),
            line: 1 + text[..text.len() - rest.len() + start].matches('\n').count(),
        })?;
        replaced.push_str(&rest[..start]);
        replaced.push_str(&value);
        rest = &rest[start + length + 1..];
    }
    replaced.push_str(rest);
    Ok(replaced)
}

/// Reads `name=value` from the command line.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write name=value".to_owned()),
    }
}

fn escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_defaults_and_what_is_missing() {
        let values = [("a".to_owned(), "1\"".to_owned()), ("b".to_owned(), "2".to_owned())];
        assert_eq!(replace("x ${a}${b} ${c:-3} $ {d}", &values).unwrap(), "x 1\\\"2 3 $ {d}");
        let missing = replace("\n${a}\n ${c}", &values).unwrap_err();
        assert_eq!((missing.name.as_str(), missing.line), ("c", 3));
        assert_eq!(assignment("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert!(assignment("=b").is_err() && assignment("b").is_err());
    }
}
