//! Four ways of caching behind an API, as the example has them.

use std::time::Duration;

use cachedpool_test_support::{Victim, postgres, wait_until};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use crate::kit::{Api, SOON};

#[tokio::test]
async fn a_response_is_kept_in_memory_and_in_redis_where_other_processes_find_it() {
    let database = postgres().await.fresh_database().await;
    // Not the one of other tests: a process that starts makes all results in a Redis invalid, since it may change the schema.
    let redis = Victim::redis(&[]).await;
    let (one, other) = (
        Api::on(&database, redis.address()).await,
        Api::on(&database, redis.address()).await,
    );

    for api in [&one, &other] {
        api.get_kept("/users/8").await;
    }
    // Past a Redis that does not answer within the budget the handler is asked, and nothing is wrong: another user shows it.
    let mut user = 8;
    wait_until(SOON, "the other process finds a response", async || {
        user += 1;
        other_finds(&one, &other, &format!("/users/{user}")).await
    })
    .await;

    // What one process writes is seen in the other, after a message.
    let path = format!("/users/{user}");
    other.put(&path, json!({"name": "Ada"})).await;
    assert_eq!(other.get(&path).await.json()["name"], "Ada");
    wait_until(SOON, "the other process hears of the write", async || {
        one.get(&path).await.json()["name"] == "Ada"
    })
    .await;
}

/// Whether what one process has kept is found by the other in Redis, and from then on in its own memory.
async fn other_finds(one: &Api, other: &Api, path: &str) -> bool {
    let stores = one.counted("/pool/shared_stores").await;
    let kept = one.get_kept(path).await;
    // It reaches Redis off the way of who waits for the response: the user, then the response made of it.
    wait_until(SOON, "the response is in Redis", async || {
        one.counted("/pool/shared_stores").await >= stores + 2
    })
    .await;
    let counts = async || {
        let ran = other.counted("/ran/user").await;
        (ran, other.counted("/pool/hits_shared").await)
    };
    let (ran, hits) = counts().await;
    let (found, again) = (other.get(path).await, other.get(path).await);
    let is_found = counts().await == (ran, hits + 1);
    if is_found {
        assert!(found.is_hit() && again.is_hit(), "{found:?} {again:?}");
        assert_eq!((&found.body, found.etag()), (&kept.body, kept.etag()));
    }
    is_found
}

#[tokio::test]
async fn the_result_of_a_query_is_kept_where_the_handler_runs_each_time() {
    let api = Api::embedded().await;
    let orders = api.get("/users/7/orders").await.json();
    let loads = api.counted("/pool/loads").await;
    for _ in 0..3 {
        assert_eq!(api.get("/users/7/orders").await.json(), orders);
    }
    assert_eq!(api.counted("/ran/orders").await, 4);
    assert_eq!(api.counted("/pool/loads").await, loads);
    // Two queries each: the user and the orders.
    assert_eq!(api.counted("/pool/hits_local").await, 6);

    let tea = json!({"user_id": 7, "item": "Tea", "cents": 250});
    let made = api.post("/orders", tea).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let more = api.get("/users/7/orders").await.json();
    assert_eq!(more.as_array().unwrap().last(), Some(&made.json()));
    // The user is as before, and still at hand.
    assert_eq!(api.counted("/pool/loads").await, loads + 1);
}

#[tokio::test]
async fn a_client_that_has_the_response_gets_304_until_a_write_changes_it() {
    let api = Api::embedded().await;
    let first = api.get("/users/7").await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.etag().starts_with('"'), "strong: {first:?}");
    assert!(first.cache_control().contains("max-age=0"), "{first:?}");
    assert!(first.cache_control().contains("s-maxage="), "{first:?}");

    let same = api.get_unless("/users/7", first.etag()).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert_eq!((same.body.as_str(), same.etag()), ("", first.etag()));
    assert!(same.cache_control().contains("max-age=0"), "{same:?}");
    assert_eq!(api.counted("/ran/user").await, 1);

    api.put("/users/7", json!({"name": "Ada"})).await;
    let changed = api.get_unless("/users/7", first.etag()).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.json()["name"], "Ada");
    assert_ne!(changed.etag(), first.etag());

    // Another user's row is not touched.
    let other = api.get("/users/8").await;
    api.put("/users/7", json!({"name": "Grace"})).await;
    let other = api.get_unless("/users/8", other.etag()).await;
    assert_eq!(other.status, StatusCode::NOT_MODIFIED);
    assert!(other.is_hit(), "{other:?}");
}

#[tokio::test]
async fn an_expired_response_is_answered_at_once_and_renewed_by_one_however_many_ask() {
    let api = Api::embedded().await;
    let first = api.get("/dashboard").await;
    let kept = api.get("/dashboard").await.ttl();
    // Asking whether it has expired would be the request that renews it.
    tokio::time::sleep(kept + Duration::from_millis(1100)).await;

    let crowd = join_all((0..50).map(|_| api.get("/dashboard"))).await;
    for answer in &crowd {
        assert!(answer.cache_status().contains("; hit"), "{answer:?}");
        assert_eq!(answer.body, first.body);
    }
    assert!(crowd.iter().any(|answer| answer.is_stale()));
    wait_until(SOON, "it is renewed", async || {
        api.get("/dashboard").await.is_hit()
    })
    .await;
    assert_eq!(api.counted("/ran/dashboard").await, 2);
}

#[tokio::test]
async fn the_example_ends_when_it_is_told_to() {
    let api = Api::embedded().await;
    api.get("/users/7").await;
    assert!(api.ends_well().await);
}
