//! What is the same read, and what is not.

use cachedpool::{CacheExt as _, Source};

use crate::kit::{Number, Person, Scene, Server, TestDatabase, Value, read, run};

tests!(sqlite, postgres, mariadb => [
    arguments_are_told_apart_by_type_value_order_and_border,
    literals_are_told_apart,
    white_space_comments_and_the_case_of_keywords_do_not_matter,
    the_case_of_names_matters_where_it_does_to_the_database,
    rows_of_different_types_do_not_mix,
    all_rows_and_the_first_row_do_not_mix,
    columns_of_one_type_in_another_order_do_not_mix,
]);

/// Where a read with these arguments gets its answer.
async fn source<DB: TestDatabase>(scene: &Scene<DB>, sql: &str, values: &[Value]) -> Source {
    // PostgreSQL keeps a prepared statement with the types of its first arguments.
    let read = read::<DB, Person>(sql, values.iter().cloned()).persistent(false);
    read.cached(&scene.pool)
        .fetch_all_shared()
        .await
        .unwrap_or_else(|error| panic!("{sql} {values:?}: {error}"))
        .source()
}

async fn arguments_are_told_apart_by_type_value_order_and_border<DB: TestDatabase>() {
    use Value::*;
    let scene = Scene::<DB>::new().await;
    let text = |text: &str| Text(text.into());
    let singles = [
        Int(0),
        Int(7),
        Int(-7),
        Int(0x37),
        Float(7.0),
        Float(f64::from_bits(7)),
        Float(0.0),
        text("7"),
        text(""),
        text("0"),
        text("NULL"),
        text("Int64(7)"),
        Bytes(b"7".to_vec()),
        Bytes(vec![]),
        Bytes(7_i64.to_be_bytes().to_vec()),
        Bytes(7_i64.to_le_bytes().to_vec()),
        NoInt,
        NoText,
    ];
    let one = "SELECT id, name FROM people WHERE $1 IS NOT NULL OR id = 1";
    let mut asked = Vec::new();
    for value in singles {
        if DB::SERVER == Server::Sqlite && matches!(value, NoText) {
            // There, NULL has no type.
            continue;
        }
        asked.push((one, vec![value]));
    }
    let pairs = [
        [text("ab"), text("c")],
        [text("a"), text("bc")],
        [text("abc"), text("")],
        [text(""), text("abc")],
        [text("abc"), NoText],
        [NoText, text("abc")],
        [NoText, NoText],
        [Int(1), Int(2)],
        [Int(2), Int(1)],
        [Int(1), NoInt],
        [NoInt, Int(1)],
        [Bytes(b"ab".to_vec()), text("c")],
        [text("ab"), Bytes(b"c".to_vec())],
        [text("a\", Text(\"b"), text("c")],
        [text("buffer"), text(", buffer: ")],
    ];
    let two = "SELECT id, name FROM people WHERE $1 IS NOT NULL OR $2 IS NOT NULL OR id = 1";
    for values in pairs {
        asked.push((two, values.to_vec()));
    }
    for (sql, values) in &asked {
        assert_eq!(
            source(&scene, sql, values).await,
            Source::Database,
            "{values:?}"
        );
    }
    for (sql, values) in &asked {
        assert_eq!(
            source(&scene, sql, values).await,
            Source::Local,
            "{values:?}"
        );
    }
    // Many more, told apart by one bit of length or content.
    for length in [254, 255, 256, 257, 65_535, 65_536] {
        for last in ["x", "y"] {
            let long = [text(&("x".repeat(length) + last))];
            assert_eq!(
                source(&scene, one, &long).await,
                Source::Database,
                "{length}"
            );
            assert_eq!(source(&scene, one, &long).await, Source::Local, "{length}");
        }
    }
}

async fn literals_are_told_apart<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
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

