//! What a reader asks for: in the read's methods, in a policy, in a comment of the SQL, in the pool's defaults.

use std::time::Duration;

use cachedpool::{
    CachePolicy, Source,
    observe::Event,
    tokio_postgres::{Error, GenericClient as _},
};

use crate::{
    freshness::{SQL, secs},
    kit::{Scene, Setting, bare},
};

#[tokio::test]
async fn a_time_to_live_is_taken_from_the_nearest_hint() {
    let scene = Setting::usual()
        .pool(|builder| builder.default_ttl(secs(40)))
        .scene()
        .await;
    let plain = SQL.to_owned();
    let commented = format!("{SQL} /* cachedpool: ttl=30s */");
    let policy = CachePolicy::new().ttl(secs(20));
    let empty = CachePolicy::new();
    // Each read has a key of its own, by its scope.
    for (scope, sql, policy, call, expected) in [
        ("pool", &plain, &empty, None, 40),
        ("comment", &commented, &empty, None, 30),
        ("policy", &commented, &policy, None, 20),
        ("call", &commented, &policy, Some(10), 10),
        ("longer call", &plain, &policy, Some(90), 90),
    ] {
        let source = async || {
            let mut read = scene.client.cached(sql, &[]).scope(scope);
            if let Some(ttl) = call {
                read = read.ttl(secs(ttl));
            }
            read.policy(policy).query_shared().await.unwrap().source()
        };
        assert_eq!(source().await, Source::Database, "{scope}");
        scene.hand.advance(secs(expected) - Duration::from_nanos(1));
        assert_eq!(source().await, Source::Local, "{scope}");
        scene.hand.advance(Duration::from_nanos(1));
        assert_eq!(source().await, Source::Database, "{scope}");
    }
}

#[tokio::test]
async fn a_comment_turns_the_cache_off() {
    let scene = Scene::new().await;
    scene.warm().await;
    let off = "SELECT id, name FROM people /* cachedpool: off */ ORDER BY id";
    for _ in 0..2 {
        let rows = scene.client.cached(off, &[]).query_shared().await.unwrap();
        assert_eq!(rows.source(), Source::Database);
    }
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.client.stats().bypasses["hint_off"], 2);
}

#[tokio::test]
async fn an_unknown_hint_is_told_and_the_query_runs() {
    let mut scene = Scene::new().await;
    let sql = format!("{SQL} /* cachedpool: ttl=10s colour=red swr=soon tags= off=1 */");
    let source = async || {
        let read = scene.client.cached(&sql, &[]).query_shared().await;
        read.unwrap().source()
    };
    assert_eq!(source().await, Source::Database);
    assert_eq!(source().await, Source::Local);
    // The hints beside it count.
    scene.hand.advance(secs(10));
    assert_eq!(source().await, Source::Database);
    let told: Vec<_> = (scene.events().into_iter())
        .filter_map(|event| match event {
            Event::HintFault { names } => Some(names.to_vec()),
            _ => None,
        })
        .collect();
    assert_eq!(told, [["colour", "swr", "tags", "off"]]);
}

#[tokio::test]
async fn scopes_do_not_mix() {
    let scene = Scene::new().await;
    let reads = [
        CachePolicy::new(),
        CachePolicy::new().scope("a"),
        CachePolicy::new().scope("b"),
        CachePolicy::new().scope(""),
        CachePolicy::new().scope("a").scope("b"),
        CachePolicy::new().scope("ab"),
        CachePolicy::new().scope("b").scope("a"),
        CachePolicy::new().tag("a"),
    ];
    let source = async |policy: &CachePolicy| {
        let read = scene.client.cached(SQL, &[]).policy(policy);
        read.query_shared().await.unwrap().source()
    };
    for (at, policy) in reads.iter().enumerate() {
        assert_eq!(source(policy).await, Source::Database, "{at}");
    }
    for (at, policy) in reads.iter().enumerate() {
        assert_eq!(source(policy).await, Source::Local, "{at}");
    }
    scene.through("DELETE FROM people WHERE id = 1").await;
    for (at, policy) in reads.iter().enumerate() {
        assert_eq!(source(policy).await, Source::Database, "{at}");
    }
}

#[tokio::test]
async fn tags_are_invalidated_wherever_they_were_given() {
    let scene = Scene::new().await;
    let policy = CachePolicy::new().tags(["in:policy", "other"]);
    let sql = format!("{SQL} /* cachedpool: tags=in:comment,more */");
    let read = async || {
        let read = scene.client.cached(&sql, &[]).tag("in:call");
        read.policy(&policy).query_shared().await.unwrap()
    };
    for tag in ["in:call", "in:policy", "in:comment", "other", "more"] {
        read().await;
        assert_eq!(read().await.source(), Source::Local, "{tag}");
        scene.client.invalidate_tags(["unheard of"]).await.unwrap();
        assert_eq!(read().await.source(), Source::Local, "{tag}");
        scene.client.invalidate_tags([tag]).await.unwrap();
        let fresh = read().await;
        assert_eq!(fresh.source(), Source::Database, "{tag}");
        let tags: Vec<String> = fresh.tags().map(str::to_owned).collect();
        let expected = [
            "in:call",
            "in:comment",
            "in:policy",
            "more",
            "other",
            "people",
        ];
        assert_eq!(bare(&tags), expected);
    }
    // And with a write that names it.
    read().await;
    let write = "INSERT INTO pets VALUES (2, 1, 'Tom') /* cachedpool: tags=more */";
    scene.through(write).await;
    assert_eq!(read().await.source(), Source::Database);
}

