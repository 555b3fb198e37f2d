//! Reads statements of compound rules such as `and(or(RuleA, RuleB), not(RuleC))`.

use super::{
    super::{Logic, limits, suggest},
    cursor::{Cursor, Fault},
};

/// What a name in a statement stands for.
pub(super) type Lookup<'l> = dyn Fn(&str) -> Result<usize, String> + 'l;

/// Reads a statement whole. `lookup` finds rules by name, or says why one can't be named.
pub(super) fn read(text: &str, lookup: &Lookup<'_>) -> Result<Logic, Fault> {
    let mut cursor = Cursor::new(text)?;
    let logic = logic(&mut cursor, lookup, 0)?;
    cursor.end()?;
    Ok(logic)
}

fn logic(cursor: &mut Cursor<'_>, lookup: &Lookup<'_>, depth: usize) -> Result<Logic, Fault> {
    let start = cursor.at();
    if depth >= limits::DEPTH {
        return Err(Fault::new(start, format!("statements can be nested {} deep", limits::DEPTH)));
    }
    let name = cursor.until(|c| matches!(c, '(' | ')' | ','));
    if name.is_empty() {
        return Err(Fault::new(
            start,
            "a rule's name is needed here, or `and(…)`, `or(…)`, `xor(…)`, `not(…)`".to_owned(),
        ));
    }
    if !cursor.take('(') {
        return lookup(name).map(Logic::Rule).map_err(|message| Fault::new(start, message));
    }
    let mut parts = vec![logic(cursor, lookup, depth + 1)?];
    while cursor.take(',') {
        parts.push(logic(cursor, lookup, depth + 1)?);
    }
    cursor.expect(')')?;
    let count = parts.len();
    let fault = |message: String| Err(Fault::new(start, message));
    match name {
        "and" | "or" | "xor" if count < 2 => fault(format!("`{name}` needs at least two parts")),
        "and" => Ok(Logic::And(parts)),
        "or" => Ok(Logic::Or(parts)),
        "xor" => Ok(Logic::Xor(parts)),
        "not" => match parts.pop() {
            Some(part) if count == 1 => Ok(Logic::Not(Box::new(part))),
            _ => fault(format!("`not` is of one part, and these are {count}")),
        },
        _ => {
            let hint = suggest::hint(name, ["and", "or", "xor", "not"]);
            fault(format!("there is no {}{hint}", suggest::shown(name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Logic, String> {
        let lookup = |name: &str| match name {
            "A" => Ok(0),
            "B b" => Ok(1),
            _ => Err("unknown".to_owned()),
        };
        super::read(text, &lookup).map_err(|fault| format!("{}: {}", fault.at, fault.message))
    }

    #[test]
    fn statements_nest_and_names_may_have_blanks() {
        let both = || vec![Logic::Rule(0), Logic::Rule(1)];
        let all = Logic::And(vec![Logic::Or(both()), Logic::Not(Box::new(Logic::Xor(both())))]);
        assert_eq!(read(" and( or(A,B b) , not(xor(A, B b)) )"), Ok(all));
        assert_eq!(read("A"), Ok(Logic::Rule(0)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, message) in [
            ("", "0: a rule's name is needed"),
            ("and(A, C)", "7: unknown"),
            ("and(A)", "0: `and` needs at least two"),
            ("not(A, A)", "0: `not` is of one part"),
            ("nand(A, A)", "0: there is no `nand`; did you mean `and`?"),
            ("and(A, A", "8: `)` is needed here, not the end"),
            ("A) or", "1: this should end before `) or`"),
            (&"not(".repeat(40), "64: statements can be nested 16 deep"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.starts_with(message), "{text}: {found}");
        }
    }
}
