//! The tiers that keep entries: the local one behind [`Store`](crate::cache::Store), the one that processes share behind
//! [`SharedTier`](crate::cache::shared::SharedTier).
//!
//! A tier may forget any entry at any time; it never decides whether one may be served.

mod local;
#[cfg(feature = "redis")]
mod shared;

pub use local::LocalTier;
#[cfg(feature = "redis")]
pub use shared::{Redis, RedisTier};
