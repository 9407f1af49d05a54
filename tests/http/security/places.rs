//! A response is given in the place where it was made: two layers share nothing unless they are one.

use axum::{Router, routing::get};
use cachedpool::{CachedPool, http::ResponseCacheLayer};
use sqlx::Sqlite;

use crate::kit::{Site, minute};

/// A router with one path that says who made it.
fn says(word: &'static str) -> Router {
    Router::new().route("/same", get(move || async move { word }))
}

fn layer(pool: &CachedPool<Sqlite>) -> ResponseCacheLayer {
    ResponseCacheLayer::new(pool, minute())
}

/// Both paths say their word, twice.
async fn assert_apart(site: &Site, paths: [(&str, &str); 2]) {
    for hit in [false, true] {
        for (path, word) in paths {
            let reply = site.get(path).await;
            assert_eq!((reply.text(), reply.is_hit()), (word, hit), "{path}");
        }
    }
}

#[tokio::test]
async fn nested_routers_with_equal_inner_paths_are_told_apart() {
    let site = Site::new(|pool| {
        let shared = layer(pool);
        Router::new()
            .nest("/ada", says("ada").layer(shared.clone()))
            .nest("/bob", says("bob").layer(shared))
    })
    .await;
    assert_apart(&site, [("/ada/same", "ada"), ("/bob/same", "bob")]).await;
}

#[tokio::test]
async fn one_router_nested_in_two_places_is_told_apart_by_where_it_was_asked() {
    let site = Site::new(|pool| {
        let handler = |axum::extract::OriginalUri(uri): axum::extract::OriginalUri| async move {
            uri.path().to_owned()
        };
        let inner = Router::new()
            .route("/same", get(handler))
            .layer(layer(pool));
        Router::new()
            .nest("/ada", inner.clone())
            .nest("/bob", inner)
    })
    .await;
    assert_apart(
        &site,
        [("/ada/same", "/ada/same"), ("/bob/same", "/bob/same")],
    )
    .await;
}

#[tokio::test]
async fn a_parameter_of_the_outer_path_tells_responses_apart() {
    let site = Site::new(|pool| {
        let handler = |axum::extract::Path(user): axum::extract::Path<String>| async move { user };
        let inner = Router::new()
            .route("/same", get(handler))
            .layer(layer(pool));
        Router::new().nest("/{user}", inner)
    })
    .await;
    assert_apart(&site, [("/ada/same", "ada"), ("/bob/same", "bob")]).await;
}

#[tokio::test]
async fn routes_of_one_router_are_told_apart_behind_a_layer_for_each() {
    let site = Site::new(|pool| {
        let shared = layer(pool);
        let at = |word| get(move || async move { word }).layer(shared.clone());
        Router::new()
            .route("/ada", at("ada"))
            .route("/bob", at("bob"))
    })
    .await;
    assert_apart(&site, [("/ada", "ada"), ("/bob", "bob")]).await;
}

#[tokio::test]
async fn two_layers_share_nothing_where_nothing_else_tells_them_apart() {
    // Behind a switch that looks at something that no key holds, as a router by host, port or extension does.
    let site = Site::new(|pool| {
        use tower_service::Service as _;
        let named = || ResponseCacheLayer::new(pool, minute().shared_as("one"));
        let [ada, bob] = ["ada", "bob"].map(|word| says(word).layer(named()));
        let switch = move |request: axum::extract::Request| {
            let chosen = match request.headers().contains_key("x-bob") {
                true => bob.clone(),
                false => ada.clone(),
            };
            async move {
                let mut chosen = chosen;
                chosen.call(request).await
            }
        };
        Router::new().fallback(axum::routing::any(switch))
    })
    .await;
    for hit in [false, true] {
        for (headers, word) in [(&[][..], "ada"), (&[("x-bob", "1")][..], "bob")] {
            let reply = site.get_with("/same", headers).await;
            assert_eq!((reply.text(), reply.is_hit()), (word, hit));
        }
    }
}
