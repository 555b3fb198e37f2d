//! What holds of every refusal of a message, and of every identifier that was accepted.

use proto::error::{Reason, Refusal};

/// Of HTTP/2 headers, in which a status travels, peers take 16 KiB, and other headers are beside it.
const LONGEST: usize = 14 * 1024;

/// Checks the refusal of a message with bad fields.
pub(crate) fn check_refusal(refusal: &Refusal) {
    assert_eq!(refusal.reason, Reason::InvalidRequest, "{refusal:?}");
    assert!(!refusal.fields.is_empty(), "it names no field: {refusal:?}");
    for error in &refusal.fields {
        assert!(!error.field.is_empty() && !error.message.is_empty(), "{error:?}");
        let garbles = |text: &str| text.contains(char::is_control);
        assert!(!garbles(&error.field) && !garbles(&error.message), "{error:?}");
    }
    fits_into_a_status(refusal);
}

fn fits_into_a_status(refusal: &Refusal) {
    let status = refusal.clone().into_status();
    // The details travel in base64, and each byte of the message as three where it is no plain ASCII.
    let bytes = status.details().len() * 4 / 3 + status.message().len() * 3;
    assert!(bytes <= LONGEST, "{bytes} bytes: {refusal:?}");
    assert_eq!(Refusal::from_status(&status), *refusal, "it survives the wire");
}

/// Whether it follows the one rule of identifiers.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && !text.contains(char::is_control)
}
