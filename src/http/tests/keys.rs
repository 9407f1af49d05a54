//! Whose response is whose.

use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};

use super::{kit::text, *};

#[tokio::test]
async fn each_user_has_responses_of_their_own() {
    let by_header = Policy::new()
        .public()
        .s_maxage(30 * SECOND)
        .vary([AUTHORIZATION, COOKIE]);
    let by_function = Policy::new().key(|parts| {
        let name = parts
            .headers
            .get(AUTHORIZATION)
            .or(parts.headers.get(COOKIE));
        Some(
            name.map_or("nobody", |name| name.to_str().unwrap())
                .to_owned(),
        )
    });
    for policy in [by_header, by_function] {
        let kit = Kit::new(policy.cache_tags(Tagging::CacheTag));
        let app = kit.app(async |kit, request| {
            kit.next();
            let user = request
                .headers()
                .get(AUTHORIZATION)
                .or(request.headers().get(COOKIE));
            text(
                user.map_or("nobody", |user| user.to_str().unwrap())
                    .to_owned(),
            )
        });
        for _ in 0..2 {
            for (name, value) in [
                ("authorization", "a"),
                ("authorization", "b"),
                ("cookie", "c"),
            ] {
                let answer = app.with(&[(name, value)]).await;
                assert_eq!(answer.text(), value);
                let said = answer.header("cache-control").unwrap();
                assert!(
                    said.starts_with("private") && !said.contains("s-maxage"),
                    "{said}"
                );
                assert_eq!(answer.header("cache-tag"), None);
            }
            assert_eq!(app.get("/").await.text(), "nobody");
        }
        assert_eq!(kit.count(), 4);
    }
}

#[tokio::test]
async fn what_varies_is_kept_for_each_and_said() {
    let kit = Kit::new(Policy::new().vary([ACCEPT_LANGUAGE]));
    let app = kit.app(async |kit, request| {
        kit.next();
        let language = request.headers().get(ACCEPT_LANGUAGE);
        let mut response = text(language.map_or("none", |l| l.to_str().unwrap()).to_owned());
        response
            .headers_mut()
            .insert("vary", HeaderValue::from_static("Accept-Language"));
        response
    });
    for _ in 0..2 {
        for language in ["de", "en"] {
            let answer = app.with(&[("accept-language", language)]).await;
            assert_eq!(answer.text(), language);
            let mut lines = answer.headers.get_all("vary").iter();
            assert!(lines.any(|line| line.as_bytes().eq_ignore_ascii_case(b"accept-language")));
        }
        assert_eq!(app.get("/").await.text(), "none");
    }
    assert_eq!(kit.count(), 3);
}

#[tokio::test]
async fn layers_keep_their_responses_apart_and_clones_share_them() {
    let kit = Kit::new(Policy::new());
    let one = kit.app(async |kit, _| kit.next());
    let other = kit.app(async |kit, _| kit.next());
    assert_eq!(one.get("/").await.text(), "1");
    assert_eq!(one.clone().get("/").await.text(), "1");
    assert_eq!(other.get("/").await.text(), "2");
}

#[tokio::test]
async fn a_uri_or_a_host_that_is_spelled_in_another_way_is_another() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| kit.next());
    let paths = ["/?a=1&b=2", "/?b=2&a=1", "/%61", "/a", "/a/"];
    for (count, path) in (1..).zip(paths) {
        assert_eq!(app.get(path).await.text(), format!("{count}"));
    }
    let other = Request::builder().uri("/a").header("host", "g");
    assert_eq!(
        app.send(other.body(Default::default()).unwrap())
            .await
            .text(),
        "6"
    );
    assert_eq!(app.get("/a").await.text(), "4");
}

/// The names in `Vary`, in order.
fn vary(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.get_all("vary").iter();
    let lines = lines.flat_map(|line| line.to_str().unwrap().split(", "));
    let mut names: Vec<_> = lines.collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn who_logs_in_is_not_given_the_copy_that_anybody_had() {
    for (policy, expected) in [
        (Policy::new(), vec![]),
        (
            Policy::new().max_age(SECOND),
            vec!["authorization", "cookie"],
        ),
        (
            Policy::new().s_maxage(SECOND),
            vec!["authorization", "cookie"],
        ),
        (Policy::new().max_age(SECOND).public(), vec![]),
        (
            Policy::new().max_age(SECOND).key(|_| Some(String::new())),
            vec![],
        ),
        (
            Policy::new().max_age(SECOND).vary([COOKIE]),
            vec!["authorization", "cookie"],
        ),
    ] {
        let kit = Kit::new(policy);
        let app = kit.app(async |kit, _| kit.next());
        for _ in 0..2 {
            let answer = app.get("/").await;
            assert_eq!(vary(&answer), expected, "{:?}", answer.headers);
        }
    }
}

#[tokio::test]
async fn what_varies_is_said_once() {
    let kit = Kit::new(Policy::new().max_age(SECOND));
    let app = kit.app(async |kit, _| {
        let mut response = kit.next();
        let line = HeaderValue::from_static("Cookie, X-Forwarded-Host");
        response.headers_mut().insert("vary", line);
        response
    });
    for _ in 0..2 {
        let answer = app.with(&[("x-forwarded-host", "a")]).await;
        assert_eq!(
            vary(&answer),
            ["Cookie", "X-Forwarded-Host", "authorization"]
        );
    }
    assert_eq!(kit.count(), 1);
}

#[tokio::test]
async fn caches_on_the_way_are_told_of_the_headers_that_proxies_route_by() {
    let lines = [("x-forwarded-host", "a"), ("forwarded", "host=b")];
    for (policy, expected) in [
        (Policy::new().public(), vec![]),
        (
            Policy::new().public().s_maxage(SECOND),
            vec!["forwarded", "x-forwarded-host"],
        ),
        (
            Policy::new().public().max_age(SECOND),
            vec!["forwarded", "x-forwarded-host"],
        ),
        (
            Policy::new()
                .public()
                .max_age(SECOND)
                .s_maxage(Duration::ZERO)
                .keep(SECOND),
            vec![],
        ),
        (
            Policy::new().private().max_age(SECOND),
            vec!["authorization", "cookie"],
        ),
    ] {
        let kit = Kit::new(policy);
        let app = kit.app(async |kit, _| kit.next());
        for _ in 0..2 {
            assert_eq!(vary(&app.with(&lines).await), expected);
        }
        assert_eq!(kit.count(), 1);
    }
}
