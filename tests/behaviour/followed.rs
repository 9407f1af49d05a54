//! How far foreign keys and triggers are followed, and no farther.

use cachedpool::{CacheExt as _, Source};

use crate::kit::{Person, Scene, Server, Setting, TestDatabase, read};

tests!(sqlite, postgres, mariadb => [
    an_update_cascades_only_if_it_assigns_what_is_referred_to,
    what_foreign_keys_do_when_a_row_goes_is_seen_in_all_tables_below,
    rows_are_told_apart_where_triggers_run_afterwards_and_elsewhere,
]);
tests!(only mariadb => [a_bare_name_in_a_body_is_one_of_its_own_database]);
tests!(only sqlite => [a_statement_that_replaces_has_its_triggers_replace]);

async fn an_update_cascades_only_if_it_assigns_what_is_referred_to<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE TABLE homes (id BIGINT PRIMARY KEY, town BIGINT UNIQUE, name VARCHAR(9))",
            "CREATE TABLE rooms (id BIGINT PRIMARY KEY, name VARCHAR(9), home BIGINT, \
             FOREIGN KEY (home) REFERENCES homes (town) ON UPDATE CASCADE)",
            "CREATE TABLE lamps (id BIGINT PRIMARY KEY, name VARCHAR(9), home BIGINT, \
             FOREIGN KEY (home) REFERENCES homes (id) ON UPDATE SET NULL)",
            "INSERT INTO homes VALUES (7, 70, 'hut')",
            "INSERT INTO rooms VALUES (1, 'hall', 70)",
            "INSERT INTO lamps VALUES (1, 'old', 7)",
        ])
        .scene()
        .await;
    for (sql, reached) in [
        ("UPDATE homes SET name = 'house'", &["homes"][..]),
        ("UPDATE homes SET name = 'h' WHERE id = 7", &["homes"]),
        ("UPDATE homes SET town = 71", &["homes", "rooms"]),
        ("UPDATE homes SET name = 'x', ID = 8", &["homes", "lamps"]),
        ("DELETE FROM homes", &["homes"]),
    ] {
        let effects = scene.pool.explain(sql).effects.unwrap();
        let names = effects.relations.iter().map(|(name, _)| &*name.name);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        assert_eq!(names, reached, "{sql}");
    }
    let homes = "SELECT home AS id, name FROM";
    let through = async |table: &str| {
        let sql = format!("{homes} {table}");
        let rows = read::<DB, Person>(&sql, []).cached(&scene.pool).fetch_all();
        rows.await.unwrap()[0].id
    };
    assert_eq!(through("rooms").await, 70);
    scene.through("UPDATE homes SET town = 71").await;
    assert_eq!(through("rooms").await, 71);
}

/// On MySQL and MariaDB the engine does it below the log: no row event tells of it, so only the catalog does.
async fn what_foreign_keys_do_when_a_row_goes_is_seen_in_all_tables_below<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE TABLE homes (id BIGINT PRIMARY KEY, name VARCHAR(9))",
            "CREATE TABLE rooms (id BIGINT PRIMARY KEY, name VARCHAR(9), home BIGINT, \
             FOREIGN KEY (home) REFERENCES homes (id) ON DELETE CASCADE ON UPDATE CASCADE)",
            "CREATE TABLE lamps (id BIGINT PRIMARY KEY, name VARCHAR(9), room BIGINT, \
             FOREIGN KEY (room) REFERENCES rooms (id) ON DELETE SET NULL)",
            "INSERT INTO homes VALUES (7, 'hut'), (8, 'house')",
            "INSERT INTO rooms VALUES (1, 'hall', 7), (2, 'attic', 8)",
            "INSERT INTO lamps VALUES (1, 'old', 1), (2, 'new', 2)",
        ])
        .scene()
        .await;
    let lit = "SELECT id, name FROM lamps WHERE room IS NOT NULL";
    let of_seven = "SELECT id, name FROM rooms WHERE home = 7";
    let count = async |sql: &str| {
        let rows = read::<DB, Person>(sql, []).cached(&scene.pool);
        let rows = rows.fetch_all_shared().await.unwrap();
        (rows.len(), rows.source())
    };
    for sql in [lit, of_seven] {
        count(sql).await;
        assert_eq!(count(sql).await.1, Source::Local, "{sql}");
    }
    scene.through("DELETE FROM homes WHERE id = 7").await;
    assert_eq!(count(of_seven).await.0, 0);
    assert_eq!(count(lit).await.0, 1);
    scene.through("UPDATE homes SET id = 7 WHERE id = 8").await;
    assert_eq!(count(of_seven).await.0, 1);
}

