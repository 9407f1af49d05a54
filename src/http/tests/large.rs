//! Bodies that are not kept.

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::{
    kit::{Content, content, text},
    *,
};

type Item = Result<Frame<Bytes>, std::io::Error>;

fn pieces(pieces: Vec<Item>) -> http::Response<Content> {
    let body = StreamBody::new(stream::iter(pieces));
    http::Response::new(content(body))
}

fn piece(text: &'static str) -> Item {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn small() -> Policy {
    Policy::new().max_body(4).max_age(30 * SECOND)
}

#[tokio::test]
async fn a_large_body_passes_and_its_validator_is_kept() {
    let kit = Kit::new(small());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        kit.next();
        pieces(vec![piece("abc"), piece("def"), piece("ghi")])
    });
    let first = app.get("/").await;
    assert_eq!(first.text(), "abcdefghi");
    assert_eq!(first.status(), "cachedpool; fwd=miss; detail=body-size");
    assert_eq!(first.header("cache-control"), Some("max-age=30"));
    let etag = first.header("etag").unwrap().to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");

    let known = app.with(&[("if-none-match", &etag)]).await;
    assert_eq!(
        (known.code, known.status()),
        (StatusCode::NOT_MODIFIED, "cachedpool; hit; ttl=30")
    );
    assert_eq!(kit.count(), 1);
    // Who has nothing gets it from the handler, under the same validator as long as that is true.
    let again = app.get("/").await;
    assert_eq!(
        (again.text(), again.header("etag")),
        ("abcdefghi", Some(etag.as_str()))
    );
    assert_eq!(
        app.with(&[("if-none-match", "\"other\"")]).await.code,
        StatusCode::OK
    );
    assert_eq!(kit.count(), 3);

    kit.writes("users");
    let changed = app.with(&[("if-none-match", &etag)]).await;
    assert_eq!(changed.code, StatusCode::OK);
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn what_is_read_for_the_rest_of_a_body_counts() {
    let kit = Kit::new(small());
    let app = kit.app(async |kit, _| {
        kit.next();
        let late = kit.clone();
        let rest = stream::once(async move {
            late.reads("users");
            piece("ghi")
        });
        use futures_util::StreamExt as _;
        let all = stream::iter(vec![piece("abc"), piece("def")]).chain(rest);
        http::Response::new(content(StreamBody::new(all)))
    });
    let etag = app.get("/").await.header("etag").unwrap().to_owned();
    // The validator was told before the read, so it stands for nothing.
    let again = app.with(&[("if-none-match", &etag)]).await;
    assert_eq!((again.code, kit.count()), (StatusCode::OK, 2));
}

#[tokio::test]
async fn two_bodies_that_may_go_on_in_two_ways_have_two_validators() {
    let kit = Kit::new(small());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        kit.next();
        let late = kit.clone();
        let rest = stream::once(async move {
            late.reads("orders");
            piece("ghi")
        });
        use futures_util::StreamExt as _;
        let all = stream::iter(vec![piece("abcdef")]).chain(rest);
        http::Response::new(content(StreamBody::new(all)))
    });
    let first = app.get("/").await;
    kit.writes("orders");
    let second = app.get("/").await;
    assert!(first.header("etag").is_some());
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[tokio::test]
async fn a_validator_is_kept_no_longer_than_what_is_read_for_the_rest_of_a_body() {
    for (ttl, known) in [(2, true), (1, false), (0, false)] {
        let kit = Kit::new(small());
        let app = kit.app(move |kit, _| async move {
            kit.reads("users");
            kit.next();
            let late = kit.clone();
            let rest = stream::once(async move {
                late.answers("users", ttl * SECOND);
                piece("ghi")
            });
            use futures_util::StreamExt as _;
            let all = stream::iter(vec![piece("abcdef")]).chain(rest);
            http::Response::new(content(StreamBody::new(all)))
        });
        let etag = app.get("/").await.header("etag").unwrap().to_owned();
        kit.hand.advance(SECOND);
        let again = app.with(&[("if-none-match", &etag)]).await;
        assert_eq!(again.code == StatusCode::NOT_MODIFIED, known, "{ttl}");
    }
}

#[tokio::test]
async fn what_is_not_read_to_its_end_is_not_known() {
    let kit = Kit::new(small());
    let app = kit.app(async |kit, _| {
        kit.next();
        pieces(vec![piece("abcdef"), Err(std::io::Error::other("broken"))])
    });
    let first = app.get("/").await;
    assert_eq!(first.body, None);
    let etag = first.header("etag").unwrap().to_owned();
    assert_eq!(
        app.with(&[("if-none-match", &etag)]).await.code,
        StatusCode::OK
    );
    assert_eq!(kit.count(), 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_or_ends_early_is_not_kept() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        kit.next();
        let mut response = match kit.count() % 2 {
            1 => pieces(vec![piece("abc"), Err(std::io::Error::other("broken"))]),
            _ => pieces(vec![piece("abc")]),
        };
        response
            .headers_mut()
            .insert("content-length", HeaderValue::from_static("6"));
        response
    });
    assert_eq!(app.get("/").await.body, None);
    assert_eq!(app.get("/").await.text(), "abc");
    assert_eq!(app.get("/").await.body, None);
    assert_eq!(kit.count(), 3);
}

#[tokio::test]
async fn events_pass_as_they_come() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |_, _| {
        let endless = stream::pending::<Item>();
        let mut response = http::Response::new(content(StreamBody::new(endless)));
        let kind = HeaderValue::from_static("Text/Event-Stream; charset=utf-8");
        response.headers_mut().insert("content-type", kind);
        response
    });
    let mut service = app.0.clone();
    use tower_service::Service as _;
    let response = service
        .call(get("/").body(Default::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        response.headers()["cache-status"],
        "cachedpool; fwd=miss; detail=stream"
    );
}

#[tokio::test]
async fn an_empty_response_is_kept_like_any() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        kit.next();
        let mut response = text("");
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    });
    app.get("/").await;
    let answer = app.get("/").await;
    assert_eq!(
        (answer.code, answer.text(), kit.count()),
        (StatusCode::NO_CONTENT, "", 1)
    );
}
