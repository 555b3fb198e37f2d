//! The table of how a rule set loosens: a line for each number, a column for each age.

use std::fmt::Write as _;

use matching::rule_set::{Loosening, LooseningRow, LooseningValue};

/// Ages beside each other. More of them go into another table below.
const COLUMNS: usize = 8;

/// The table, and a line for each sign in it that isn't plain.
pub(super) fn shown(loosening: &Loosening) -> String {
    let mut text = String::new();
    let columns: Vec<usize> = (0..loosening.ages.len()).collect();
    for columns in columns.chunks(COLUMNS) {
        let ages = columns.iter().map(|age| format!("{} s", loosening.ages[*age]));
        let mut lines =
            vec![["while tickets wait".to_owned(), "age of".to_owned()].into_iter().chain(ages).collect()];
        lines.extend(loosening.rows.iter().map(|row| line(row, columns)));
        text += &aligned(&lines);
        text += "\n";
    }
    let values = || loosening.rows.iter().flat_map(|row| &row.values);
    if loosening.rows.iter().any(|row| row.linear) {
        text += "~  moves in a straight line from age to age\n";
    }
    if values().any(|value| *value == LooseningValue::NotAsked) {
        text += "-  isn't asked any more\n";
    }
    if loosening.rows.iter().any(|row| row.weight.is_some()) {
        text += "*  a preference, with its weight\n";
    }
    let end = text.trim_end().len();
    text.truncate(end);
    text + "\n"
}

fn line(row: &LooseningRow, columns: &[usize]) -> Vec<String> {
    let mut target = row.target.clone();
    if let Some(weight) = row.weight {
        write!(target, " *{weight}").expect("a string takes all text");
    }
    let value = |column: &usize| match row.values[*column] {
        LooseningValue::Is(number) => {
            let number = (number * 1_000.0).round() / 1_000.0;
            if row.linear { format!("~{number}") } else { number.to_string() }
        }
        LooseningValue::Asked => "asked".to_owned(),
        LooseningValue::NotAsked => "-".to_owned(),
    };
    [target, row.age.to_owned()].into_iter().chain(columns.iter().map(value)).collect()
}

/// Names to the left, numbers to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            match column {
                0 => write!(text, "{cell:<width$}"),
                1 => write!(text, "  {cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            }
            .expect("a string takes all text");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_that_do_not_fit_beside_each_other_go_below() {
        let ages: Vec<f64> = (0..10).map(f64::from).collect();
        let values = ages.iter().map(|age| LooseningValue::Is(*age)).collect();
        let target = "rules[A].maxLatency".to_owned();
        let row = LooseningRow { target, age: "newest", linear: false, weight: None, values };
        let text = shown(&Loosening { ages, rows: vec![row] });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[0].ends_with("7 s") && lines[1].ends_with('7'), "{text}");
        assert!(lines[3].ends_with("8 s  9 s"), "{text}");
    }
}