async fn rows_are_told_apart_where_triggers_run_afterwards_and_elsewhere<DB: TestDatabase>() {
    let trigger = |id: i64, time: &str, to: &str| match DB::SERVER {
        Server::Sqlite => vec![format!(
            "CREATE TRIGGER t{id} {time} INSERT ON people BEGIN INSERT INTO {to} (id) VALUES (new.id + 1000); END"
        )],
        Server::MariaDb => vec![format!(
            "CREATE TRIGGER t{id} {time} INSERT ON people FOR EACH ROW INSERT INTO {to} (id) VALUES (new.id + 1000)"
        )],
        Server::Postgres => vec![
            format!(
                "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN IF new.id < 1000 THEN INSERT INTO {to} (id) VALUES (new.id + 1000); END IF; RETURN new; END'"
            ),
            format!(
                "CREATE TRIGGER t{id} {time} INSERT ON people FOR EACH ROW EXECUTE FUNCTION f()"
            ),
        ],
    };
    let scene = Scene::<DB>::new().await;
    for (id, time, to, told) in [
        (3, "AFTER", "pets", true),
        (4, "BEFORE", "pets", false),
        (5, "AFTER", "people", false),
    ] {
        for sql in trigger(id, time, to) {
            scene.behind(&sql).await;
        }
        scene.pool.reload_schema().await.unwrap();
        let insert = format!("INSERT INTO people VALUES ({id}, 'Eve')");
        let rows = scene.pool.explain(&insert).rows;
        assert_eq!(!rows.is_empty(), told, "{time} {to}: {rows:?}");
        // MariaDB lets no trigger write its own table.
        if DB::SERVER != Server::MariaDb || to != "people" {
            scene.warm().await;
            let other = "SELECT id, name FROM people WHERE id = 1";
            let other = async || {
                let read = read::<DB, Person>(other, []).cached(&scene.pool);
                read.fetch_all_shared().await.unwrap().source()
            };
            other().await;
            scene.through(&insert).await;
            let found = if told {
                Source::Local
            } else {
                Source::Database
            };
            assert_eq!(other().await, found, "{time} {to}");
            scene.assert_true(time).await;
        }
        // By another name each: a connection of SQLite's may remember the old one.
        let drop = match DB::SERVER {
            Server::Postgres => format!("DROP TRIGGER t{id} ON people"),
            Server::Sqlite | Server::MariaDb => format!("DROP TRIGGER t{id}"),
        };
        scene.behind(&drop).await;
    }
}

async fn a_bare_name_in_a_body_is_one_of_its_own_database<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with(["CREATE TRIGGER t AFTER INSERT ON people FOR EACH ROW INSERT INTO pets VALUES (new.id, 1, 'Rex')"])
        .scene()
        .await;
    let own = scene.url.rsplit('/').next().unwrap();
    let own = own.split('?').next().unwrap();
    let other = format!("{own}_other");
    scene.behind(&format!("CREATE DATABASE {other}")).await;
    scene
        .behind(&format!("CREATE TABLE {other}.pets (id BIGINT)"))
        .await;
    scene.pool.reload_schema().await.unwrap();
    let explained = scene.pool.explain("INSERT INTO people VALUES (3, 'Eve')");
    let effects = explained.effects.unwrap();
    let names: Vec<String> = effects
        .relations
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(names, [format!("{own}.people"), format!("{own}.pets")]);
    assert_eq!(effects.everything, None);
    scene.warm().await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    scene.assert_true("after the insert").await;
    // What its own database lacks, another's table does not stand for.
    scene.behind("DROP TABLE pets").await;
    scene.pool.reload_schema().await.unwrap();
    let explained = scene.pool.explain("INSERT INTO people VALUES (4, 'Joe')");
    assert!(explained.effects.unwrap().everything.is_some());
}

async fn a_statement_that_replaces_has_its_triggers_replace<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE TABLE homes (id BIGINT PRIMARY KEY)",
            "CREATE TABLE rooms (id BIGINT PRIMARY KEY, name TEXT, home BIGINT REFERENCES homes ON DELETE CASCADE)",
            "CREATE TABLE inbox (id BIGINT)",
            "INSERT INTO homes VALUES (7)",
            "INSERT INTO rooms VALUES (1, 'hall', 7)",
            // What holds for a trigger holds for those that it fires.
            "CREATE TRIGGER moved AFTER INSERT ON people BEGIN INSERT INTO inbox VALUES (new.id); END",
            "CREATE TRIGGER housed AFTER INSERT ON inbox BEGIN INSERT INTO homes VALUES (new.id); END",
        ])
        .scene()
        .await;
    scene.rows("rooms").await;
    assert_eq!(scene.source("rooms").await, Source::Local);
    // Nothing is in the way of the row itself.
    scene
        .through("INSERT OR REPLACE INTO people VALUES (7, 'Eve')")
        .await;
    assert_eq!(scene.truth("rooms").await, []);
    assert_eq!(scene.rows("rooms").await, []);
    scene.rows("rooms").await;
    scene.through("INSERT INTO people VALUES (8, 'Joe')").await;
    assert_eq!(scene.source("rooms").await, Source::Local);
}
