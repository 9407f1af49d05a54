//! How tags are written where somebody else compares them: one spelling for the headers of responses and for the hook.

use std::fmt::Write as _;

/// A name in characters that may stand in a tag by every CDN's rules, which is as a whole neither a list nor two words; all others
/// are percent-encoded (RFC 3986 §2.1), the percent sign too.
pub(super) fn spelled(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:!$&'()*+;=@?".contains(&byte) {
            label.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(label, "%{byte:02X}");
        }
    }
    label
}
