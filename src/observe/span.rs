//! Spans of `tracing` around what takes time: a load, a refresh, a write.
//!
//! Each is a child of the span that its caller is in, also where the work goes on in a task of its own. A hit has none.
//! They say on how many tags a result hangs and not which: a user's tags are often somebody's identity.

use tracing::{Span, debug_span};

/// Around a load that a reader waits for.
pub(crate) fn load(tags: usize) -> Span {
    debug_span!(target: "cachedpool", "load", tags)
}

/// Around a load in the background.
pub(crate) fn refresh(tags: usize) -> Span {
    debug_span!(target: "cachedpool", "refresh", tags)
}

/// Around a statement that can change something, or transaction control.
#[cfg(feature = "_pool")]
pub(crate) fn write() -> Span {
    debug_span!(target: "cachedpool", "write")
}