#[tokio::test]
async fn a_declared_table_counts_like_a_named_one() {
    let view = "CREATE VIEW owners AS SELECT DISTINCT owner AS id FROM pets";
    let scene = Setting::usual().with([view]).scene().await;
    for table in ["pets", "owners"] {
        let people = async || {
            let read = scene.client.cached(SQL, &[]).depends_on([table]);
            read.query_shared().await.unwrap().source()
        };
        people().await;
        scene.behind("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
        assert_eq!(people().await, Source::Local, "{table}");
        scene.through("DELETE FROM pets").await;
        assert_eq!(people().await, Source::Database, "{table}");
    }
}

#[tokio::test]
async fn a_refresh_reads_the_database_and_keeps_what_it_got() {
    let scene = Scene::new().await;
    scene.warm().await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    assert_eq!(scene.rows("people").await.len(), 2);
    // Later than the entry, as any real clock would have it.
    scene.hand.advance(secs(1));
    let refresh = scene.client.cached(SQL, &[]).refresh().query().await;
    assert_eq!(refresh.unwrap().len(), 1);
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.rows("people").await.len(), 1);
}

#[tokio::test]
async fn a_bypass_leaves_the_cache_alone() {
    let scene = Scene::new().await;
    let bypass = async || {
        let read = scene.client.cached(SQL, &[]).bypass();
        read.query_shared().await.unwrap()
    };
    assert_eq!(bypass().await.source(), Source::Database);
    assert_eq!(scene.client.stats().entries, 0);
    scene.warm().await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    assert_eq!(bypass().await.len(), 1);
    assert_eq!(scene.rows("people").await.len(), 2);
    assert_eq!(scene.client.stats().bypasses["bypass"], 2);
}

#[tokio::test]
async fn only_if_cached_never_asks_the_database() {
    let scene = Setting::usual().connections(1).scene().await;
    let volatile = "SELECT count(*) FROM people WHERE CURRENT_TIMESTAMP IS NULL";
    let prepared = scene.client.prepare(SQL).await.unwrap();
    // Whoever asked would wait for the only connection.
    let held = scene.client.inner().get().await.unwrap();
    let only = |sql| scene.client.cached(sql, &[]).only_if_cached();
    for sql in [SQL, volatile, "SELECT 1 FROM nobody"] {
        let answer = only(sql).query().await;
        assert!(matches!(answer, Err(Error::NotCached)), "{answer:?}");
    }
    drop(held);
    scene.warm().await;
    scene.client.query(volatile, &[]).await.unwrap();
    let held = scene.client.inner().get().await.unwrap();
    assert_eq!(
        only(SQL).query_shared().await.unwrap().source(),
        Source::Local
    );
    let read = scene.client.cached(&prepared, &[]).only_if_cached();
    assert_eq!(read.query_shared().await.unwrap().source(), Source::Local);
    let answer = only(volatile).query().await;
    assert!(matches!(answer, Err(Error::NotCached)), "{answer:?}");
    drop(held);
    scene.through("DELETE FROM people").await;
    let _held = scene.client.inner().get().await.unwrap();
    let stale = only(SQL).stale_while_revalidate(secs(9)).query().await;
    assert!(matches!(stale, Err(Error::NotCached)), "{stale:?}");
    let read = scene.client.cached(&prepared, &[]).only_if_cached();
    assert!(matches!(read.query().await, Err(Error::NotCached)));
}

#[tokio::test]
async fn results_over_the_caps_are_returned_and_not_stored() {
    let scene = Setting::usual()
        .pool(|builder| builder.max_rows(3))
        .scene()
        .await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    scene.warm().await;
    scene.through("INSERT INTO people VALUES (4, 'Zoe')").await;
    for _ in 0..2 {
        assert_eq!(scene.rows("people").await.len(), 4);
        assert_eq!(scene.source("people").await, Source::Database);
    }
    assert_eq!(scene.client.stats().stores_skipped["too many rows"], 4);
    // A read sets its own caps.
    let source = async |policy: &CachePolicy| {
        let read = scene.client.cached(SQL, &[]).policy(policy);
        read.query_shared().await.unwrap().source()
    };
    let small = CachePolicy::new().max_rows(9).max_bytes(5);
    for _ in 0..2 {
        assert_eq!(source(&small).await, Source::Database);
    }
    assert_eq!(scene.client.stats().stores_skipped["too many bytes"], 2);
    let roomy = CachePolicy::new().max_rows(4);
    assert_eq!(source(&roomy).await, Source::Database);
    assert_eq!(source(&roomy).await, Source::Local);
}
