//! What is known of statements outlives no change of what they are about: definitions change from inside and from outside.

use cachedpool::{
    Source,
    tokio_postgres::{Error, GenericClient as _},
};
use tokio_postgres::types::Type;

use crate::kit::{Scene, Setting, run};

const ONE: &str = "SELECT name FROM people WHERE id = $1";
const RETYPE: &str = "ALTER TABLE people ALTER COLUMN id TYPE text";

/// Who may have changed the definitions.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Own,
    Foreign,
}

async fn define(scene: &Scene, whose: Whose, sql: &str) {
    match whose {
        Whose::Own => scene.through(sql).await,
        Whose::Foreign => scene.behind(sql).await,
    };
}

#[tokio::test]
async fn a_parameter_that_has_another_type_by_now_is_asked_for_again() {
    for whose in [Whose::Own, Whose::Foreign] {
        let scene = Setting::usual().connections(2).scene().await;
        let cached = |sql| scene.client.cached(sql, &[&1_i64]).query_one();
        assert_eq!(cached(ONE).await.unwrap().get::<_, &str>(0), "Ada");
        let plain = scene.client.query_one(ONE, &[&2_i64]).await.unwrap();
        assert_eq!(plain.get::<_, &str>(0), "Bob");

        define(&scene, whose, RETYPE).await;
        let row = scene.client.cached(ONE, &[&"2"]).query_one().await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Bob", "{whose:?}");
        let row = scene.client.query_one(ONE, &[&"1"]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Ada", "{whose:?}");
        let mut connection = scene.client.get().await.unwrap();
        let row = connection.query_one(ONE, &[&"1"]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Ada", "{whose:?}");
        // What was right before is the caller's mistake now, which is told and not repeated.
        let wrong = scene.client.query_one(ONE, &[&1_i64]).await;
        assert!(wrong.is_err(), "{whose:?}");
        assert_eq!(
            scene
                .client
                .execute("UPDATE people SET name = 'x' WHERE id = $1", &[&"1"])
                .await
                .unwrap(),
            1
        );
        scene.client.reload_schema().await.unwrap();
        let row = scene.client.cached(ONE, &[&"1"]).query_one().await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "x", "{whose:?}");
    }
}

#[tokio::test]
async fn a_wrong_guess_of_types_is_mended_for_reads_and_never_made_for_writes() {
    let scene = Scene::new().await;
    let update = "UPDATE people SET name = 'x' WHERE id = $1";
    assert_eq!(scene.client.execute(update, &[&9_i64]).await.unwrap(), 0);
    scene.client.query(ONE, &[&1_i64]).await.unwrap();
    // From here on a number is right for the client and wrong for the server.
    scene.behind(RETYPE).await;
    let read = scene.client.query(ONE, &[&1_i64]).await.unwrap_err();
    let read_again = scene.client.query(ONE, &[&1_i64]).await.unwrap_err();
    let write = scene.client.execute(update, &[&1_i64]).await.unwrap_err();
    for error in [read, read_again, write] {
        // Of the types as they are.
        assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    }
    assert_eq!(scene.client.execute(update, &[&"1"]).await.unwrap(), 1);
    let aside = scene.aside.get().await.unwrap();
    let row = aside.query_one(ONE, &[&"1"]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "x");
}

#[tokio::test]
async fn what_can_write_is_never_run_twice() {
    // No rollback takes the number back.
    let scene = Setting::usual()
        .with(["CREATE SEQUENCE drawn"])
        .scene()
        .await;
    let draw =
        "INSERT INTO pets (id) SELECT d + 0 / ($1::bigint + d - d) FROM nextval('drawn') AS d";
    let drawn = async || {
        let last = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM drawn";
        let connection = scene.aside.get().await.unwrap();
        connection.query_one(last, &[]).await.unwrap().get(0)
    };
    // Learns the types.
    assert_eq!(scene.client.execute(draw, &[&1_i64]).await.unwrap(), 1);
    let mut times: i64 = 1;
    for _ in 0..3 {
        // An error such as a wrong guess of types can bring.
        let cached = scene.client.cached(draw, &[&0_i64]).query().await.map(drop);
        times += 1;
        assert_eq!((drawn().await, cached.is_err()), (times, true));
        scene.client.execute(draw, &[&1_i64]).await.unwrap();
        let plain = scene.client.execute(draw, &[&0_i64]).await.map(drop);
        times += 2;
        assert_eq!((drawn().await, plain.is_err()), (times, true));
        scene.client.execute(draw, &[&1_i64]).await.unwrap();
        let mut connection = scene.client.get().await.unwrap();
        let error = connection.query(draw, &[&0_i64]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22012");
        times += 2;
        assert_eq!(drawn().await, times);
        scene.client.execute(draw, &[&1_i64]).await.unwrap();
        times += 1;
    }
}

#[tokio::test]
async fn a_result_that_has_another_type_by_now_is_answered_with_it() {
    for whose in [Whose::Own, Whose::Foreign] {
        let scene = Setting::usual().connections(2).scene().await;
        let sql = "SELECT * FROM people WHERE name = $1";
        let bob = async || {
            let row = scene.client.query_one(sql, &[&"Bob"]).await.unwrap();
            (row.len(), row.columns()[0].type_().clone())
        };
        let prepared = scene.client.prepare(sql).await.unwrap();
        let again = async || {
            let row = scene.client.query_one(&prepared, &[&"Bob"]).await.unwrap();
            (row.len(), row.columns()[0].type_().clone())
        };
        // On each connection.
        let held = scene.client.get().await.unwrap();
        assert_eq!(
            (bob().await, again().await),
            ((2, Type::INT8), (2, Type::INT8))
        );
        drop(held);
        for _ in 0..3 {
            assert_eq!(again().await, (2, Type::INT8));
        }
        define(&scene, whose, "ALTER TABLE people ADD COLUMN age INT").await;
        define(&scene, whose, "ALTER TABLE people ALTER COLUMN id TYPE int").await;
        for _ in 0..3 {
            assert_eq!(bob().await, (3, Type::INT4), "{whose:?}");
            assert_eq!(again().await, (3, Type::INT4), "{whose:?}");
        }
        let write = "UPDATE people SET age = 7 WHERE name = $1 RETURNING *";
        let prepared = scene.client.prepare(write).await.unwrap();
        let row = scene.client.query_one(&prepared, &[&"Bob"]).await.unwrap();
        assert_eq!(row.get::<_, i32>("age"), 7);
        define(&scene, whose, "ALTER TABLE people DROP COLUMN age").await;
        define(&scene, whose, "ALTER TABLE people ADD COLUMN age BIGINT").await;
        let row = scene.client.query_one(&prepared, &[&"Bob"]).await;
        assert!(row.is_ok(), "{whose:?}: {row:?}");
        scene.client.reload_schema().await.unwrap();
        let cached = scene.client.cached(sql, &[&"Bob"]).query_one().await;
        assert_eq!(cached.unwrap().get::<_, i64>("age"), 7);
    }
}

#[tokio::test]
async fn a_prepared_statement_in_a_transaction_that_cannot_serve_any_more_is_told_in_the_servers_words()
 {
    let scene = Setting::usual().connections(1).scene().await;
    let all = "SELECT * FROM people ORDER BY id";
    let prepared = scene.client.prepare(all).await.unwrap();
    assert_eq!(scene.client.query(&prepared, &[]).await.unwrap().len(), 2);
    scene.behind("ALTER TABLE people ADD COLUMN age INT").await;
    let mut tx = scene.client.transaction().await.unwrap();
    let error = tx.query(&prepared, &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "0A000");
    tx.rollback().await.unwrap();
    let mut tx = scene.client.transaction().await.unwrap();
    assert_eq!(tx.query(&prepared, &[]).await.unwrap()[0].len(), 3);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_prepared_statement_that_was_deallocated_is_prepared_again() {
    let scene = Setting::usual().connections(1).scene().await;
    let prepared = scene.client.prepare(ONE).await.unwrap();
    for sql in ["DEALLOCATE ALL", "DISCARD ALL"] {
        let row = scene.client.query_one(&prepared, &[&1_i64]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Ada");
        let mut connection = scene.client.get().await.unwrap();
        run(&mut connection, sql).await;
        let row = connection.query_one(&prepared, &[&2_i64]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Bob", "{sql}");
        drop(connection);
        let row = scene.client.query_one(&prepared, &[&2_i64]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "Bob", "{sql}");
    }
}

#[tokio::test]
async fn definitions_invalidate_what_they_define() {
    let scene = Scene::new().await;
    let exists = async || {
        let read = scene.client.cached("SELECT count(*) FROM extra", &[]);
        read.query_one().await.ok().map(|row| row.get::<_, i64>(0))
    };
    scene
        .through("CREATE TABLE extra AS SELECT id, name FROM people")
        .await;
    assert_eq!(exists().await, Some(2));
    scene.through("DROP TABLE extra").await;
    assert_eq!(exists().await, None);
    scene
        .through("CREATE TABLE extra AS SELECT id, name FROM people WHERE id = 1")
        .await;
    assert_eq!(exists().await, Some(1));
    scene.through("ALTER TABLE extra RENAME TO other").await;
    assert_eq!(exists().await, None);
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "CREATE TABLE extra AS SELECT id, name FROM people").await;
    assert_eq!(exists().await, None);
    tx.commit().await.unwrap();
    assert_eq!(exists().await, Some(2));
    scene.assert_true("after all").await;
}

#[tokio::test]
async fn a_text_is_asked_for_its_types_once() {
    let scene = Setting::usual().connections(1).proxied().scene().await;
    scene.client.query(ONE, &[&1_i64]).await.unwrap();
    let cached = async |id: i64| {
        let rows = scene.client.cached(ONE, &[&id]).query_shared().await;
        rows.unwrap().source()
    };
    assert_eq!(cached(1).await, Source::Database);
    // With the server gone a hit needs nobody, and its types are known.
    scene.proxy().cut();
    assert_eq!(cached(1).await, Source::Local);
    assert!(scene.client.cached(ONE, &[&2_i64]).query().await.is_err());
}

#[tokio::test]
async fn statements_of_any_kind_run_on_each_kind_of_client() {
    let scene = Setting::usual().connections(2).scene().await;
    let client = &scene.client;
    let mut connection = client.get().await.unwrap();
    let prepared = connection.prepare(ONE).await.unwrap();
    let row = connection.query_one(&prepared, &[&1_i64]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "Ada");
    let typed = connection.query_typed(ONE, &[(&2_i64, Type::INT8)]).await;
    assert_eq!(typed.unwrap()[0].get::<_, &str>(0), "Bob");
    let mut tx = connection.transaction().await.unwrap();
    let inside = tx.prepare("SELECT count(*) FROM people").await.unwrap();
    assert_eq!(
        tx.query_one(&inside, &[]).await.unwrap().get::<_, i64>(0),
        2
    );
    tx.batch_execute("DELETE FROM people; SELECT 1; INSERT INTO people VALUES (5, 'Eve')")
        .await
        .unwrap();
    assert_eq!(
        tx.query_one(&inside, &[]).await.unwrap().get::<_, i64>(0),
        1
    );
    tx.commit().await.unwrap();
    scene.assert_true("after the commit").await;
    // How many rows: of a read those that it gave, of a statement without any none.
    assert_eq!(
        client
            .execute("SELECT generate_series(1, 3)", &[])
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        client
            .execute("CREATE TABLE more (id INT)", &[])
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        client
            .execute("INSERT INTO more VALUES (1), (2)", &[])
            .await
            .unwrap(),
        2
    );
    assert_eq!(client.execute("", &[]).await.unwrap(), 0);
    client.batch_execute("").await.unwrap();
    let several = client
        .execute("DELETE FROM more; SELECT 1", &[])
        .await
        .unwrap_err();
    assert_eq!(several.code().unwrap().code(), "42601");
}
