//! RFC 5861: what is not fresh any more.

use tokio::sync::Semaphore;

use super::{kit::text, *};

fn swr() -> Policy {
    Policy::new()
        .keep(10 * SECOND)
        .stale_while_revalidate(30 * SECOND)
}

fn sie() -> Policy {
    Policy::new().keep(10 * SECOND).stale_if_error(30 * SECOND)
}

#[tokio::test]
async fn however_many_ask_for_an_expired_response_one_request_renews_it() {
    let kit = Kit::new(swr());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        kit.next()
    });
    app.get("/").await;
    kit.hand.advance(13 * SECOND);
    for _ in 0..20 {
        let stale = app.get("/").await;
        assert_eq!(stale.text(), "1");
        assert_eq!(
            stale.status(),
            "cachedpool; hit; ttl=-3; detail=stale-while-revalidate"
        );
        assert_eq!(stale.header("age"), Some("13"));
    }
    wait_for_calls(&kit, 2).await;
    let fresh = app.get("/").await;
    assert_eq!(
        (fresh.text(), fresh.status()),
        ("2", "cachedpool; hit; ttl=10")
    );
    assert_eq!(kit.count(), 2);
}

#[tokio::test]
async fn head_is_answered_stale_and_renews_nothing() {
    let kit = Kit::new(swr());
    let app = kit.app(async |kit, _| kit.next());
    app.get("/").await;
    kit.hand.advance(13 * SECOND);
    let head = app
        .send(get("/").method("HEAD").body(Default::default()).unwrap())
        .await;
    assert_eq!(
        (head.text(), head.header("content-length")),
        ("", Some("1"))
    );
    tokio::task::yield_now().await;
    assert_eq!(kit.count(), 1);
}

#[tokio::test]
async fn after_its_window_an_expired_response_is_made_anew() {
    let kit = Kit::new(swr());
    let app = kit.app(async |kit, _| kit.next());
    app.get("/").await;
    kit.hand.advance(40 * SECOND);
    assert_eq!(app.get("/").await.text(), "2");
}

#[tokio::test]
async fn what_a_write_has_invalidated_is_never_given() {
    for policy in [swr(), sie()] {
        let kit = Kit::new(policy);
        let app = kit.app(async |kit, _| {
            kit.reads("users");
            let mut response = kit.next();
            if kit.count() > 1 {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            response
        });
        app.get("/").await;
        kit.writes("users");
        for later in [0, 13] {
            kit.hand.advance(later * SECOND);
            assert_eq!(app.get("/").await.code, StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}

#[tokio::test]
async fn an_expired_response_stands_in_for_a_handler_that_fails() {
    let kit = Kit::new(sie());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        let mut response = kit.next();
        *response.status_mut() = match kit.count() {
            1 => StatusCode::OK,
            2 => StatusCode::INTERNAL_SERVER_ERROR,
            3 => StatusCode::BAD_GATEWAY,
            4 => StatusCode::SERVICE_UNAVAILABLE,
            5 => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::NOT_IMPLEMENTED,
        };
        response
    });
    app.get("/").await;
    kit.hand.advance(13 * SECOND);
    for _ in 2..=5 {
        let stale = app.get("/").await;
        assert_eq!((stale.code, stale.text()), (StatusCode::OK, "1"));
        assert_eq!(
            stale.status(),
            "cachedpool; fwd=stale; detail=stale-if-error"
        );
        assert_eq!(stale.header("age"), Some("13"));
    }
    assert_eq!(app.get("/").await.code, StatusCode::NOT_IMPLEMENTED);
    kit.hand.advance(27 * SECOND);
    assert_eq!(app.get("/").await.code, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn what_must_be_revalidated_is_not_given_stale() {
    for policy in [swr(), sie()] {
        let kit = Kit::new(policy);
        let app = kit.app(async |kit, _| {
            let mut response = kit.next();
            if kit.count() > 1 {
                *response.status_mut() = StatusCode::BAD_GATEWAY;
            }
            let headers = response.headers_mut();
            headers.insert("cache-control", HeaderValue::from_static("must-revalidate"));
            response
        });
        app.get("/").await;
        kit.hand.advance(13 * SECOND);
        assert_eq!(app.get("/").await.code, StatusCode::BAD_GATEWAY);
    }
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_what_there_is() {
    let kit = Kit::new(swr());
    let gate = std::sync::Arc::new(Semaphore::new(0));
    let opened = gate.clone();
    let app = kit.app(move |kit, _| {
        let opened = opened.clone();
        async move {
            let response = kit.next();
            if kit.count() == 2 {
                opened.add_permits(1);
                panic!("on purpose");
            }
            response
        }
    });
    app.get("/").await;
    kit.hand.advance(13 * SECOND);
    assert_eq!(app.get("/").await.text(), "1");
    let _ = gate.acquire().await.unwrap();
    wait_for(|| kit.engine.stats().refreshes_failed == 1).await;
    // It is not tried with every answer.
    for _ in 0..20 {
        assert_eq!(app.get("/").await.text(), "1");
        tokio::task::yield_now().await;
    }
    assert_eq!((kit.count(), kit.engine.stats().refreshes_started), (2, 1));
    kit.hand.advance(SECOND);
    assert_eq!(app.get("/").await.text(), "1");
    wait_for_calls(&kit, 3).await;
    assert_eq!(app.get("/").await.text(), "3");
}

#[tokio::test]
async fn a_response_made_of_what_is_stale_already_is_not_kept() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        let terms = crate::cache::Terms {
            ttl: SECOND,
            stale_while_revalidate: 100 * SECOND,
            ..Default::default()
        };
        let key = crate::cache::Key {
            statement: 1,
            row: std::any::TypeId::of::<u64>(),
            shape: crate::cache::Shape::All,
            params: Default::default(),
        };
        let found = kit.engine.lookup::<Vec<u64>>(&key, &terms);
        let (crate::cache::Lookup::Fresh(cached) | crate::cache::Lookup::Stale(cached, _)) = found
        else {
            let tags = crate::cache::testkit::tables(["users"]);
            let question = crate::cache::Question {
                key,
                tags,
                terms,
                whole: None,
            };
            let stamp = kit.engine.stamp(&question.tags);
            kit.engine.store(question, stamp, vec![1_u64]);
            return text("0");
        };
        let scope = crate::cache::Scope::current().unwrap();
        scope.answer(&kit.engine, &cached);
        kit.next()
    });
    // Keeps the row that the next ones read, under another URI.
    app.get("/row").await;
    let first = app.get("/").await;
    assert_eq!(first.status(), "cachedpool; fwd=miss; stored");
    // No longer than the row is fresh.
    kit.hand.advance(2 * SECOND);
    let second = app.get("/").await;
    assert_eq!(
        (second.text(), second.status()),
        ("2", "cachedpool; fwd=miss; detail=stale-read")
    );
}

pub(super) async fn wait_for_calls(kit: &Kit, calls: u64) {
    wait_for(|| kit.count() >= calls).await;
}

async fn wait_for(mut holds: impl FnMut() -> bool) {
    let most = std::time::Duration::from_secs(5);
    cachedpool_test_support::wait_until(most, "the background", async || holds()).await;
}
