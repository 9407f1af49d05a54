//! Second reads are hits and say so, in each shape, and nothing that is not cached is counted as one.

use cachedpool::{
    CacheExt as _,
    cache::{Freshness, Source},
};

use crate::kit::{Number, Person, Scene, TestDatabase, bare, query, read};

tests!(sqlite, postgres, mariadb => [
    a_second_read_is_a_hit_and_says_so,
    every_shape_gives_what_sqlx_gives,
    a_missing_row_is_cached_too_until_it_is_written,
    a_write_to_another_table_leaves_the_hit,
    what_must_not_be_cached_comes_from_the_database_every_time,
    invalidation_by_hand_reaches_tables_tags_and_everything,
    another_handle_on_the_pool_shares_its_cache,
]);

async fn a_second_read_is_a_hit_and_says_so<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let ada = || read::<DB, Person>("SELECT id, name FROM people WHERE id = $1", [1.into()]);
    let first = ada().cached(&scene.pool).fetch_one_shared().await.unwrap();
    assert_eq!(first.source(), Source::Database);
    assert_eq!(first.name.as_deref(), Some("Ada"));

    scene
        .behind("UPDATE people SET name = 'Eve' WHERE id = 1")
        .await;
    let second = ada().cached(&scene.pool).fetch_one_shared().await.unwrap();
    assert_eq!(
        (second.source(), second.freshness()),
        (Source::Local, Freshness::Fresh)
    );
    assert_eq!(*second, *first);
    assert_eq!(second.etag(), first.etag());
    let tags: Vec<String> = second.tags().map(str::to_owned).collect();
    assert_eq!(bare(&tags), ["people"]);

    let stats = scene.pool.stats();
    assert_eq!(
        (stats.hits_local, stats.misses, stats.loads, stats.entries),
        (1, 1, 1, 1)
    );
}

async fn every_shape_gives_what_sqlx_gives<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let people = || read::<DB, Person>("SELECT id, name FROM people ORDER BY id", []);
    let nobody = || read::<DB, Person>("SELECT id, name FROM people WHERE id = 99", []);
    for round in ["miss", "hit"] {
        let all = people().cached(&scene.pool).fetch_all().await.unwrap();
        assert_eq!(all, people().fetch_all(&scene.pool).await.unwrap());
        assert_eq!(all.len(), 2, "{round}");
        let shared = people()
            .cached(&scene.pool)
            .fetch_all_shared()
            .await
            .unwrap();
        assert_eq!(*shared, all, "{round}");
        let one = people().cached(&scene.pool).fetch_one().await.unwrap();
        assert_eq!(one, all[0], "{round}");
        let optional = people().cached(&scene.pool).fetch_optional_shared().await;
        assert_eq!(*optional.unwrap(), Some(all[0].clone()), "{round}");

        assert_eq!(
            nobody().cached(&scene.pool).fetch_all().await.unwrap(),
            [],
            "{round}"
        );
        let none = nobody().cached(&scene.pool).fetch_optional().await.unwrap();
        assert_eq!(none, None, "{round}");
        let error = nobody().cached(&scene.pool).fetch_one().await.unwrap_err();
        assert!(matches!(error, sqlx::Error::RowNotFound), "{round}");
    }
}

async fn a_missing_row_is_cached_too_until_it_is_written<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let eve = || {
        read::<DB, Person>("SELECT id, name FROM people WHERE id = 3", [])
            .cached(&scene.pool)
            .fetch_optional_shared()
    };
    assert!(eve().await.unwrap().is_none());
    assert_eq!(eve().await.unwrap().source(), Source::Local);
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!((*eve().await.unwrap()).as_ref().map(|eve| eve.id), Some(3));
}

async fn a_write_to_another_table_leaves_the_hit<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after the write").await;
}

async fn what_must_not_be_cached_comes_from_the_database_every_time<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for sql in [
        "SELECT count(*) FROM people WHERE CURRENT_TIMESTAMP IS NOT NULL",
        "SELECT count(*) FROM people /* cachedpool: off */",
    ] {
        assert!(scene.pool.explain(sql).statement.reason.is_some(), "{sql}");
        let count = || read::<DB, Number>(sql, []).cached(&scene.pool).fetch_one();
        let before = count().await.unwrap();
        scene
            .behind(&format!(
                "INSERT INTO people VALUES ({}, 'x')",
                before.0 + 10
            ))
            .await;
        assert_eq!(count().await.unwrap().0, before.0 + 1, "{sql}");
    }
    let stats = scene.pool.stats();
    assert_eq!((stats.hits_local, stats.misses, stats.entries), (0, 0, 0));
    assert_eq!(stats.bypasses.values().sum::<u64>(), 4);
}

async fn invalidation_by_hand_reaches_tables_tags_and_everything<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let tagged = async || {
        read::<DB, Person>("SELECT id, name FROM people WHERE id = 1", [])
            .cached(&scene.pool)
            .tag("org:7")
            .fetch_one_shared()
            .await
            .unwrap()
            .source()
    };
    let warm = async || {
        scene.warm().await;
        tagged().await;
        assert_eq!(tagged().await, Source::Local);
    };
    let sources = async || {
        [
            scene.source("people").await,
            scene.source("pets").await,
            tagged().await,
        ]
    };
    use Source::{Database, Local};

    warm().await;
    scene.pool.invalidate_tables(["pets"]).await.unwrap();
    assert_eq!(sources().await, [Local, Database, Local]);
    warm().await;
    scene.pool.invalidate_tables(["People"]).await.unwrap();
    assert_eq!(sources().await, [Database, Local, Database]);
    warm().await;
    scene.pool.invalidate_tags(["org:7"]).await.unwrap();
    assert_eq!(sources().await, [Local, Local, Database]);
    warm().await;
    scene.pool.invalidate_tags(["people"]).await.unwrap();
    assert_eq!(sources().await, [Local, Local, Local]);
    scene.pool.invalidate_all().await.unwrap();
    assert_eq!(sources().await, [Database, Database, Database]);
}

async fn another_handle_on_the_pool_shares_its_cache<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let other = scene.pool.clone();
    scene.warm().await;
    let read = read::<DB, Person>("SELECT id, name FROM people ORDER BY id", [])
        .cached(&other)
        .fetch_all_shared();
    assert_eq!(read.await.unwrap().source(), Source::Local);
    query::<DB>("DELETE FROM people WHERE id = $1", [1.into()])
        .execute(&other)
        .await
        .unwrap();
    scene.assert_true("after a write through the other").await;
}
