//! The URI that a request came with, where nothing keeps it: without axum there are no routers that this room knows.

use http::{Uri, request::Parts};

/// The URI before a router cut a prefix off it, if that is known.
pub(super) fn uri(_: &Parts) -> Option<&Uri> {
    None
}

/// Whether a router around a service of the type with this name may have cut something off unseen.
pub(super) fn is_hidden_from(service: &str) -> bool {
    service.contains("axum::")
}
