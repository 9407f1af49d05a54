//! What a user of `CachedClient` sees, on PostgreSQL: the sentences of the core's behaviour suite, in tokio-postgres's own
//! verbs, and those that hold of this front-end alone.
//!
//! A hit is told from a miss by changing the rows behind the client's back (`Scene::behind`): the cache cannot know of it,
//! so the old answer is a hit and the new one a miss. The clock of every client is turned by hand.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod kit;

mod cancel;
mod errors;
mod fences;
mod flights;
mod freshness;
mod hints;
mod hits;
mod implied;
mod keys;
mod outages;
mod pools;
mod scopes;
mod sessions;
mod statements;
mod together;
mod tokens;
mod transactions;
mod types;
mod unseen;
mod writes;
