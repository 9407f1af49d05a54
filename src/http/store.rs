//! What the layer needs of a pool.

use std::sync::Arc;

use crate::cache::{Consistency, Engine, WholeKey};

/// Where responses are kept: a `CachedPool` of any database.
pub trait ResponseStore: Send + Sync + 'static {
    /// The engine whose reads the responses are made of.
    fn engine(&self) -> &Arc<Engine>;

    /// What reads guarantee by default.
    fn consistency(&self) -> Consistency;

    /// The key among processes of a response with this key under this name; `None` where it means nothing outside this one.
    fn shared_key(&self, name: &str, key: &[u8]) -> Option<WholeKey>;
}
