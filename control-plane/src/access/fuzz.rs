//! Part of the fuzz targets: see [`crate::fuzz`].

use super::file::Holders;

/// The longest sentence about a file, in bytes.
const LONGEST: usize = 300;

/// The file that says who may do what.
pub fn access_file(data: &[u8]) {
    match Holders::parse(data) {
        Ok(holders) => {
            let again = holders.parse_again(data).expect("it was read a moment ago");
            assert_eq!(again.len(), holders.len());
            assert!(holders.missing(&again).is_empty(), "who is still there is not revoked");
            let text = std::str::from_utf8(data).expect("it was read");
            // Hashes are looked for, not keys: what stands in the file opens nothing.
            assert!(text.split_whitespace().take(200).all(|word| holders.by_key(word).is_none()));
            let lines =
                text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
            assert_eq!(holders.len(), lines.count(), "each line is somebody");
        }
        Err(error) => {
            assert!(error.len() <= LONGEST, "{} bytes: {error}", error.len());
            let Ok(text) = std::str::from_utf8(data) else { return };
            let line = error.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
            let number: usize = line.and_then(|(number, _)| number.parse().ok()).expect("it names the line");
            let line = text.lines().nth(number - 1).expect("the line is in the file");
            // A key, or the hash of one, that stands where something else was meant to.
            for word in line.split_whitespace().filter(|word| word.len() > 32) {
                assert!(!error.contains(word), "{error}");
            }
        }
    }
}
