//! A sqlx pool whose reads are cached and whose writes invalidate what they can have changed.
//!
//! Wrap the pool that the application has, add `.cached(&pool)` to the reads worth keeping, and leave the rest alone:
//! `&CachedPool` is a sqlx [`Executor`](https://docs.rs/sqlx/0.9/sqlx/trait.Executor.html). Keys are made from statement,
//! bound values and all else that can change the answer; the tables that a statement reads and writes are taken from its
//! text.
//!
//! # Example
//! ```
//! # #[cfg(feature = "postgres")]
//! # async fn example(pg_pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//! use cachedpool::{CachedPool, prelude::*};
//! use std::time::Duration;
//!
//! #[derive(Clone, sqlx::FromRow, serde::Serialize, serde::Deserialize)]
//! struct User {
//!     id: i64,
//!     name: String,
//! }
//!
//! let pool = CachedPool::builder(pg_pool).build().await?;
//!
//! let user: User = sqlx::query_as("SELECT id, name FROM users WHERE id = $1")
//!     .bind(7_i64)
//!     .cached(&pool)
//!     .ttl(Duration::from_secs(30))
//!     .fetch_one()
//!     .await?;
//!
//! // When this has returned, what was read from `users` is invalid.
//! sqlx::query("UPDATE users SET name = $1 WHERE id = $2")
//!     .bind("Ada")
//!     .bind(user.id)
//!     .execute(&pool)
//!     .await?;
//!
//! // What a transaction writes is invalidated by its COMMIT; a rollback invalidates nothing.
//! let mut tx = pool.begin().await?;
//! sqlx::query("DELETE FROM users WHERE id = $1").bind(user.id).execute(&mut *tx).await?;
//! tx.commit().await?;
//!
//! println!("{}", pool.explain("SELECT now()")); // cached, or why not
//! println!("{}", pool.stats());
//! # Ok(())
//! # }
//! ```
//!
//! # Promises
//! - The cache never fails a read and never changes a result's type or error.
//! - **Read your writes**: after `execute` or `commit` has returned on a pool, no cached read that starts later on it sees
//!   older data.
//! - **No stale fill**: a result that was read before a write is never served as valid after it. [`cache::clock`] has the
//!   proof.
//! - No result is shared across scope, database, role or the session settings that change results.
//! - With a shared tier, what one process writes, the others see after one message, or within
//!   [`max_staleness`](Builder::max_staleness) if messages do not get through; strict ones at once
//!   ([`Consistency::Strict`]); and a read after a [`Token`] is as new as the write that gave it, anywhere.
//! - Dropping a future loses no invalidation and leaves no waiter hanging.
//! - Memory is bounded.
//!
//! They hold for writes that go through the pool. What a statement's text does not show (views, triggers, foreign keys' actions,
//! rules, partitions, functions, row-level security) is taken from the database's catalog; what even that does not show
//! counts as a change of everything, and can be declared ([`Builder::declare_trigger`], [`Builder::declare_function`]). DDL from
//! outside is seen at the next look ([`Builder::schema_interval`]), writes from outside when the time to live is over, or with the
//! feature `cdc` as soon as the server has told of them (`Builder::follow_changes`).
//!
//! # Features
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `postgres` | yes | `CachedPool<Postgres>` |
//! | `mysql` | | `CachedPool<MySql>`, for MySQL and MariaDB |
//! | `sqlite` | | `CachedPool<Sqlite>` |
//! | `tokio-postgres` | | `CachedClient`: the same before a `deadpool_postgres::Pool`, without sqlx or beside it ([`Builder::beside`]) |
//! | `redis` | yes | `Builder::redis`: results and invalidations shared between processes, on Redis 7 or Valkey 8 and later |
//! | `redis-tls` | | `rediss://` |
//! | `cdc` | | `Builder::follow_changes`: writes that bypass the pool invalidate too, by PostgreSQL's logical replication or `NOTIFY`, or SQLite's `data_version` |
//! | `cdc-tls` | | `cdc`, with `LogicalReplication::tls` for servers that want TLS |
//! | `http` | | `http::ResponseCacheLayer`: whole responses kept and invalidated by the queries behind them, for any tower service |
//! | `axum` | | `http`, which knows axum's nested routers, and `http::CachedJson` |
//! | `metrics` | | `observe::metrics::publish`: the counters through the `metrics` facade |
//! | `testing` | | a clock that tests turn by hand, and switches that break a mechanism on purpose; never for production, not covered by semver |

#[cfg(feature = "_pool")]
mod builder;
pub mod cache;
#[cfg(all(feature = "cdc", any(feature = "postgres", feature = "sqlite")))]
pub mod cdc;
#[cfg(feature = "_pool")]
mod driver;
#[cfg(feature = "_pool")]
mod error;
#[cfg(feature = "_pool")]
mod explain;
#[cfg(feature = "http")]
pub mod http;
pub mod observe;
#[cfg(feature = "_pool")]
mod pool;
#[cfg(feature = "_sqlx")]
pub mod prelude;
#[cfg(feature = "_pool")]
mod schema;
pub mod sql;
pub mod tier;

#[cfg(all(feature = "testing", feature = "_sqlx"))]
#[doc(hidden)]
pub use self::driver::sqlx::inspect;
#[cfg(feature = "tokio-postgres")]
pub use self::driver::tokio_postgres::{self, CachedClient, TokioPostgres};
#[cfg(all(feature = "testing", feature = "_pool"))]
#[doc(hidden)]
pub use self::schema::Omission;
pub use self::sql::{Dialect, Explanation, explain};
#[cfg(feature = "_pool")]
pub use self::{
    builder::Builder,
    cache::{Cached, Consistency, Freshness, Source, Token, shared::TokenError},
    driver::{
        CachePolicy, CachedConnection, CachedPoolConnection, CachedRead, Front, RowTags,
        SchemaMode, Transaction, Wrap,
    },
    error::{Error, ErrorKind},
    explain::PoolExplanation,
    observe::Invalidation,
    pool::CachedPool,
    schema::{Effects, RelationInfo, RelationKind, Schema},
};
#[cfg(feature = "_sqlx")]
pub use self::{
    driver::sqlx::{Backend, CacheExt, CacheValue, Mapped},
    error::{is_fence_unavailable, is_not_cached},
};
