//! Spans of `tracing` around what takes time: a load, a refresh, a write.
//!
//! Each is a child of the span that its caller is in, also where the work goes on in a task of its own. A hit has none.
//! They name tables and tags, never bound values or SQL.

use tracing::{Span, debug_span, field::display};

/// Around a load that a reader waits for.
pub(crate) fn load<'a>(tags: impl Iterator<Item = &'a str>) -> Span {
    named(
        debug_span!(target: "cachedpool", "load", tags = tracing::field::Empty),
        tags,
    )
}

/// Around a load in the background.
pub(crate) fn refresh<'a>(tags: impl Iterator<Item = &'a str>) -> Span {
    named(
        debug_span!(target: "cachedpool", "refresh", tags = tracing::field::Empty),
        tags,
    )
}

/// Around a statement that can change something, or transaction control.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub(crate) fn write() -> Span {
    debug_span!(target: "cachedpool", "write")
}

fn named<'a>(span: Span, tags: impl Iterator<Item = &'a str>) -> Span {
    if !span.is_disabled() {
        span.record("tags", display(tags.collect::<Vec<_>>().join(",")));
    }
    span
}
