//! A read after a token is at least as new as the write that the token was made for, in whichever process.

use cachedpool::{CacheExt as _, CachePolicy, CachedPool, Source, Token, is_not_cached};
use std::time::Duration;

use crate::{
    kit::{Person, Scene, Setting, TestDatabase, Tier, live, query, read, run},
    several::two,
};

tests!(sqlite, postgres, mariadb => [
    a_statement_gives_its_result_and_a_token,
    a_token_of_ones_own_leaves_the_hits,
    a_token_drops_the_tolerance_for_stale_answers,
    a_token_from_elsewhere_goes_to_the_database,
    every_token_of_a_read_holds,
    a_read_that_must_not_ask_the_database_has_no_answer_to_a_strange_token,
    a_token_is_honoured_where_the_write_was_not_heard_of,
    a_savepoint_gives_a_token_that_asks_nothing,
    a_failed_statement_gives_no_token,
]);

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";
const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";

async fn answer<DB: TestDatabase>(
    pool: &CachedPool<DB>,
    policy: CachePolicy,
) -> (Source, Option<String>) {
    let people = read::<DB, Person>(PEOPLE, [])
        .cached(pool)
        .policy(&policy)
        .fetch_all_shared()
        .await
        .unwrap();
    (people.source(), people[0].name.clone())
}

async fn renamed<DB: TestDatabase>(pool: &CachedPool<DB>) -> Token {
    let (_, token) = pool
        .execute_with_token(query::<DB>(RENAME, []))
        .await
        .unwrap();
    token
}

/// As it arrives in another process.
fn sent(token: &Token) -> Token {
    token.to_string().parse().unwrap()
}

fn eve(source: Source) -> (Source, Option<String>) {
    (source, Some("Eve".into()))
}

async fn a_statement_gives_its_result_and_a_token<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let both = query::<DB>("UPDATE people SET name = 'Eve'", []);
    let (result, token) = scene.pool.execute_with_token(both).await.unwrap();
    assert_eq!(DB::affected(&result), 2);
    assert_eq!(sent(&token), token);
    scene.assert_true("after the write").await;

    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, "DELETE FROM people WHERE id = 2").await;
    let token = tx.commit_with_token().await.unwrap();
    assert_eq!(sent(&token), token);
    scene.assert_true("after the commit").await;

    let mut connection = scene.pool.acquire().await.unwrap();
    let (result, _) = connection
        .execute_with_token(query::<DB>("DELETE FROM people", []))
        .await
        .unwrap();
    assert_eq!(DB::affected(&result), 1);
    scene.assert_true("after the delete").await;
}

async fn a_token_of_ones_own_leaves_the_hits<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let token = sent(&renamed(&scene.pool).await);
    scene.warm().await;
    let policy = CachePolicy::new().after(&token);
    assert_eq!(answer(&scene.pool, policy).await, eve(Source::Local));
}

async fn a_token_drops_the_tolerance_for_stale_answers<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let token = renamed(&scene.pool).await;
    let tolerant = CachePolicy::new().tolerate_stale(Duration::from_secs(60));
    let (source, name) = answer(&scene.pool, tolerant.clone().after(&token)).await;
    assert_eq!((source, name), eve(Source::Database));
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    renamed(&scene.pool).await;
    let (source, name) = answer(&scene.pool, tolerant).await;
    assert_eq!((source, name.as_deref()), (Source::Local, Some("Ada")));
}

async fn a_token_from_elsewhere_goes_to_the_database<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let other = scene.another(|builder| builder).await;
    scene.warm().await;
    let token = sent(&renamed(&other).await);
    assert_eq!(scene.rows("people").await[0].name.as_deref(), Some("Ada"));
    let policy = CachePolicy::new().after(&token);
    assert_eq!(answer(&scene.pool, policy).await, eve(Source::Database));
    assert_eq!(scene.pool.stats().bypasses["after_token"], 1);
}

async fn every_token_of_a_read_holds<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let other = scene.another(|builder| builder).await;
    let own = renamed(&scene.pool).await;
    let strange = renamed(&other).await;
    scene.warm().await;
    for policy in [
        CachePolicy::new().after(&own).after(&strange),
        CachePolicy::new().after(&strange).after(&own),
    ] {
        assert_eq!(answer(&scene.pool, policy).await, eve(Source::Database));
    }
    // One in the policy and one at the read.
    let source = read::<DB, Person>(PEOPLE, [])
        .cached(&scene.pool)
        .policy(&CachePolicy::new().after(&strange))
        .after(&own)
        .fetch_all_shared()
        .await
        .unwrap()
        .source();
    assert_eq!(source, Source::Database);
}

async fn a_read_that_must_not_ask_the_database_has_no_answer_to_a_strange_token<
    DB: TestDatabase,
>() {
    let scene = Scene::<DB>::new().await;
    let other = scene.another(|builder| builder).await;
    scene.warm().await;
    let token = renamed(&other).await;
    let refused = read::<DB, Person>(PEOPLE, [])
        .cached(&scene.pool)
        .after(&token)
        .only_if_cached()
        .fetch_all()
        .await;
    assert!(is_not_cached(&refused.unwrap_err()));
}

async fn a_token_is_honoured_where_the_write_was_not_heard_of<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    scene.warm().await;
    tier.mute();
    let token = sent(&renamed(&other).await);
    // Nobody has told this pool, and it may answer so for a while.
    let (source, name) = answer(&scene.pool, CachePolicy::new()).await;
    assert_eq!((source, name.as_deref()), (Source::Local, Some("Ada")));
    for _ in 0..2 {
        let stale = CachePolicy::new()
            .stale_while_revalidate(Duration::from_secs(60))
            .tolerate_stale(Duration::from_secs(60));
        let (_, name) = answer(&scene.pool, stale.after(&token)).await;
        assert_eq!(name.as_deref(), Some("Eve"));
    }
    assert!(!scene.pool.stats().bypasses.contains_key("after_token"));
}

async fn a_savepoint_gives_a_token_that_asks_nothing<DB: TestDatabase>() {
    let tier = Tier::new();
    let own = tier.clone();
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.shared_tier(own))
        .scene()
        .await;
    let other = scene.another(|builder| builder.shared_tier(tier)).await;
    for pool in [&scene.pool, &other] {
        live(pool).await;
    }
    let mut outer = other.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    let token = inner.commit_with_token().await.unwrap();
    scene.warm().await;
    let policy = CachePolicy::new().after(&token);
    let (source, name) = answer(&scene.pool, policy).await;
    assert_eq!((source, name.as_deref()), (Source::Local, Some("Ada")));
    outer.rollback().await.unwrap();
}

async fn a_failed_statement_gives_no_token<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let twice = query::<DB>("INSERT INTO people VALUES (1, 'Eve')", []);
    let failed = scene.pool.execute_with_token(twice).await.unwrap_err();
    assert!(failed.as_database_error().is_some(), "{failed}");
    let unknown = query::<DB>("UPDATE nowhere SET x = 1", []);
    assert!(scene.pool.execute_with_token(unknown).await.is_err());
}
