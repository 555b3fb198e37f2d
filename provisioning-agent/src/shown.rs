//! As much of what a caller wrote as an answer repeats: it has to fit into an HTTP/2 header, and is never larger than what
//! provoked it.

/// In characters.
const MOST: usize = 256;

/// The text, cut where it is long.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(MOST)), "ä".repeat(MOST));
        assert_eq!(shortened(&"ä".repeat(MOST + 1)), format!("{}…", "ä".repeat(MOST)));
    }
}
