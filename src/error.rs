//! The crate's own error: misuse and set-up. A failing query is always the driver's error, unwrapped.
