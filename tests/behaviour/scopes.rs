//! What a scope finds of the reads inside it: what they depend on, or why nobody can tell.

use std::{future::Future, time::Duration};

use cachedpool::{
    CacheExt as _,
    cache::{Found, Scope},
    inspect,
};
use sqlx::Executor as _;

use crate::kit::{Person, Scene, Setting, TestDatabase, query, read, run};

tests!(sqlite, postgres, mariadb => [
    reads_of_every_kind_are_found,
    a_result_holds_until_what_it_was_made_of_is_written,
    rows_told_by_the_arguments_are_told_apart,
    a_write_of_any_kind_is_refused,
    a_read_that_must_not_be_cached_is_refused,
    a_read_past_the_cache_counts_like_any_other,
    a_transaction_that_began_outside_is_refused,
    a_session_that_was_changed_is_refused,
    a_task_is_followed_where_it_is_given_the_scope,
    what_is_left_to_live_is_that_of_the_shortest,
    a_read_for_a_scope_of_the_user_is_for_some,
]);
// SQLite takes the first of several rows for a value, and its writer would wait for a reader's transaction.
tests!(servers => [
    a_read_that_fails_is_refused,
    a_transaction_counts_as_of_its_beginning,
]);

const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";
const PETS: &str = "SELECT id, name FROM pets ORDER BY id";
const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

/// What is found of some work, or why not.
async fn found<DB: TestDatabase>(
    scene: &Scene<DB>,
    work: impl Future<Output = ()>,
) -> Result<Found, &'static str> {
    let scope = inspect::scope(&scene.pool);
    scope.run(work).await;
    scope.found().map_err(|why| why.0)
}

fn tables(found: &Found) -> Vec<&str> {
    let names = found.stamp.tags().names();
    names.map(|name| name.rsplit('.').next().unwrap()).collect()
}

async fn reads_of_every_kind_are_found<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for _ in 0..2 {
        let cached = found(&scene, async {
            scene.rows("people").await;
        });
        assert_eq!(tables(&cached.await.unwrap()), ["people"]);
    }
    let plain = found(&scene, async {
        let (one, all) = tokio::join!(
            scene.pool.fetch_optional(query::<DB>(PETS, [])),
            scene.pool.fetch_all(query::<DB>(PEOPLE, [])),
        );
        one.unwrap();
        all.unwrap();
    });
    assert_eq!(tables(&plain.await.unwrap()), ["people", "pets"]);
    let on_a_connection = found(&scene, async {
        let mut connection = scene.pool.acquire().await.unwrap();
        connection.fetch_all(query::<DB>(PETS, [])).await.unwrap();
    });
    assert_eq!(tables(&on_a_connection.await.unwrap()), ["pets"]);
    let in_a_transaction = found(&scene, async {
        let mut tx = scene.pool.begin().await.unwrap();
        tx.fetch_all(query::<DB>(PEOPLE, [])).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(tables(&in_a_transaction.await.unwrap()), ["people"]);
    let nothing = found(&scene, async {}).await.unwrap();
    assert_eq!((tables(&nothing), nothing.fresh_for), (vec![], None));
}

async fn a_result_holds_until_what_it_was_made_of_is_written<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let found = found(&scene, async {
        scene.rows("people").await;
        scene.pool.fetch_all(query::<DB>(PETS, [])).await.unwrap();
    });
    let found = found.await.unwrap();
    assert!(inspect::holds(&scene.pool, &found));
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert!(!inspect::holds(&scene.pool, &found));
}

async fn rows_told_by_the_arguments_are_told_apart<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let one = |id: i64| query::<DB>("SELECT id, name FROM people WHERE id = $1", [id.into()]);
    let found = found(&scene, async {
        scene.pool.fetch_all(one(1)).await.unwrap();
    });
    let found = found.await.unwrap();
    scene
        .through("UPDATE people SET name = 'x' WHERE id = 2")
        .await;
    assert!(inspect::holds(&scene.pool, &found));
    scene.through(RENAME).await;
    assert!(!inspect::holds(&scene.pool, &found));
}

async fn a_write_of_any_kind_is_refused<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let on_the_pool = found(&scene, async {
        scene.through(RENAME).await;
    });
    assert_eq!(on_the_pool.await.err(), Some("write"));
    let in_a_transaction = found(&scene, async {
        let mut tx = scene.pool.begin().await.unwrap();
        run(&mut tx, RENAME).await;
        tx.rollback().await.unwrap();
    });
    assert_eq!(in_a_transaction.await.err(), Some("write"));
    let with_a_token = found(&scene, async {
        let rename = query::<DB>(RENAME, []);
        scene.pool.execute_with_token(rename).await.unwrap();
    });
    assert_eq!(with_a_token.await.err(), Some("write"));
    let by_hand = found(&scene, async {
        scene.pool.invalidate_tags(["word"]).await.unwrap();
    });
    assert_eq!(by_hand.await.err(), Some("write"));
    let unseen = found(&scene, async {
        let mut connection = scene.pool.acquire().await.unwrap();
        connection.unseen().await.unwrap();
    });
    assert_eq!(unseen.await.err(), Some("past the cache"));
}

