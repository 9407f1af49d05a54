//! A read after a token is at least as new as the write that the token was made for, in whichever process.

use std::time::Duration;

use cachedpool::{
    CachePolicy, CachedClient, Source, Token,
    tokio_postgres::{Error, GenericClient as _},
};
use cachedpool_test_support::wait_until;

use crate::kit::{LONG, Scene, Setting, Tier, run};

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";
const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";

/// Two clients on one database and one tier.
async fn two() -> (Scene, CachedClient, Tier) {
    let tier = Tier::new();
    let (one, two) = (tier.clone(), tier.clone());
    let scene = Setting::usual()
        .pool(|builder| builder.shared_tier(one))
        .scene()
        .await;
    let other = scene.another(|builder| builder.shared_tier(two)).await;
    for client in [&scene.client, &other] {
        wait_until(LONG, "it hears of the others", async || {
            client.stats().shared_live
        })
        .await;
    }
    (scene, other, tier)
}

async fn answer(client: &CachedClient, policy: CachePolicy) -> (Source, String) {
    let read = client.cached(PEOPLE, &[]).policy(&policy);
    let people = read.query_shared().await.unwrap();
    (people.source(), people[0].get("name"))
}

async fn renamed(client: &CachedClient) -> Token {
    client.execute_with_token(RENAME, &[]).await.unwrap().1
}

/// As it arrives in another process.
fn sent(token: &Token) -> Token {
    token.to_string().parse().unwrap()
}

fn from(source: Source, name: &str) -> (Source, String) {
    (source, name.to_owned())
}

#[tokio::test]
async fn a_statement_gives_its_count_and_a_token() {
    let scene = Scene::new().await;
    scene.warm().await;
    let all = "UPDATE people SET name = $1";
    let (count, token) = scene
        .client
        .execute_with_token(all, &[&"Eve"])
        .await
        .unwrap();
    assert_eq!((count, sent(&token)), (2, token));
    scene.assert_true("after the write").await;

    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "DELETE FROM people WHERE id = 2").await;
    let token = tx.commit_with_token().await.unwrap();
    assert_eq!(sent(&token), token);
    scene.assert_true("after the commit").await;

    let mut connection = scene.client.get().await.unwrap();
    let ran = connection
        .execute_with_token("DELETE FROM people", &[])
        .await;
    assert_eq!(ran.unwrap().0, 1);
    scene.assert_true("after the delete").await;
    assert!(
        scene
            .client
            .execute_with_token("UPDATE nowhere SET x = 1", &[])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_token_of_ones_own_leaves_the_hits_and_drops_the_tolerance() {
    let scene = Scene::new().await;
    scene.warm().await;
    let token = sent(&renamed(&scene.client).await);
    let tolerant = CachePolicy::new().tolerate_stale(Duration::from_secs(60));
    let after = tolerant.clone().after(&token);
    assert_eq!(
        answer(&scene.client, after).await,
        from(Source::Database, "Eve")
    );
    let after = CachePolicy::new().after(&token);
    assert_eq!(
        answer(&scene.client, after).await,
        from(Source::Local, "Eve")
    );
    scene
        .through("UPDATE people SET name = 'Zoe' WHERE id = 1")
        .await;
    assert_eq!(
        answer(&scene.client, tolerant).await,
        from(Source::Local, "Eve")
    );
}

#[tokio::test]
async fn a_token_from_elsewhere_goes_to_the_database() {
    let scene = Scene::new().await;
    let other = scene.another(|builder| builder).await;
    scene.warm().await;
    let token = sent(&renamed(&other).await);
    assert_eq!(scene.rows("people").await[0].name.as_deref(), Some("Ada"));
    let policy = CachePolicy::new().after(&token);
    assert_eq!(
        answer(&scene.client, policy).await,
        from(Source::Database, "Eve")
    );
    assert_eq!(scene.client.stats().bypasses["after_token"], 1);
    let only = scene
        .client
        .cached(PEOPLE, &[])
        .after(&token)
        .only_if_cached();
    assert!(matches!(only.query().await, Err(Error::NotCached)));
}

#[tokio::test]
async fn a_token_is_honoured_where_the_write_was_not_heard_of() {
    let (scene, other, tier) = two().await;
    scene.warm().await;
    tier.mute();
    let token = sent(&renamed(&other).await);
    // Nobody has told this client, and it may answer so for a while.
    let told = answer(&scene.client, CachePolicy::new()).await;
    assert_eq!(told, from(Source::Local, "Ada"));
    for _ in 0..2 {
        let stale = CachePolicy::new()
            .stale_while_revalidate(Duration::from_secs(60))
            .tolerate_stale(Duration::from_secs(60));
        let (_, name) = answer(&scene.client, stale.after(&token)).await;
        assert_eq!(name, "Eve");
    }
    assert!(!scene.client.stats().bypasses.contains_key("after_token"));
}

#[tokio::test]
async fn a_savepoint_gives_a_token_that_asks_nothing() {
    let (scene, other, _) = two().await;
    let mut outer = other.transaction().await.unwrap();
    let mut inner = outer.transaction().await.unwrap();
    run(&mut inner, RENAME).await;
    let token = inner.commit_with_token().await.unwrap();
    scene.warm().await;
    let policy = CachePolicy::new().after(&token);
    assert_eq!(
        answer(&scene.client, policy).await,
        from(Source::Local, "Ada")
    );
    outer.rollback().await.unwrap();
}

#[tokio::test]
async fn a_result_of_one_client_answers_another_until_either_writes() {
    let (scene, other, tier) = two().await;
    let both = async || {
        let policy = CachePolicy::new;
        [
            answer(&scene.client, policy()).await.1,
            answer(&other, policy()).await.1,
        ]
    };
    answer(&scene.client, CachePolicy::new()).await;
    wait_until(LONG, "the tier has it", async || tier.entries() == 1).await;
    scene.behind(RENAME).await;
    let shared = answer(&other, CachePolicy::new()).await;
    assert_eq!(shared, from(Source::Shared, "Ada"));
    renamed(&other).await;
    assert_eq!(both().await, ["Eve", "Eve"]);
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "UPDATE people SET name = 'Zoe' WHERE id = 1").await;
    assert_eq!(both().await, ["Eve", "Eve"]);
    tx.commit().await.unwrap();
    assert_eq!(both().await, ["Zoe", "Zoe"]);
}
