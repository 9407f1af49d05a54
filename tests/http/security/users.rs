//! What one user is given reaches no other, however they ask.

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderMap, Method,
        header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE},
    },
    routing::any,
};
use cachedpool::{
    CacheExt as _, CachedPool,
    http::{Policy, ResponseCacheLayer, Tagging},
};
use sqlx::Sqlite;

use crate::kit::{Answer, Asked, Origin, Site, minute, seen};

/// A service that tells each client who it is: whatever of the request the handler sees of that.
fn who(pool: &CachedPool<Sqlite>, policy: Policy, asked: &Asked) -> Router {
    let asked = asked.clone();
    let handler = move |request: Request| {
        asked.note();
        async move {
            let headers = request.headers();
            let names = ["authorization", "cookie", "x-http-method-override", "host"];
            let told: Vec<_> = names.iter().map(|name| seen(headers, name)).collect();
            format!("{} {} {}", request.method(), request.uri(), told.join(" "))
        }
    };
    Router::new()
        .fallback(any(handler))
        .layer(ResponseCacheLayer::new(pool, policy))
}

/// A service of that kind, and whether its cache is at work at all.
async fn site(policy: Policy) -> Site {
    let asked = Asked::default();
    let site = Site::new(|pool| who(pool, policy, &asked)).await;
    site.get("/at-work").await;
    assert!(site.get("/at-work").await.is_hit());
    assert_eq!(asked.times(), 1);
    site
}

const ADA: &str = "Bearer ada";
const BOB: &str = "Bearer bob";

#[tokio::test]
async fn a_response_to_one_authorization_is_given_to_no_other() {
    let site = site(minute()).await;
    for _ in 0..2 {
        for user in [ADA, BOB] {
            let reply = site.get_with("/", &[("authorization", user)]).await;
            assert!(reply.text().contains(user), "{reply:?}");
            assert!(!reply.is_hit());
        }
        assert!(!site.get("/").await.text().contains("Bearer"));
    }
}

#[tokio::test]
async fn a_response_to_one_cookie_is_given_to_no_other() {
    let site = site(minute()).await;
    for _ in 0..2 {
        for user in ["id=ada", "id=bob"] {
            let reply = site.get_with("/", &[("cookie", user)]).await;
            assert!(reply.text().contains(user), "{reply:?}");
        }
        assert!(!site.get("/").await.text().contains("id="));
    }
}

#[tokio::test]
async fn a_key_by_one_credential_lets_no_other_through() {
    let site = site(minute().vary([AUTHORIZATION])).await;
    for cookie in ["id=ada", "id=bob"] {
        let both = [("authorization", ADA), ("cookie", cookie)];
        let reply = site.get_with("/", &both).await;
        let own = reply.text().contains(cookie);
        let none = !reply.text().contains("id=");
        assert!(own || none, "{reply:?}");
    }
}

#[tokio::test]
async fn users_that_the_key_tells_apart_have_entries_of_their_own() {
    let policies = [
        minute().vary([AUTHORIZATION, COOKIE]),
        minute().key(|parts| {
            let user = |name| seen(&parts.headers, name);
            Some(format!("{}|{}", user("authorization"), user("cookie")))
        }),
    ];
    for policy in policies {
        let site = site(policy).await;
        let users = [
            vec![("authorization", "a"), ("cookie", "b")],
            vec![("authorization", "b"), ("cookie", "a")],
            vec![("authorization", "a")],
            vec![("cookie", "a")],
            vec![("cookie", "a"), ("cookie", "b")],
            vec![],
        ];
        let mut first = Vec::new();
        for user in &users {
            first.push(site.get_with("/", user).await);
        }
        for (nth, user) in users.iter().enumerate() {
            let again = site.get_with("/", user).await;
            assert!(again.is_hit(), "{user:?}");
            assert_eq!(again.text(), first[nth].text());
            assert!(
                first[..nth]
                    .iter()
                    .all(|other| other.text() != again.text()),
                "{user:?} {again:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_without_a_key_goes_past_the_cache() {
    let site = Site::new(|pool| {
        let policy = minute().key(|parts| {
            let user = parts.headers.get("authorization")?;
            Some(user.to_str().ok()?.to_owned())
        });
        who(pool, policy, &Asked::default())
    })
    .await;
    for _ in 0..2 {
        let reply = site.get("/").await;
        assert!(reply.cache_status().contains("fwd=bypass"), "{reply:?}");
    }
    site.get_with("/", &[("authorization", ADA)]).await;
    let cookie = [("cookie", "id=bob")];
    assert!(site.get_with("/", &cookie).await.text().contains("id=bob"));
}

#[tokio::test]
async fn a_value_that_vary_names_is_given_to_no_other() {
    let asked = Asked::default();
    let site = Site::new(|pool| {
        let handler = |headers: HeaderMap| async move { seen(&headers, "accept-language") };
        let policy = minute().vary([ACCEPT_LANGUAGE]);
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, policy))
    })
    .await;
    for hit in [false, true] {
        for language in ["de", "en", "de, en", ""] {
            let reply = site.get_with("/", &[("accept-language", language)]).await;
            assert_eq!((reply.text(), reply.is_hit()), (language, hit));
        }
        assert_eq!(site.get("/").await.text(), "-");
    }
    drop(asked);
}

#[tokio::test]
async fn head_and_get_are_not_mixed_up() {
    let site = site(minute()).await;
    let head = site.ask(Method::HEAD, "/", &[]).await;
    assert_eq!(head.text(), "");
    let get = site.get("/").await;
    assert!(get.text().starts_with("GET /"), "{get:?}");
    let head = site.ask(Method::HEAD, "/", &[]).await;
    assert!(head.is_hit() && head.text().is_empty());
    let length = head.header("content-length");
    assert_eq!(length, Some(get.text().len().to_string()));
    let head = site.ask(Method::HEAD, "/", &[("authorization", ADA)]).await;
    assert!(!head.is_hit());
    assert_eq!(site.get("/").await.text(), get.text());
}

#[tokio::test]
async fn spellings_of_a_uri_are_told_apart() {
    let site = site(minute()).await;
    let spellings = [
        "/a?user=ada&x=1",
        "/a?x=1&user=ada",
        "/a?user=ada&user=bob",
        "/a?user=bob&user=ada",
        "/a?user=ada",
        "/a?user=%61da",
        "/a?",
        "/a",
        "/a/",
        "/%61",
        "/A",
        "/a%2Fb",
        "/a%2fb",
        "/a/b",
        "//a",
        "/a;b",
        "/a%00",
        "/a%3Fuser=ada",
    ];
    for hit in [false, true] {
        for path in spellings {
            let reply = site.get(path).await;
            assert!(
                reply.text().starts_with(&format!("GET {path} ")),
                "{path} {reply:?}"
            );
            assert_eq!(reply.is_hit(), hit, "{path}");
        }
    }
}

#[tokio::test]
async fn hosts_are_told_apart() {
    let site = site(minute()).await;
    for hit in [false, true] {
        for host in ["ada.example", "bob.example", "ada.example:81"] {
            let reply = site.get_with("/", &[("host", host)]).await;
            assert!(reply.text().ends_with(&format!(" {host}")), "{reply:?}");
            assert_eq!(reply.is_hit(), hit, "{host}");
        }
    }
}

#[tokio::test]
async fn a_get_that_overrides_its_method_is_no_get() {
    let site = site(minute()).await;
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let reply = site.get_with("/", &[(name, "DELETE")]).await;
        assert!(reply.cache_status().contains("fwd=bypass"), "{reply:?}");
        let reply = site.get("/").await;
        assert!(!reply.text().contains("DELETE"), "{reply:?}");
        let reply = site.get_with("/", &[(name, "DELETE")]).await;
        assert!(!reply.is_hit(), "{name}");
    }
}

