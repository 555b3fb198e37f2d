//! What texts and numbers of a client may be, as the API's description says it.
//!
//! Nothing is checked by these: what a field may say is for the control plane to judge. The description repeats its limits for
//! whoever makes requests from it, and is tried against the running programs, so that the two don't part.

use utoipa::ToSchema;

/// 1 to 128 bytes of UTF-8 without control characters.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
#[expect(dead_code, reason = "it is described and never made")]
pub(crate) struct Id(String);

/// At most 256 bytes of UTF-8 without control characters.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
#[expect(dead_code, reason = "it is described and never made")]
pub(crate) struct AttributeText(String);

/// In milliseconds; fractions are rounded.
#[derive(ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 60000)]
#[expect(dead_code, reason = "it is described and never made")]
pub(crate) struct Latency(f64);
