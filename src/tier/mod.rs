//! The tiers that keep entries: behind [`Store`](crate::cache::Store), each in its file.
//!
//! A tier may forget any entry at any time; it never decides whether one may be served.

mod local;

pub use local::LocalTier;