#[tokio::test]
async fn a_get_with_content_is_given_to_no_other() {
    let site = Site::new(|pool| {
        let handler = |body: String| async move { format!("you said {body}") };
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, minute()))
    })
    .await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for said in ["ada", "bob"] {
        let request = client.get(format!("{}/", site.url)).body(said);
        let reply = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(reply, format!("you said {said}"));
    }
    assert_eq!(site.get("/").await.text(), "you said ");
}

#[tokio::test]
async fn what_was_read_for_a_scope_is_given_to_no_other() {
    let service = |pool: &CachedPool<Sqlite>, policy: Policy| {
        let own = pool.clone();
        let handler = move |request: Request| {
            let pool = own.clone();
            async move {
                // An outer layer would have put the tenant into the request's extensions: the key knows nothing of it.
                let version: i64 = sqlx::query_scalar("SELECT version FROM pages WHERE id = 1")
                    .cached(&pool)
                    .scope("tenant 7")
                    .fetch_one()
                    .await
                    .unwrap();
                format!("{version} {}", request.uri())
            }
        };
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, policy))
    };
    let unkeyed = Site::new(|pool| service(pool, minute())).await;
    for _ in 0..2 {
        let reply = unkeyed.get("/").await;
        assert!(!reply.is_hit(), "{reply:?}");
        let control = reply.header("cache-control").unwrap_or_default();
        assert!(
            !control.contains("max-age=60") && !control.contains("public"),
            "{reply:?}"
        );
    }
    let keyed = Site::new(|pool| service(pool, minute().key(|_| Some("tenant 7".into())))).await;
    keyed.get("/").await;
    let reply = keyed.get("/").await;
    assert!(reply.is_hit());
    assert!(
        reply.header("cache-control").unwrap().contains("private"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn names_of_tables_are_told_to_nobody_who_is_not_to_purge_them() {
    let read = |pool: &CachedPool<Sqlite>, policy: Policy| {
        Origin::from(Answer::page()).behind(policy, pool, &Asked::default())
    };
    let headers = ["cache-tag", "surrogate-key"];
    let silent = Site::new(|pool| read(pool, minute())).await;
    let tagged = || minute().cache_tags(Tagging::CacheTag);
    let public = Site::new(|pool| read(pool, tagged())).await;
    let private = Site::new(|pool| read(pool, tagged().vary([AUTHORIZATION]))).await;
    for hit in [false, true] {
        let reply = silent.get("/").await;
        assert!(headers.iter().all(|name| reply.header(name).is_none()));
        let reply = private.get_with("/", &[("authorization", ADA)]).await;
        assert_eq!(reply.is_hit(), hit);
        assert!(headers.iter().all(|name| reply.header(name).is_none()));
        let reply = public.get("/").await;
        let tags = reply.header("cache-tag").unwrap();
        assert!(tags.contains("pages"), "{tags}");
    }
}
