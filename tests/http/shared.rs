//! Two services on one Redis, as two processes have them: what one keeps the other finds, and what either writes both
//! forget.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    Router,
    extract::Request,
    http::{Method, header::AUTHORIZATION},
    routing::{any, get as on_get},
};
use cachedpool::{
    Builder, CacheExt as _, CachedPool,
    http::{Policy, ResponseCacheLayer},
    tier::Redis,
};
use cachedpool_test_support::{redis, wait_until};
use sqlx::Sqlite;

use crate::kit::{Asked, SOON, Site, minute, seen};

const READ: &str = "SELECT version FROM pages WHERE id = 1";
const WRITE: &str = "UPDATE pages SET version = version + 1 WHERE id = 1";

/// Tells responses apart that say the same.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Two services on one database and one Redis, and how often the handler of each is asked.
struct Two {
    one: Site,
    other: Site,
    asked: [Asked; 2],
}

/// The page, read in the way that the path names.
fn pages(pool: &CachedPool<Sqlite>, policy: Policy, asked: &Asked) -> Router {
    let (own, asked) = (pool.clone(), asked.clone());
    let handler = move |request: Request| {
        asked.note();
        let pool = own.clone();
        let made = MADE.fetch_add(1, Ordering::Relaxed).to_string();
        async move {
            let version: i64 = match request.uri().path() {
                "/plain" => sqlx::query_scalar(READ).fetch_one(&pool).await.unwrap(),
                "/transaction" => {
                    let mut tx = pool.begin().await.unwrap();
                    let version = sqlx::query_scalar(READ).fetch_one(&mut *tx).await;
                    tx.commit().await.unwrap();
                    version.unwrap()
                }
                _ => {
                    let read = sqlx::query_scalar(READ).cached(&pool);
                    read.fetch_one().await.unwrap()
                }
            };
            let user = seen(request.headers(), "authorization");
            ([("x-made", made)], format!("v{version} {user}"))
        }
    };
    Router::new()
        .fallback(any(handler))
        .layer(ResponseCacheLayer::new(pool, policy))
}

impl Two {
    async fn new(one: Policy, other: Policy) -> Self {
        let asked = [Asked::default(), Asked::default()];
        let mut two = Self::with(
            |pool| pages(pool, one, &asked[0]),
            |pool| pages(pool, other, &asked[1]),
        )
        .await;
        two.asked = asked;
        two
    }

