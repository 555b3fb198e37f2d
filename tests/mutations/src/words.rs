//! Words of a format, in the form that libFuzzer reads: `"text"` on a line each, `\x00` and `\"` within, `#` for people.

/// The words of a dictionary.
///
/// # Panics
/// Where a line is no word: libFuzzer would refuse it too.
pub fn read(dictionary: &str) -> Vec<Vec<u8>> {
    let lines = dictionary.lines().map(str::trim);
    let words = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    words
        .map(|line| word(line).unwrap_or_else(|| panic!("this is no word of a dictionary: {line}")))
        .collect()
}

fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            word.push(byte);
            continue;
        }
        match rest.next()? {
            escaped @ (b'"' | b'\\') => word.push(escaped),
            b'x' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                word.push(u8::try_from(high * 16 + low).ok()?);
            }
            _ => return None,
        }
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_escapes_and_lines_for_people_none() {
        let words = read("# of JSON\n\n\"{\\\"a\\\":\"\n  \"\\x00\\\\x\"\n\"ä\"\n");
        assert_eq!(words, [b"{\"a\":".to_vec(), b"\0\\x".to_vec(), "ä".as_bytes().to_vec()]);
        for bad in ["word", "\"a\\q\"", "\"a\\x1\""] {
            assert!(std::panic::catch_unwind(|| read(bad)).is_err(), "{bad}");
        }
    }
}
