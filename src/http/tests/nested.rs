//! Around axum's routers.

use axum::{Router, body::Body, routing::get as on_get};
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::*;

async fn text(router: &Router, path: &str) -> String {
    let request = get(path).body(Body::empty()).unwrap();
    let response = router.clone().call(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn routers_with_a_prefix_of_their_own_are_told_apart_under_one_layer() {
    let kit = Kit::new(Policy::new());
    let layer = kit.layer();
    let place = |name: &'static str| {
        let kit = kit.clone();
        let handler = async move || format!("{name} {}", kit.next().status().as_u16());
        Router::new()
            .route("/x", on_get(handler))
            .layer(layer.clone())
    };
    let router = Router::new().nest("/a", place("a")).nest("/b", place("b"));
    for _ in 0..2 {
        assert_eq!(text(&router, "/a/x").await, "a 200");
        assert_eq!(text(&router, "/b/x").await, "b 200");
    }
    assert_eq!(kit.count(), 2);
}

#[tokio::test]
async fn what_a_router_keeps_outlives_the_connection() {
    let kit = Kit::new(Policy::new());
    let inner = kit.clone();
    let handler = async move || {
        inner.next();
        inner.count().to_string()
    };
    let router = Router::new().route("/", on_get(handler)).layer(kit.layer());
    for _ in 0..2 {
        // What axum does for each connection.
        let router: Router = router.clone().with_state(());
        assert_eq!(text(&router, "/").await, "1");
    }
}

#[tokio::test]
async fn head_on_a_get_route_is_answered_from_its_entry() {
    let kit = Kit::new(Policy::new());
    let inner = kit.clone();
    let handler = async move || {
        inner.next();
        "body"
    };
    let router = Router::new().route("/", on_get(handler)).layer(kit.layer());
    assert_eq!(text(&router, "/").await, "body");
    let head = get("/").method("HEAD").body(Body::empty()).unwrap();
    let response = router.clone().call(head).await.unwrap();
    assert_eq!(response.headers()["content-length"], "4");
    assert_eq!(
        response.headers()["cache-status"],
        "cachedpool; hit; ttl=60"
    );
    assert_eq!(kit.count(), 1);
}
