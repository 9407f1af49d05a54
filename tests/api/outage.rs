//! The example while its database is away.

use cachedpool_test_support::{Victim, wait_until};
use reqwest::StatusCode;
use serde_json::json;

use crate::kit::{Api, SOON};

#[tokio::test]
async fn what_is_kept_stands_in_while_the_database_is_away() {
    let (postgres, redis) = (Victim::postgres().await, Victim::redis(&[]).await);
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        postgres.address()
    );
    let api = Api::on(&url, redis.address()).await;
    let dashboard = api.get_kept("/dashboard").await;
    let user = api.get_kept("/users/7").await;

    postgres.kill().await;
    // What was not kept cannot be answered, and the client is told that it may ask again.
    let other = api.get("/users/8").await;
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(other.json(), json!({"error": "the database is away"}));
    // Fresh.
    let fresh = api.get("/users/7").await;
    assert_eq!(fresh.body, user.body, "{fresh:?}");
    // Then expired, first answered at once and then in place of the error.
    for detail in ["detail=stale-while-revalidate", "detail=stale-if-error"] {
        wait_until(SOON, detail, async || {
            let answer = api.get("/dashboard").await;
            assert_eq!(
                (answer.status, &answer.body),
                (StatusCode::OK, &dashboard.body)
            );
            answer.cache_status().contains(detail)
        })
        .await;
    }

    postgres.start().await;
    wait_until(SOON, "the handler answers again", async || {
        let answer = api.get("/users/8").await;
        answer.status == StatusCode::OK
    })
    .await;
    wait_until(SOON, "the dashboard is renewed", async || {
        api.get("/dashboard").await.is_hit()
    })
    .await;
}
