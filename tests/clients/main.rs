//! What a user of `CachedClient` sees, on PostgreSQL: the sentences of the core's behaviour suite, in tokio-postgres's own
//! verbs, and those that hold of this front-end alone.
//!
//! A hit is told from a miss by changing the rows behind the client's back (`Scene::behind`): the cache cannot know of it,
//! so the old answer is a hit and the new one a miss. The clock of every client is turned by hand.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod kit;

mod hits;
mod together;
mod types;
mod unseen;