async fn a_read_that_must_not_be_cached_is_refused<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let random = match DB::NAME {
        "MySQL" => "SELECT id, name FROM people ORDER BY rand()",
        _ => "SELECT id, name FROM people ORDER BY random()",
    };
    let cached = found(&scene, async {
        let rows = read::<DB, Person>(random, []).cached(&scene.pool);
        rows.fetch_all().await.unwrap();
    });
    assert_eq!(cached.await.err(), Some("volatile_function"));
    let plain = found(&scene, async {
        scene.pool.fetch_all(query::<DB>(random, [])).await.unwrap();
    });
    assert_eq!(plain.await.err(), Some("volatile_function"));
    let never = found(&scene, async {
        let rows = read::<DB, Person>(PEOPLE, []).cached(&scene.pool);
        rows.ttl(Duration::ZERO).fetch_all().await.unwrap();
    });
    assert_eq!(never.await.err(), Some("zero_ttl"));
}

async fn a_read_that_fails_is_refused<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let fails = "SELECT id, name FROM people WHERE id = (SELECT id FROM people)";
    scene.behind("INSERT INTO people VALUES (9, 'Eve')").await;
    for cached in [true, false] {
        let failed = found(&scene, async {
            let error = if cached {
                let rows = read::<DB, Person>(fails, []).cached(&scene.pool);
                rows.fetch_all().await.err()
            } else {
                scene.pool.fetch_all(query::<DB>(fails, [])).await.err()
            };
            assert!(error.is_some());
        });
        assert_eq!(failed.await.err(), Some("failed read"));
    }
}

async fn a_read_past_the_cache_counts_like_any_other<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let found = found(&scene, async {
        let rows = read::<DB, Person>(PEOPLE, []).cached(&scene.pool);
        rows.bypass().fetch_all().await.unwrap();
    });
    let found = found.await.unwrap();
    assert_eq!(tables(&found), ["people"]);
    scene.through(RENAME).await;
    assert!(!inspect::holds(&scene.pool, &found));
}

async fn a_transaction_counts_as_of_its_beginning<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    let late = found(&scene, async {
        let mut tx = scene.pool.begin().await.unwrap();
        tx.fetch_all(query::<DB>(PETS, [])).await.unwrap();
        // By another request meanwhile, outside of this scope.
        let pool = scene.pool.clone();
        let rename = async move {
            let done = query::<DB>(RENAME, []).execute(&pool).await;
            done.map(drop)
        };
        tokio::spawn(rename).await.unwrap().unwrap();
        tx.fetch_all(query::<DB>(PEOPLE, [])).await.unwrap();
    });
    assert_eq!(
        late.await.err(),
        Some("a write came after the transaction began")
    );
}

async fn a_transaction_that_began_outside_is_refused<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut tx = scene.pool.begin().await.unwrap();
    let inside = found(&scene, async {
        tx.fetch_all(query::<DB>(PEOPLE, [])).await.unwrap();
    });
    assert_eq!(
        inside.await.err(),
        Some("in a transaction that began unseen")
    );
}

async fn a_session_that_was_changed_is_refused<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let change = match DB::NAME {
        "SQLite" => "PRAGMA case_sensitive_like = 1",
        "MySQL" => "SET SESSION sql_mode = ''",
        _ => "SET search_path TO pg_catalog, public",
    };
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, change).await;
    let pets = DB::NAME != "PostgreSQL";
    let other = found(&scene, async {
        let read = if pets { PETS } else { PEOPLE };
        let _ = connection.fetch_all(query::<DB>(read, [])).await;
    });
    assert_eq!(other.await.err(), Some("another session"));
}

async fn a_task_is_followed_where_it_is_given_the_scope<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let found = found(&scene, async {
        let pool = scene.pool.clone();
        let task = async move {
            let rows = pool.fetch_all(query::<DB>(PEOPLE, [])).await;
            rows.map(drop)
        };
        let scope = Scope::current().unwrap();
        tokio::spawn(scope.run(task)).await.unwrap().unwrap();
    });
    assert_eq!(tables(&found.await.unwrap()), ["people"]);
}

async fn what_is_left_to_live_is_that_of_the_shortest<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let both = || async {
        for (sql, ttl) in [(PEOPLE, 60), (PETS, 20)] {
            let rows = read::<DB, Person>(sql, []).cached(&scene.pool);
            let rows = rows.ttl(Duration::from_secs(ttl));
            rows.fetch_all().await.unwrap();
        }
    };
    // No pets are there, and what is empty lives shorter.
    scene.behind("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    let first = found(&scene, both()).await.unwrap();
    assert_eq!(first.fresh_for, Some(Duration::from_secs(20)));
    scene.hand.advance(Duration::from_secs(15));
    let second = found(&scene, both()).await.unwrap();
    assert_eq!(second.fresh_for, Some(Duration::from_secs(5)));
}

async fn a_read_for_a_scope_of_the_user_is_for_some<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for scoped in [true, false] {
        let found = found(&scene, async {
            let rows = read::<DB, Person>(PEOPLE, []).cached(&scene.pool);
            match scoped {
                true => rows.scope("tenant 7").fetch_all().await.unwrap(),
                false => rows.fetch_all().await.unwrap(),
            };
        });
        assert_eq!(found.await.unwrap().scoped, scoped);
    }
}
