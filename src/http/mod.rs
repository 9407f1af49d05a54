//! Whole HTTP responses, kept, validated and invalidated by the queries behind them.
//!
//! Promises: a response is answered again only while everything that its handler read through the pool is as it was, and only
//! to requests that the handler could not have told from the first one. What cannot be followed, or told apart, passes. It
//! works around any tower service.
//!
//! It knows HTTP and the engine. It must not know SQL, a database driver or Redis; the pool comes in by [`ResponseStore`].

mod answer;
mod body;
mod cache_status;
mod conditional;
mod directives;
mod etag;
#[cfg(feature = "axum")]
mod json;
mod key;
mod layer;
mod lifetime;
mod look;
mod make;
mod marks;
#[cfg(feature = "axum")]
mod original;
#[cfg(not(feature = "axum"))]
#[path = "no_original.rs"]
mod original;
mod place;
mod policy;
mod request;
mod scope;
mod service;
mod store;
mod stored;
mod tags;
mod turn;

#[cfg(all(test, not(shuttle)))]
mod tests;

pub use body::ResponseBody;
#[cfg(feature = "axum")]
pub use json::{CachedJson, Conditions};
pub use layer::ResponseCacheLayer;
pub use policy::{Policy, Tagging};
pub use scope::{depends_on_tag, in_scope, uncacheable};
pub use service::{ResponseCache, ResponseFuture};
pub use store::ResponseStore;
