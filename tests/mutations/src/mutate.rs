//! Inputs made of saved ones: small changes mostly, some of them many, with the words of the format among them.

use std::ops::Range;

use crate::{Dice, Saved};

/// The longest input: above what any door takes.
const LONGEST: usize = 96 * 1024;

/// How often a part is repeated at most: what is listed becomes a long list.
const REPEATS: usize = 200;

/// Numbers at which something often changes.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1e308",
    "-0.0",
    "1e-320",
    "65536",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "1.7976931348623157e308",
    "0.30000000000000004",
    "1e999",
];

/// One of the saved inputs, changed in some places.
pub fn mutated(dice: &mut Dice, saved: &Saved) -> Vec<u8> {
    let mut input = dice.one_of(&saved.inputs).map(|(_, input)| input.clone()).unwrap_or_default();
    let changes = 1 + dice.below(4) * dice.below(3);
    for _ in 0..changes {
        change(dice, saved, &mut input);
        input.truncate(LONGEST);
    }
    input
}

fn change(dice: &mut Dice, saved: &Saved, input: &mut Vec<u8>) {
    match dice.below(11) {
        0 => {
            if let Some(at) = place(dice, input) {
                input[at] ^= 1 << dice.below(8);
            }
        }
        1 => {
            if let Some(at) = place(dice, input) {
                input[at] =
                    *dice.one_of(&[0, 0x7f, 0x80, 0xff, b'"', b'\\', b'.', b',', b'\n']).unwrap_or(&0);
            }
        }
        2 => {
            let part = part(dice, input);
            input.drain(part);
        }
        3 => input.truncate(dice.below(input.len() + 1)),
        4 => repeat(dice, input),
        5 => {
            let bytes: Vec<u8> = (0..=dice.below(8)).map(|_| dice.byte()).collect();
            insert(dice, input, &bytes);
        }
        6 | 7 => {
            let word = dice.one_of(&saved.words).cloned().unwrap_or_default();
            // In place of something, or before it.
            if dice.below(2) == 0 {
                let part = token(dice, input);
                input.splice(part, word);
            } else {
                insert(dice, input, &word);
            }
        }
        8 => {
            let number = dice.one_of(&NUMBERS).copied().unwrap_or_default();
            let part = number_at(dice, input).unwrap_or_else(|| token(dice, input));
            input.splice(part, number.bytes());
        }
        9 => {
            let other = dice.one_of(&saved.inputs).map(|(_, other)| other.as_slice()).unwrap_or_default();
            let from = part(dice, other);
            insert(dice, input, &other[from]);
        }
        _ => {
            let (from, to) = (token(dice, input), part(dice, input));
            let copy = input[from].to_vec();
            input.splice(to, copy);
        }
    }
}

/// Some part, twice or many times.
fn repeat(dice: &mut Dice, input: &mut Vec<u8>) {
    let part = part(dice, input);
    let times = if dice.below(4) == 0 { 1 + dice.below(REPEATS) } else { 1 };
    let times = times.min(LONGEST / part.len().max(1));
    let copies = input[part.clone()].repeat(times);
    input.splice(part.end..part.end, copies);
}

fn insert(dice: &mut Dice, input: &mut Vec<u8>, bytes: &[u8]) {
    let at = dice.below(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

fn place(dice: &mut Dice, input: &[u8]) -> Option<usize> {
    (!input.is_empty()).then(|| dice.below(input.len()))
}

/// Some bytes, mostly few.
fn part(dice: &mut Dice, input: &[u8]) -> Range<usize> {
    let from = dice.below(input.len() + 1);
    let most = if dice.below(4) == 0 { input.len() } else { 24 };
    let to = from + dice.below(most.min(input.len() - from) + 1);
    from..to
}

/// What stands between two signs: a name, a number, a text.
fn token(dice: &mut Dice, input: &[u8]) -> Range<usize> {
    let Some(at) = place(dice, input) else { return 0..0 };
    let is_sign = |byte: &u8| {
        matches!(byte, b'"' | b',' | b':' | b'{' | b'}' | b'[' | b']' | b' ' | b'\n' | b'.' | b'=')
    };
    let from = input[..at].iter().rposition(is_sign).map_or(0, |sign| sign + 1);
    let to = input[at..].iter().position(is_sign).map_or(input.len(), |sign| at + sign);
    from..to.max(from)
}

/// A number written in digits, behind some place.
fn number_at(dice: &mut Dice, input: &[u8]) -> Option<Range<usize>> {
    let at = place(dice, input)?;
    let from = at + input[at..].iter().position(u8::is_ascii_digit)?;
    let end = input[from..].iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
    Some(from..end.map_or(input.len(), |length| from + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Saved {
        let inputs = [&b"{\"a\": [1, 20, \"x\"]}"[..], b"", b"\x00\xff binary"];
        let inputs = inputs.iter().map(|input| ("saved".to_owned(), input.to_vec())).collect();
        Saved { inputs, words: vec![b"queueKey".to_vec(), Vec::new()] }
    }

    #[test]
    fn a_seed_makes_the_same_inputs_and_others_make_others() {
        let saved = saved();
        let made =
            |seed| (0..50_u64).map(|turn| mutated(&mut Dice::new(seed + turn), &saved)).collect::<Vec<_>>();
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(1_000));
    }

    #[test]
    fn every_change_keeps_within_the_longest() {
        let saved = saved();
        let lengths: Vec<usize> =
            (0..20_000).map(|seed| mutated(&mut Dice::new(seed), &saved).len()).collect();
        assert!(lengths.iter().all(|length| *length <= LONGEST));
        assert!(lengths.contains(&0) && lengths.iter().any(|length| *length > 1_000), "short and long ones");
    }
}
