//! RFC 9110 §13, through the layer.

use super::{kit::text, *};

#[tokio::test]
async fn who_has_it_is_told_so_without_the_handler() {
    let kit = Kit::new(Policy::new().max_age(30 * SECOND));
    let app = kit.app(async |kit, _| {
        let mut response = kit.next();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-language", "en"),
            ("content-location", "/here"),
            ("last-modified", "Sat, 29 Oct 1994 19:43:31 GMT"),
            ("x-frame-options", "DENY"),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    });
    let etag = app.get("/").await.header("etag").unwrap().to_owned();
    kit.hand.advance(SECOND);
    let answer = app
        .with(&[("if-none-match", &format!("\"x\", W/{etag}"))])
        .await;
    assert_eq!((answer.code, answer.text()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(answer.status(), "cachedpool; hit; ttl=29");
    let mut names: Vec<_> = answer.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "age",
            "cache-control",
            "cache-status",
            "content-location",
            "date",
            "etag",
            "vary",
            "x-frame-options"
        ]
    );
    assert_eq!(answer.header("cache-control"), Some("max-age=30"));
    assert_eq!(kit.count(), 1);
}

#[tokio::test]
async fn the_first_request_may_already_be_conditional() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |_, request| {
        assert!(!request.headers().contains_key("if-none-match"));
        text("same")
    });
    let etag = app.get("/").await.header("etag").unwrap().to_owned();
    kit.engine.invalidate_all();
    let answer = app.with(&[("if-none-match", &etag)]).await;
    assert_eq!(answer.code, StatusCode::NOT_MODIFIED);
    assert_eq!(answer.status(), "cachedpool; fwd=miss; stored");
}

#[tokio::test]
async fn after_a_write_the_same_content_is_still_known() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        text(
            if kit.next().status() == StatusCode::OK && kit.count() < 3 {
                "same"
            } else {
                "new"
            },
        )
    });
    let etag = app.get("/").await.header("etag").unwrap().to_owned();
    kit.writes("users");
    assert_eq!(
        app.with(&[("if-none-match", &etag)]).await.code,
        StatusCode::NOT_MODIFIED
    );
    kit.writes("users");
    let changed = app.with(&[("if-none-match", &etag)]).await;
    assert_eq!((changed.code, changed.text()), (StatusCode::OK, "new"));
}

#[tokio::test]
async fn what_should_be_unchanged_and_is_not_fails() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| kit.next());
    let answer = app.with(&[("if-match", "\"other\"")]).await;
    assert_eq!(
        (answer.code, answer.text()),
        (StatusCode::PRECONDITION_FAILED, "")
    );
    assert_eq!(answer.header("cache-control"), None);
    assert_eq!(app.with(&[("if-match", "*")]).await.code, StatusCode::OK);
}

#[tokio::test]
async fn a_response_that_passes_answers_conditions_by_its_own_validators() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        let mut response = kit.next();
        response
            .headers_mut()
            .insert("etag", HeaderValue::from_static("\"own\""));
        response
            .headers_mut()
            .insert("set-cookie", HeaderValue::from_static("a=1"));
        response
    });
    for _ in 0..2 {
        let answer = app.with(&[("if-none-match", "\"own\"")]).await;
        assert_eq!(answer.code, StatusCode::NOT_MODIFIED);
        assert_eq!(answer.header("set-cookie"), Some("a=1"));
        assert_eq!(answer.status(), "cachedpool; fwd=miss; detail=set-cookie");
    }
}

#[tokio::test]
async fn head_is_what_get_gives_without_the_body() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| kit.next());
    let head = || app.send(get("/").method("HEAD").body(Default::default()).unwrap());
    assert_eq!(head().await.status(), "cachedpool; fwd=miss");
    assert_eq!(head().await.status(), "cachedpool; fwd=miss");
    let got = app.get("/").await;
    let answer = head().await;
    assert_eq!(answer.status(), "cachedpool; hit; ttl=60");
    assert_eq!(
        (answer.text(), answer.header("content-length")),
        ("", Some("1"))
    );
    assert_eq!(answer.header("etag"), got.header("etag"));
    let etag = got.header("etag").unwrap();
    let request = get("/").method("HEAD").header("if-none-match", etag);
    let answer = app.send(request.body(Default::default()).unwrap()).await;
    assert_eq!(answer.code, StatusCode::NOT_MODIFIED);
}
