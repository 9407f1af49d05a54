//! What is the same read, and what is not.

use cachedpool::{Source, tokio_postgres::GenericClient as _};
use tokio_postgres::types::ToSql;

use crate::kit::{Scene, Setting};

/// Where a read with these arguments gets its answer.
async fn source(scene: &Scene, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Source {
    let rows = scene.client.cached(sql, values).query_shared().await;
    rows.unwrap_or_else(|error| panic!("{sql} {values:?}: {error:?}"))
        .source()
}

#[tokio::test]
async fn arguments_are_told_apart_by_value_order_and_border() {
    let scene = Scene::new().await;
    let none = None::<&str>;
    let one = "SELECT id FROM people WHERE $1::text IS NOT NULL OR id = 1";
    let singles: &[&(dyn ToSql + Sync)] = &[&"7", &"", &"0", &"NULL", &"a", &"a\u{1}", &none];
    let two = "SELECT id FROM people WHERE $1::text IS NOT NULL OR $2::text IS NOT NULL OR id = 1";
    let pairs: &[[&(dyn ToSql + Sync); 2]] = &[
        [&"ab", &"c"],
        [&"a", &"bc"],
        [&"abc", &""],
        [&"", &"abc"],
        [&"abc", &none],
        [&none, &"abc"],
        [&none, &none],
        [&"", &none],
        [&none, &""],
        [&"", &""],
    ];
    for expected in [Source::Database, Source::Local] {
        for value in singles {
            assert_eq!(source(&scene, one, &[*value]).await, expected, "{value:?}");
        }
        for values in pairs {
            assert_eq!(source(&scene, two, values).await, expected, "{values:?}");
        }
        // Told apart by one bit of length or content.
        for length in [254, 255, 256, 257, 65_535, 65_536] {
            for last in ["x", "y"] {
                let long = "x".repeat(length) + last;
                assert_eq!(source(&scene, one, &[&long]).await, expected, "{length}");
            }
        }
    }
}

#[tokio::test]
async fn arguments_are_told_apart_by_type() {
    let scene = Scene::new().await;
    // Four bytes, all the same, under three types.
    let texts = ["int", "real", "bytea"].map(|kind| {
        let sql = format!("SELECT id FROM people WHERE $1::{kind} IS NOT NULL");
        (kind, sql)
    });
    let seven = f32::from_bits(7);
    let values: [&(dyn ToSql + Sync); 3] = [&7_i32, &seven, &[0_u8, 0, 0, 7].as_slice()];
    for expected in [Source::Database, Source::Local] {
        for ((kind, sql), value) in texts.iter().zip(values) {
            assert_eq!(source(&scene, sql, &[value]).await, expected, "{kind}");
        }
    }
    // And in one text, whose parameter has another type after a change of the table.
    let scene = Scene::new().await;
    let sql = "SELECT id FROM people WHERE id = $1";
    let row = scene
        .client
        .cached(sql, &[&1_i64])
        .query_one()
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    scene
        .through("ALTER TABLE people ALTER COLUMN id TYPE int")
        .await;
    assert_eq!(source(&scene, sql, &[&1_i32]).await, Source::Database);
    let row = scene
        .client
        .cached(sql, &[&1_i32])
        .query_one()
        .await
        .unwrap();
    assert_eq!(row.get::<_, i32>(0), 1);
    assert!(scene.client.cached(sql, &[&1_i64]).query().await.is_err());
}

#[tokio::test]
async fn literals_are_told_apart() {
    let scene = Scene::new().await;
    for sql in [
        "SELECT id, name FROM people WHERE id = 1",
        "SELECT id, name FROM people WHERE id = 2",
        "SELECT id, name FROM people WHERE name = 'Ada'",
        "SELECT id, name FROM people WHERE name = 'ada'",
        "SELECT id, name FROM people WHERE name = 'A  da'",
        "SELECT id, name FROM people WHERE name = 'A da'",
        "SELECT id, name FROM people WHERE name = 'A/* x */da'",
        "SELECT id, name FROM people WHERE name = 'A--x'",
        "SELECT id, name FROM people WHERE name = ''''",
        "SELECT id, name FROM people WHERE name = ''",
    ] {
        assert_eq!(source(&scene, sql, &[]).await, Source::Database, "{sql}");
        assert_eq!(source(&scene, sql, &[]).await, Source::Local, "{sql}");
    }
}

#[tokio::test]
async fn white_space_comments_and_the_case_of_keywords_do_not_matter() {
    let scene = Scene::new().await;
    let first = "SELECT id, name FROM people WHERE id = $1";
    assert_eq!(source(&scene, first, &[&1_i64]).await, Source::Database);
    for sql in [
        "select id, name from people where id = $1",
        "  SELECT id,name\n\tFROM people   WHERE id=$1 ",
        "SELECT id, name FROM people WHERE id = $1;",
        "SELECT id, name FROM people WHERE id = $1 /* traceparent='00-0af7651916cd43dd-01' */",
        "/* of one page */ SELECT /* x */ id, name -- y\nFROM people WHERE id = $1",
        "SELECT ID, Name FROM People WHERE Id = $1",
    ] {
        assert_eq!(source(&scene, sql, &[&1_i64]).await, Source::Local, "{sql}");
    }
    assert_eq!(scene.client.stats().loads, 1);
}

#[tokio::test]
async fn a_text_and_what_was_prepared_of_it_are_one_read() {
    let scene = Setting::usual().connections(2).scene().await;
    let sql = "SELECT id, name FROM people WHERE id = $1";
    let prepared = scene.client.prepare(sql).await.unwrap();
    assert_eq!(prepared.params(), [tokio_postgres::types::Type::INT8]);
    let names: Vec<_> = prepared
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    assert_eq!(names, ["id", "name"]);
    let read = async || {
        let read = scene.client.cached(&prepared, &[&1_i64]);
        read.query_shared().await.unwrap()
    };
    assert_eq!(source(&scene, sql, &[&1_i64]).await, Source::Database);
    assert_eq!(read().await.source(), Source::Local);
    scene
        .through("UPDATE people SET name = 'Eve' WHERE id = 1")
        .await;
    let fresh = read().await;
    assert_eq!(fresh.source(), Source::Database);
    assert_eq!(fresh[0].get::<_, &str>("name"), "Eve");
    assert_eq!(source(&scene, sql, &[&1_i64]).await, Source::Local);
    assert_eq!(source(&scene, sql, &[&2_i64]).await, Source::Database);
}

#[tokio::test]
async fn the_case_of_quoted_names_matters() {
    let scene = Scene::new().await;
    scene
        .behind("CREATE TABLE \"PEOPLE\" (id BIGINT, name VARCHAR(9))")
        .await;
    scene
        .behind("INSERT INTO \"PEOPLE\" VALUES (5, 'other')")
        .await;
    let ids = async |table: &str| -> Vec<i64> {
        let people = scene.rows(table).await.into_iter();
        people.map(|person| person.id).collect()
    };
    assert_eq!(ids("people").await, [1, 2]);
    assert_eq!(ids("\"PEOPLE\"").await, [5]);
    assert_eq!(ids("people").await, [1, 2]);
    scene.through("DELETE FROM \"PEOPLE\"").await;
    assert_eq!(ids("\"PEOPLE\"").await, [0; 0]);
    scene.assert_true("after a write to one of them").await;
}

#[tokio::test]
async fn columns_of_one_type_in_another_order_do_not_mix() {
    let scene = Scene::new().await;
    scene.behind("INSERT INTO pets VALUES (3, 4, 'Rex')").await;
    let number = async |sql: &str| -> i64 {
        let row = scene.client.cached(sql, &[]).query_one().await;
        row.unwrap().get(0)
    };
    for _ in ["miss", "hit"] {
        assert_eq!(number("SELECT id, owner FROM pets").await, 3);
        assert_eq!(number("SELECT owner, id FROM pets").await, 4);
    }
    scene.through("UPDATE pets SET id = 5, owner = 6").await;
    assert_eq!(number("SELECT id, owner FROM pets").await, 5);
    assert_eq!(number("SELECT owner, id FROM pets").await, 6);
}