    async fn with(
        one: impl FnOnce(&CachedPool<Sqlite>) -> Router,
        other: impl FnOnce(&CachedPool<Sqlite>) -> Router,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let namespace = format!("http-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let tier = Redis::new(redis().await.url()).namespace(namespace);
        let share = |builder: Builder<Sqlite>| builder.redis_with(tier.clone());
        let one = Site::built(share, one).await;
        let other = one.beside(share, other).await;
        for site in [&one, &other] {
            wait_until(SOON, "a pool hears of the other", async || {
                site.pool.stats().shared_live
            })
            .await;
        }
        Two {
            one,
            other,
            asked: Default::default(),
        }
    }

    async fn of(policy: Policy) -> Self {
        Self::new(policy.clone(), policy).await
    }

    fn sites(&self) -> [&Site; 2] {
        [&self.one, &self.other]
    }

    fn times(&self) -> [usize; 2] {
        self.asked.each_ref().map(Asked::times)
    }

    /// Waits until so much has been stored in the tier: the answers of queries count as well.
    async fn stored(&self, times: u64) {
        wait_until(SOON, "it is stored in the tier", async || {
            self.one.pool.stats().shared_stores >= times
        })
        .await;
    }
}

fn named() -> Policy {
    minute().shared_as("pages")
}

#[tokio::test]
async fn a_response_that_one_made_is_found_by_the_other() {
    let two = Two::of(named()).await;
    let made = two.one.get("/").await;
    assert!(!made.is_hit());
    two.stored(2).await;
    let found = two.other.get("/").await;
    assert!(found.is_hit(), "{found:?}");
    assert_eq!(two.times(), [1, 0]);
    assert_eq!(found.text(), made.text());
    for name in ["etag", "content-type", "date"] {
        assert_eq!(found.header(name), made.header(name), "{name}");
    }
    let etag = made.header("etag").unwrap();
    let known = two.other.get_with("/", &[("if-none-match", &etag)]).await;
    assert_eq!(known.status, 304);
    assert_eq!(two.times(), [1, 0]);
}

#[tokio::test]
async fn a_write_through_either_invalidates_both() {
    let two = Two::of(named()).await;
    for (nth, writer) in two.sites().into_iter().enumerate() {
        let old = format!("v{} -", nth + 1);
        for site in two.sites() {
            site.get("/").await;
            let kept = site.get("/").await;
            assert!(kept.is_hit());
            assert_eq!(kept.text(), old);
        }
        writer.write(WRITE).await;
        let new = format!("v{} -", nth + 2);
        assert_eq!(writer.get("/").await.text(), new);
        for site in two.sites() {
            wait_until(SOON, "the news arrives", async || {
                site.get("/").await.text() == new
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_response_whose_reads_went_past_the_cache_stays_in_its_process() {
    let two = Two::of(named()).await;
    for path in ["/plain", "/transaction"] {
        two.one.get(path).await;
        assert!(two.one.get(path).await.is_hit(), "{path}");
    }
    // What is stored later is stored behind what was stored before.
    two.one.get("/").await;
    two.stored(2).await;
    for path in ["/plain", "/transaction"] {
        let reply = two.other.get(path).await;
        assert!(!reply.is_hit(), "{reply:?}");
    }
    assert!(two.other.get("/").await.is_hit());
    assert_eq!(two.times(), [3, 2]);
    // The news of a write concern them all the same.
    two.one.write(WRITE).await;
    for path in ["/plain", "/transaction"] {
        wait_until(SOON, "the news arrives", async || {
            two.other.get(path).await.text() == "v2 -"
        })
        .await;
    }
}

#[tokio::test]
async fn without_a_name_a_response_stays_in_its_process() {
    let two = Two::new(minute(), minute()).await;
    two.one.get("/").await;
    two.stored(1).await;
    assert!(!two.other.get("/").await.is_hit());
    assert_eq!(two.times(), [1, 1]);
    // It was made of what the other had read.
    assert_eq!(two.other.pool.stats().hits_shared, 1);
}

#[tokio::test]
async fn two_names_share_nothing() {
    let two = Two::new(named(), minute().shared_as("page")).await;
    two.one.get("/s").await;
    two.stored(2).await;
    assert!(!two.other.get("/s").await.is_hit());
    // Where one name ends and the path begins is told apart.
    let two = Two::new(minute().shared_as("a"), minute().shared_as("a/b")).await;
    two.one.get("/b/c").await;
    two.stored(2).await;
    assert!(!two.other.get("/c").await.is_hit());
}

#[tokio::test]
async fn users_are_told_apart_in_the_tier_too() {
    let by_user = named().vary([AUTHORIZATION]);
    let two = Two::of(by_user).await;
    let ada = [("authorization", "ada")];
    two.one.get_with("/", &ada).await;
    two.stored(2).await;
    let bob = two.other.get_with("/", &[("authorization", "bob")]).await;
    assert_eq!((bob.text(), bob.is_hit()), ("v1 bob", false));
    let nobody = two.other.get("/").await;
    assert_eq!((nobody.text(), nobody.is_hit()), ("v1 -", false));
    let again = two.other.get_with("/", &ada).await;
    assert_eq!((again.text(), again.is_hit()), ("v1 ada", true));
}

#[tokio::test]
async fn nested_routers_with_one_name_are_told_apart_in_the_tier_too() {
    let nested = |pool: &CachedPool<Sqlite>| {
        let says = |word: &'static str| {
            let page = move || async move { word };
            let router = Router::new().route("/same", on_get(page));
            router.layer(ResponseCacheLayer::new(pool, named()))
        };
        Router::new()
            .nest("/ada", says("ada"))
            .nest("/bob", says("bob"))
    };
    let two = Two::with(nested, nested).await;
    for word in ["ada", "bob"] {
        two.one.get(&format!("/{word}/same")).await;
    }
    two.stored(2).await;
    for word in ["ada", "bob"] {
        let reply = two.other.get(&format!("/{word}/same")).await;
        assert_eq!((reply.text(), reply.is_hit()), (word, true));
    }
}

#[tokio::test]
async fn a_request_that_changes_something_is_heard_of_by_the_other() {
    let two = Two::of(named()).await;
    two.one.get("/").await;
    two.other.get("/").await;
    let kept = two.other.get("/").await;
    assert!(kept.is_hit());
    let old = kept.header("x-made");
    two.one.ask(Method::POST, "/", &[]).await;
    assert!(!two.one.get("/").await.is_hit());
    wait_until(SOON, "the other has a newer one", async || {
        two.other.get("/").await.header("x-made") != old
    })
    .await;
}