async fn white_space_comments_and_the_case_of_keywords_do_not_matter<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let first = "SELECT id, name FROM people WHERE id = $1";
    assert_eq!(source(&scene, first, &[1.into()]).await, Source::Database);
    for sql in [
        "select id, name from people where id = $1",
        "  SELECT id,name\n\tFROM people   WHERE id=$1 ",
        "SELECT id, name FROM people WHERE id = $1;",
        "SELECT id, name FROM people WHERE id = $1 /* traceparent='00-0af7651916cd43dd-01' */",
        "SELECT id, name FROM people WHERE id = $1 /* traceparent='00-ffffffffffffffff-01' */",
        "/* of one page */ SELECT /* x */ id, name -- y\nFROM people WHERE id = $1",
        "SELECT ID, Name FROM People WHERE Id = $1",
    ] {
        if DB::SERVER != Server::Postgres && sql.contains("ID") {
            // There, the result's columns are named as the query spells them.
            continue;
        }
        assert_eq!(
            source(&scene, sql, &[1.into()]).await,
            Source::Local,
            "{sql}"
        );
    }
    assert_eq!(scene.pool.stats().loads, 1);
}

async fn the_case_of_names_matters_where_it_does_to_the_database<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let upper = match DB::SERVER {
        Server::Sqlite => {
            // SQLite never tells them apart, quoted or not.
            scene.warm().await;
            scene.through("DELETE FROM \"PEOPLE\" WHERE id = 1").await;
            return scene.assert_true("after a write under another case").await;
        }
        Server::Postgres => "\"PEOPLE\"",
        Server::MariaDb => "PEOPLE",
    };
    scene
        .behind(&format!(
            "CREATE TABLE {upper} (id BIGINT, name VARCHAR(9))"
        ))
        .await;
    scene
        .behind(&format!("INSERT INTO {upper} VALUES (5, 'other')"))
        .await;
    let ids = async |table: &str| {
        let sql = format!("SELECT id, name FROM {table} ORDER BY id");
        let read = read::<DB, Person>(&sql, []).cached(&scene.pool);
        read.fetch_all()
            .await
            .unwrap()
            .iter()
            .map(|row| row.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("people").await, [1, 2]);
    assert_eq!(ids(upper).await, [5]);
    assert_eq!(ids("people").await, [1, 2]);
    scene.through(&format!("DELETE FROM {upper}")).await;
    assert_eq!(ids(upper).await, [0; 0]);
    scene.assert_true("after a write to one of them").await;
}

async fn rows_of_different_types_do_not_mix<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let sql = "SELECT id, name FROM people ORDER BY id";
    for _ in ["miss", "hit"] {
        let people = read::<DB, Person>(sql, [])
            .cached(&scene.pool)
            .fetch_all()
            .await;
        assert_eq!(people.unwrap()[1].name.as_deref(), Some("Bob"));
        let numbers = read::<DB, Number>(sql, [])
            .cached(&scene.pool)
            .fetch_all()
            .await;
        assert_eq!(numbers.unwrap(), [Number(1), Number(2)]);
    }
    assert_eq!(scene.pool.stats().loads, 2);
}

async fn all_rows_and_the_first_row_do_not_mix<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let people =
        || read::<DB, Person>("SELECT id, name FROM people ORDER BY id", []).cached(&scene.pool);
    for _ in ["miss", "hit"] {
        assert_eq!(people().fetch_optional().await.unwrap().unwrap().id, 1);
        assert_eq!(people().fetch_all().await.unwrap().len(), 2);
        assert_eq!(people().fetch_one().await.unwrap().id, 1);
    }
    assert_eq!(scene.pool.stats().loads, 2);
}

async fn columns_of_one_type_in_another_order_do_not_mix<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.behind("INSERT INTO pets VALUES (3, 4, 'Rex')").await;
    let number = async |sql: &str| {
        read::<DB, Number>(sql, [])
            .cached(&scene.pool)
            .fetch_one()
            .await
            .unwrap()
            .0
    };
    for _ in ["miss", "hit"] {
        assert_eq!(number("SELECT id, owner FROM pets").await, 3);
        assert_eq!(number("SELECT owner, id FROM pets").await, 4);
    }
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "UPDATE pets SET id = 5, owner = 6").await;
    assert_eq!(number("SELECT id, owner FROM pets").await, 5);
    assert_eq!(number("SELECT owner, id FROM pets").await, 6);
}
