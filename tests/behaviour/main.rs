//! What a user of `CachedPool` sees, on SQLite, PostgreSQL and MariaDB: each test is one generic function, named as the
//! sentence that it holds to, and runs on every database that the sentence speaks of.
//!
//! A hit is told from a miss by changing the rows behind the pool's back (`Scene::behind`): the cache cannot know of it,
//! so the old answer is a hit and the new one a miss. The clock of every pool is turned by hand.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

#[macro_use]
mod kit;

mod alike;
mod cancel;
mod errors;
mod expansions;
mod fences;
mod flights;
mod followed;
mod freshness;
mod hints;
mod hits;
mod implied;
mod keys;
mod mapped;
mod outages;
mod peculiar;
mod reach;
mod scopes;
mod sessions;
mod several;
mod starts;
mod swap;
mod tokens;
mod traces;
mod transactions;
mod writes;
