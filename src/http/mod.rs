//! HTTP responses, kept, validated and invalidated by the queries behind them.

mod cache_status;
mod conditional;
mod directives;
mod key;
#[cfg(feature = "axum")]
mod original;
#[cfg(not(feature = "axum"))]
#[path = "no_original.rs"]
mod original;
mod policy;
mod request;
mod stored;

pub use policy::{Policy, Tagging};
