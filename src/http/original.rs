//! The URI that a request came with, as axum's routers keep it.

use axum::extract::OriginalUri;
use http::{Uri, request::Parts};

/// The URI before a router cut a prefix off it, if that is known.
pub(super) fn uri(parts: &Parts) -> Option<&Uri> {
    parts
        .extensions
        .get::<OriginalUri>()
        .map(|original| &original.0)
}

/// Whether a router around a service of the type with this name may have cut something off unseen.
pub(super) fn is_hidden_from(_: &str) -> bool {
    false
}
