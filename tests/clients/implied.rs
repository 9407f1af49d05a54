//! What a statement changes and needs without naming it: by the catalog that the client reads over its own driver.

use cachedpool::{Source, tokio_postgres::GenericClient as _};

use crate::kit::{Scene, Setting, bare};

const CASCADE: &str =
    "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES people ON DELETE CASCADE";
const NOTE: &str = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
    'BEGIN INSERT INTO pets VALUES (new.id, new.id, ''of '' || new.name); RETURN new; END'";
const NOTED: &str =
    "CREATE TRIGGER noted AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION note()";
const VIEW: &str =
    "CREATE VIEW owners AS SELECT p.id, p.name FROM people p JOIN pets ON pets.owner = p.id";

/// That pets are right after a statement which changes them, each time.
async fn changes_pets(scene: &Scene, statement: &str) {
    scene.warm().await;
    let before = scene.truth("pets").await;
    scene.through(statement).await;
    assert_ne!(scene.truth("pets").await, before, "{statement}");
    scene.assert_true(statement).await;
}

#[tokio::test]
async fn a_cascade_is_noticed() {
    let scene = Setting::usual()
        .with([
            CASCADE,
            "INSERT INTO pets VALUES (1, 1, 'Rex'), (2, 2, 'Tom')",
        ])
        .scene()
        .await;
    changes_pets(&scene, "DELETE FROM people WHERE id = 1").await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    tx.execute("DELETE FROM people WHERE id = $1", &[&2_i64])
        .await
        .unwrap();
    assert_eq!(scene.source("pets").await, Source::Local);
    tx.commit().await.unwrap();
    assert_eq!(scene.rows("pets").await, []);
}

#[tokio::test]
async fn a_trigger_that_came_by_the_client_is_noticed() {
    let scene = Scene::new().await;
    scene.warm().await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(scene.source("pets").await, Source::Local);
    for define in [NOTE, NOTED] {
        scene.through(define).await;
    }
    changes_pets(&scene, "INSERT INTO people VALUES (4, 'Zoe')").await;
    scene.through("DROP TRIGGER noted ON people").await;
    scene.warm().await;
    scene.through("INSERT INTO people VALUES (5, 'Una')").await;
    assert_eq!(scene.source("pets").await, Source::Local);
}

#[tokio::test]
async fn a_view_depends_on_what_is_behind_it() {
    let scene = Setting::usual().with([VIEW]).scene().await;
    let sql = "SELECT id, name FROM owners ORDER BY id";
    let tags = scene.client.explain(sql).tags;
    assert_eq!(bare(&tags), ["owners", "people", "pets"]);
    for statement in [
        "INSERT INTO pets VALUES (1, 1, 'Rex')",
        "UPDATE people SET name = 'Eve' WHERE id = 1",
        "CREATE OR REPLACE VIEW owners AS SELECT id, name FROM people",
    ] {
        let before = scene.rows("owners").await;
        assert_eq!(scene.source("owners").await, Source::Local);
        scene.through(statement).await;
        assert_ne!(scene.rows("owners").await, before, "{statement}");
        assert_eq!(scene.rows("owners").await, scene.truth("owners").await);
    }
}

#[tokio::test]
async fn rows_that_are_told_by_a_key_are_told_apart() {
    let scene = Scene::new().await;
    let sql = "SELECT name FROM people WHERE id = $1";
    let prepared = scene.client.prepare(sql).await.unwrap();
    let source = async |id: i64| {
        let rows = scene.client.cached(&prepared, &[&id]).query_shared().await;
        rows.unwrap().source()
    };
    let update = "UPDATE people SET name = 'x' WHERE id = $1";
    for id in [1, 2] {
        source(id).await;
        assert_eq!(source(id).await, Source::Local);
    }
    scene.client.execute(update, &[&2_i64]).await.unwrap();
    assert_eq!(source(1).await, Source::Local);
    assert_eq!(source(2).await, Source::Database);
    let mut tx = scene.client.transaction().await.unwrap();
    tx.execute(update, &[&1_i64]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(source(2).await, Source::Local);
    assert_eq!(source(1).await, Source::Database);
    // A key that is moved from one row to another is both.
    for id in [1, 2, 3] {
        source(id).await;
    }
    let moved = "UPDATE people SET id = $2 WHERE id = $1";
    scene
        .client
        .execute(moved, &[&2_i64, &3_i64])
        .await
        .unwrap();
    assert_eq!(source(2).await, Source::Database);
    assert_eq!(source(3).await, Source::Database);
}
