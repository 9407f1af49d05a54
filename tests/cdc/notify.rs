//! Writes that bypass the pool, told by triggers.

use cachedpool::{Source, cdc::Notifications};
use cachedpool_test_support::{postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::kit::{PATIENT, SOON, Scene, USERS};

pub(crate) fn notified() -> Notifications {
    Notifications::new()
        .create_triggers()
        .max_staleness(PATIENT)
}

/// On a server without logical replication.
pub(crate) async fn scene(tables: &str) -> Scene {
    let url = postgres().await.fresh_database().await;
    let scene = Scene::at(url, tables, notified()).await;
    // The triggers are looked at in a moment, and are news that end all answers from memory.
    scene.pool.reload_schema().await.unwrap();
    scene
}

const COUNT: &str = "SELECT count(*) FROM users";
const SUM: &str = "SELECT sum(org)::int8 FROM users";

#[tokio::test]
async fn each_kind_of_write_of_others_is_seen() {
    let mut scene = scene(USERS).await;
    for (sql, before, write, after) in [
        (COUNT, 100, "INSERT INTO users VALUES (101, 1, 'x')", 101),
        (SUM, 451, "UPDATE users SET org = 2 WHERE id = 101", 452),
        (COUNT, 101, "DELETE FROM users WHERE id = 101", 100),
        (
            SUM,
            450,
            "INSERT INTO users VALUES (1, 1, 'x') ON CONFLICT (id) DO UPDATE SET org = users.org + 1",
            451,
        ),
        (
            SUM,
            451,
            "MERGE INTO users USING (VALUES (2)) new (id) ON users.id = new.id \
             WHEN MATCHED THEN UPDATE SET org = org + 1 WHEN NOT MATCHED THEN DO NOTHING",
            452,
        ),
        (
            COUNT,
            100,
            "WITH gone AS (DELETE FROM users WHERE id = 100 RETURNING id) SELECT * FROM gone",
            99,
        ),
        (
            COUNT,
            99,
            "COPY users FROM PROGRAM 'echo 300,1,x' (FORMAT csv)",
            100,
        ),
        // Where triggers of others stay away.
        (
            COUNT,
            100,
            "SET session_replication_role = replica; INSERT INTO users VALUES (301, 1, 'x')",
            101,
        ),
        (COUNT, 101, "TRUNCATE users", 0),
    ] {
        scene.follows(sql, before, write, after).await;
    }
}

#[tokio::test]
async fn what_cascades_and_other_triggers_write_is_seen() {
    let mut scene = scene(
        "CREATE TABLE orgs (id int PRIMARY KEY); INSERT INTO orgs VALUES (1), (2), (3);
         CREATE TABLE members (id int PRIMARY KEY, org int REFERENCES orgs ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO members SELECT n, 1 + n % 3 FROM generate_series(1, 9) n;
         CREATE TABLE notes (id int PRIMARY KEY, member int REFERENCES members ON DELETE SET NULL);
         INSERT INTO notes SELECT n, n FROM generate_series(1, 9) n;
         CREATE TABLE log (n int);
         CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END';
         CREATE TRIGGER log AFTER DELETE ON orgs FOR EACH ROW EXECUTE FUNCTION log();",
    )
    .await;
    let of_notes = "SELECT count(member) FROM notes";
    assert_eq!(scene.warm(of_notes).await, 9);
    let of_log = "SELECT count(*) FROM log";
    assert_eq!(scene.warm(of_log).await, 0);
    let delete = "DELETE FROM orgs WHERE id = 1";
    scene
        .follows("SELECT count(*) FROM members", 9, delete, 6)
        .await;
    scene.sees(of_notes, 6).await;
    scene.sees(of_log, 1).await;
    let update = "UPDATE orgs SET id = 7 WHERE id = 2";
    let of_seven = "SELECT count(*) FROM members WHERE org = 7";
    scene.follows(of_seven, 0, update, 3).await;
    let truncate = "TRUNCATE orgs CASCADE";
    scene
        .follows("SELECT count(*) FROM notes", 9, truncate, 0)
        .await;
}

#[tokio::test]
async fn writes_by_way_of_a_root_and_of_a_partition_are_seen_from_both() {
    let mut scene = scene(
        "CREATE TABLE days (day int, n int) PARTITION BY RANGE (day);
         CREATE TABLE early PARTITION OF days FOR VALUES FROM (0) TO (10);
         CREATE TABLE late PARTITION OF days FOR VALUES FROM (10) TO (20) PARTITION BY LIST (day);
         CREATE TABLE \"the.last day\" PARTITION OF late FOR VALUES IN (19);
         CREATE TABLE old (n int); CREATE TABLE older () INHERITS (old);",
    )
    .await;
    let both = "SELECT count(*) FROM days";
    let last = "SELECT count(*) FROM \"the.last day\"";
    let insert = "INSERT INTO days VALUES (19, 1)";
    assert_eq!(scene.warm(both).await, 0);
    scene.follows(last, 0, insert, 1).await;
    scene.sees(both, 1).await;
    assert_eq!(scene.warm(last).await, 1);
    let insert = "INSERT INTO \"the.last day\" VALUES (19, 2)";
    scene.follows(both, 1, insert, 2).await;
    scene.sees(last, 2).await;
    let insert = "INSERT INTO older VALUES (1)";
    scene
        .follows("SELECT count(*) FROM old", 0, insert, 1)
        .await;
    let delete = "DELETE FROM old";
    scene
        .follows("SELECT count(*) FROM older", 1, delete, 0)
        .await;
}

#[tokio::test]
async fn readers_of_other_tables_do_not_notice() {
    let tables = format!("{USERS}; CREATE TABLE other (n int)");
    let mut scene = scene(&tables).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let other = "SELECT count(*) FROM other";
    for n in 0..3 {
        scene
            .follows(other, n, "INSERT INTO other VALUES (1)", n + 1)
            .await;
    }
    assert_eq!(scene.read(COUNT).await, (100, Source::Local));
}

#[tokio::test]
async fn a_transaction_tells_of_a_table_once_and_of_nothing_when_it_is_rolled_back() {
    let mut scene = scene(USERS).await;
    let before = scene.pool.stats().changes_followed;
    scene
        .write("BEGIN; INSERT INTO users VALUES (101, 1, 'x'); ROLLBACK")
        .await;
    let many = (0..100).map(|n| format!("INSERT INTO users VALUES ({}, 1, 'x');", 200 + n));
    let many = format!("BEGIN; {} COMMIT", many.collect::<String>());
    scene.follows(COUNT, 100, &many, 200).await;
    let followed = || scene.pool.stats().changes_followed - before;
    wait_until(SOON, "it was followed", async || followed() > 0).await;
    assert_eq!(followed(), 1);
}

#[tokio::test]
async fn a_row_that_the_pool_writes_is_still_no_change_of_everything() {
    let tables = format!("{USERS}; CREATE TABLE other (n int)");
    let scene = scene(&tables).await;
    // The trigger is one more hook on the table: what it does must be understood.
    wait_until(SOON, "the triggers are known", async || {
        assert_eq!(scene.warm("SELECT count(*) FROM other").await, 0);
        let insert = "UPDATE users SET name = 'y' WHERE id = 1";
        sqlx::query(insert).execute(&scene.pool).await.unwrap();
        scene.read("SELECT count(*) FROM other").await == (0, Source::Local)
    })
    .await;
    let told = scene.pool.explain("DELETE FROM users").to_string();
    assert!(!told.contains("everything"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_race_of_readers_and_writers_the_last_write_is_seen() {
    let url = postgres().await.fresh_database().await;
    let scene = Scene::at(url.clone(), USERS, notified()).await;
    let row = |id: i64| format!("SELECT org::int8 FROM users WHERE id = {id}");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for round in 1..=5_i64 {
        let write = async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            for number in 0..100 {
                let (id, org) = (1 + number % 10, round * 1_000 + number);
                let update = format!("UPDATE users SET org = {org} WHERE id = {id}");
                connection.execute(AssertSqlSafe(update)).await.unwrap();
            }
            if round % 2 == 0 {
                connection.execute(end).await.unwrap();
            }
        };
        let mut order = 0;
        let read = async {
            for number in 0..500 {
                let (read, _) = scene.read(&row(1)).await;
                assert!(read >= order, "{read} after {order}");
                order = read;
                scene.read(&row(1 + number % 10)).await;
            }
        };
        tokio::join!(write, read);
        for id in 1..=10 {
            let last = round * 1_000 + 90 + id - 1;
            scene.sees(&row(id), last).await;
            assert_eq!(scene.warm(&row(id)).await, last);
        }
    }
}
