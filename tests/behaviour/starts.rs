//! What `build()` says of a Redis that will not do.

use cachedpool::{CacheExt as _, CachedPool, Error, ErrorKind};
use cachedpool_test_support::{OwnRedis, SqliteFile, wait_until};
use sqlx::{Sqlite, SqlitePool};

use crate::kit::{LONG, Number, live, read};

/// Whether the pool is one that needs its tier.
#[derive(Clone, Copy, Debug)]
enum Tier {
    Wanted,
    Required,
}

const BOTH: [Tier; 2] = [Tier::Wanted, Tier::Required];

/// Builds a pool on a database of its own.
async fn build(url: &str, tier: Tier) -> Result<(CachedPool<Sqlite>, SqliteFile), Error> {
    let file = SqliteFile::new();
    let inner = SqlitePool::connect(&file.url()).await.unwrap();
    let builder = CachedPool::builder(inner).redis(url);
    let builder = match tier {
        Tier::Wanted => builder,
        Tier::Required => builder.require_shared(),
    };
    Ok((builder.build().await?, file))
}

async fn problem(url: &str, tier: Tier) -> String {
    // It is told as far as Redis has answered in time.
    let mut told = None;
    wait_until(LONG, "it is told", async || {
        told = build(url, tier).await.err();
        let silent = |error: &Error| error.to_string().contains("does not answer");
        told.as_ref().is_some_and(|error| !silent(error))
    })
    .await;
    let error = told.unwrap();
    assert!(
        matches!(error.kind(), ErrorKind::SharedTier { .. }),
        "{error}"
    );
    let said = format!("{error} {error:?}");
    assert!(!said.contains("hunter2"), "{said}");
    error.to_string()
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_an_error() {
    for tier in BOTH {
        for url in [
            "localhost",
            "http://:hunter2@127.0.0.1",
            "redis://:hunter2@127.0.0.1:port",
        ] {
            problem(url, tier).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_tell_it() {
    let server = OwnRedis::start(&["--requirepass", "right"]);
    for tier in BOTH {
        let wrong = problem(&format!("redis://:hunter2@{}", server.address()), tier).await;
        assert!(wrong.contains("login"), "{wrong}");
        let none = problem(&server.url(), tier).await;
        assert!(none.contains("password"), "{none}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_an_error_that_names_it_and_its_command() {
    let server = OwnRedis::start(&["--save", ""]);
    let may = |permissions: &[&str]| {
        let user = ["ACL", "SETUSER", "app", "reset", "on", ">hunter2"];
        server.tell(&[&user[..], permissions].concat());
    };
    let url = format!("redis://app:hunter2@{}", server.address());
    let all = ["+@all", "~cachedpool:*", "&cachedpool:*"];
    may(&all);
    live(&build(&url, Tier::Required).await.unwrap().0).await;
    for missing in ["subscribe", "evalsha", "get", "hincrby", "publish", "info"] {
        may(&[&all[..], &[&format!("-{missing}")]].concat());
        // Scripts that are known already would be called by their hash alone.
        server.tell(&["SCRIPT", "FLUSH"]);
        for tier in BOTH {
            let problem = problem(&url, tier).await;
            assert!(
                problem.contains(&format!("+{missing}")),
                "{missing}: {problem}"
            );
        }
    }
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_only_where_it_is_required() {
    let server = OwnRedis::start(&["--save", ""]);
    server.kill();
    let url = server.url();
    let problem = problem(&url, Tier::Required).await;
    assert!(problem.contains("away"), "{problem}");
    let (pool, _file) = build(&url, Tier::Wanted).await.unwrap();
    assert!(!pool.stats().shared_live);
    let number = read::<Sqlite, Number>("SELECT 1", [])
        .cached(&pool)
        .fetch_one()
        .await;
    assert_eq!(number.unwrap(), Number(1));
    // It goes on trying.
    server.revive();
    tokio::time::timeout(LONG, live(&pool)).await.unwrap();
}
