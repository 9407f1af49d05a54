//! The tier that processes share, on Redis or Valkey. The only user of `redis`.
//!
//! Promises what [`SharedTier`](crate::cache::shared::SharedTier) asks for. Redis keeps the authoritative words of the
//! clock, and each of its memories has an epoch: whatever may have lost a step (a flush, an eviction, a restart, a replica that
//! was promoted) ends the epoch, so no older stamp ever matches again. Steps are published, and heard in the order in which the
//! connection brings them. `docs/redis.md` says how it is laid out there and what the server must allow.
//!
//! It must not know what an entry means, nor how long anything may be believed: that is the engine's.

mod fault;
mod hearing;
mod holds;
mod link;
mod links;
mod map;
mod message;
mod names;
mod place;
mod reading;
mod script;
mod settings;
mod tier;
#[cfg(feature = "redis-tls")]
mod tls;
#[cfg(not(feature = "redis-tls"))]
#[path = "no_tls.rs"]
mod tls;
mod vouching;
mod writing;

pub use settings::Redis;
pub use tier::RedisTier;

/// A number that nobody has used before: an epoch, an owner, an origin. Never zero.
///
/// Each hasher of the standard library has keys of its own, from the system's randomness.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()).max(1)
}
