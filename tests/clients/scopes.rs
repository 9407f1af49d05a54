//! What a scope finds of the reads inside it: what they depend on, or why nobody can tell.

use std::{future::Future, time::Duration};

use cachedpool::{
    cache::{Found, Scope},
    inspect,
    tokio_postgres::GenericClient as _,
};

use crate::kit::{Scene, Setting, run};

const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";
const PETS: &str = "SELECT id, name FROM pets ORDER BY id";
const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

/// What is found of some work, or why not.
async fn found(scene: &Scene, work: impl Future<Output = ()>) -> Result<Found, &'static str> {
    let scope = inspect::scope(&scene.client);
    scope.run(work).await;
    scope.found().map_err(|why| why.0)
}

fn tables(found: &Found) -> Vec<&str> {
    let names = found.stamp.tags().names();
    names.map(|name| name.rsplit('.').next().unwrap()).collect()
}

#[tokio::test]
async fn reads_of_every_kind_are_found() {
    let scene = Scene::new().await;
    for _ in ["miss", "hit"] {
        let cached = found(&scene, async {
            scene.rows("people").await;
        });
        assert_eq!(tables(&cached.await.unwrap()), ["people"]);
    }
    let plain = found(&scene, async {
        let (one, all) = tokio::join!(
            scene.client.query_opt(PETS, &[]),
            scene.client.query(PEOPLE, &[]),
        );
        one.unwrap();
        all.unwrap();
    });
    assert_eq!(tables(&plain.await.unwrap()), ["people", "pets"]);
    let in_a_transaction = found(&scene, async {
        let mut connection = scene.client.get().await.unwrap();
        connection.query(PETS, &[]).await.unwrap();
        let mut tx = connection.transaction().await.unwrap();
        tx.query(PEOPLE, &[]).await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(tables(&in_a_transaction.await.unwrap()), ["people", "pets"]);
    let past_the_cache = found(&scene, async {
        let read = scene.client.cached(PEOPLE, &[]).bypass();
        read.query().await.unwrap();
    });
    assert_eq!(tables(&past_the_cache.await.unwrap()), ["people"]);
    let prepared = found(&scene, async {
        let statement = scene.client.prepare(PETS).await.unwrap();
        scene.client.query(&statement, &[]).await.unwrap();
    });
    assert_eq!(tables(&prepared.await.unwrap()), ["pets"]);
    let nothing = found(&scene, async {}).await.unwrap();
    assert_eq!((tables(&nothing), nothing.fresh_for), (vec![], None));
}

#[tokio::test]
async fn a_result_holds_until_what_it_was_made_of_is_written() {
    let scene = Scene::new().await;
    let all = found(&scene, async {
        scene.rows("people").await;
        scene.client.query(PETS, &[]).await.unwrap();
    });
    let all = all.await.unwrap();
    assert!(inspect::holds(&scene.client, &all));
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert!(!inspect::holds(&scene.client, &all));
    // Rows that the arguments tell are told apart.
    let one = "SELECT id, name FROM people WHERE id = $1";
    let one = found(&scene, async {
        scene.client.query(one, &[&1_i64]).await.unwrap();
    });
    let one = one.await.unwrap();
    scene
        .through("UPDATE people SET name = 'x' WHERE id = 2")
        .await;
    assert!(inspect::holds(&scene.client, &one));
    scene.through(RENAME).await;
    assert!(!inspect::holds(&scene.client, &one));
}

#[tokio::test]
async fn a_write_of_any_kind_is_refused() {
    let scene = Scene::new().await;
    let on_the_client = found(&scene, async {
        scene.through(RENAME).await;
    });
    assert_eq!(on_the_client.await.err(), Some("write"));
    let in_a_batch = found(&scene, async {
        scene.client.batch_execute(RENAME).await.unwrap();
    });
    assert_eq!(in_a_batch.await.err(), Some("write"));
    let in_a_transaction = found(&scene, async {
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, RENAME).await;
        tx.rollback().await.unwrap();
    });
    assert_eq!(in_a_transaction.await.err(), Some("write"));
    let with_a_token = found(&scene, async {
        let ran = scene.client.execute_with_token(RENAME, &[]).await;
        ran.unwrap();
    });
    assert_eq!(with_a_token.await.err(), Some("write"));
    let unseen = found(&scene, async {
        let mut connection = scene.client.get().await.unwrap();
        connection.unseen().await.unwrap();
    });
    assert_eq!(unseen.await.err(), Some("past the cache"));
}

#[tokio::test]
async fn a_read_that_nobody_can_follow_is_refused() {
    let scene = Setting::usual().connections(3).scene().await;
    let random = "SELECT id, name FROM people ORDER BY random()";
    let fails = "SELECT 1 / (id - 1) FROM people";
    for (sql, why) in [(random, "volatile_function"), (fails, "failed read")] {
        let cached = found(&scene, async {
            let _ = scene.client.cached(sql, &[]).query().await;
        });
        assert_eq!(cached.await.err(), Some(why));
        let plain = found(&scene, async {
            let _ = scene.client.query(sql, &[]).await;
        });
        assert_eq!(plain.await.err(), Some(why));
    }
    let never = found(&scene, async {
        let read = scene.client.cached(PEOPLE, &[]).ttl(Duration::ZERO);
        read.query().await.unwrap();
    });
    assert_eq!(never.await.err(), Some("zero_ttl"));
    let mut connection = scene.client.get().await.unwrap();
    run(&mut connection, "SET search_path TO pg_catalog, public").await;
    let other = found(&scene, async {
        connection.query(PEOPLE, &[]).await.unwrap();
    });
    assert_eq!(other.await.err(), Some("another session"));
    let mut tx = scene.client.transaction().await.unwrap();
    let inside = found(&scene, async {
        tx.query(PEOPLE, &[]).await.unwrap();
    });
    let unseen = "in a transaction that began unseen";
    assert_eq!(inside.await.err(), Some(unseen));
}

#[tokio::test]
async fn a_read_that_fails_before_it_is_sent_is_refused() {
    let scene = Scene::new().await;
    for sql in [
        "SELECT nothing FROM people",
        "SELECT id FROM people WHERE id = $1",
    ] {
        let plain = found(&scene, async {
            scene.client.query(sql, &[]).await.unwrap_err();
        });
        assert_eq!(plain.await.err(), Some("failed read"), "{sql}");
        let cached = found(&scene, async {
            scene.client.cached(sql, &[]).query().await.unwrap_err();
        });
        assert_eq!(cached.await.err(), Some("failed read"), "{sql}");
    }
}

#[tokio::test]
async fn a_transaction_counts_as_of_its_beginning() {
    let scene = Setting::usual().connections(2).scene().await;
    let late = found(&scene, async {
        let mut tx = scene.client.transaction().await.unwrap();
        tx.query(PETS, &[]).await.unwrap();
        // By another request meanwhile, outside of this scope.
        let client = scene.client.clone();
        let rename = async move { client.execute(RENAME, &[]).await };
        tokio::spawn(rename).await.unwrap().unwrap();
        tx.query(PEOPLE, &[]).await.unwrap();
    });
    let why = "a write came after the transaction began";
    assert_eq!(late.await.err(), Some(why));
}

#[tokio::test]
async fn a_task_is_followed_where_it_is_given_the_scope() {
    let scene = Scene::new().await;
    let found = found(&scene, async {
        let client = scene.client.clone();
        let task = async move { client.query(PEOPLE, &[]).await.map(drop) };
        let scope = Scope::current().unwrap();
        tokio::spawn(scope.run(task)).await.unwrap().unwrap();
    });
    assert_eq!(tables(&found.await.unwrap()), ["people"]);
}
