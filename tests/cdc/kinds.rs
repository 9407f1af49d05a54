//! Every kind of write.

use super::kit::{Scene, USERS};

#[tokio::test]
async fn an_insert_an_update_and_a_delete_by_others_are_seen() {
    let mut scene = Scene::new(USERS).await;
    let count = "SELECT count(*) FROM users";
    let insert = "INSERT INTO users VALUES (101, 1, 'new')";
    scene.follows(count, 100, insert, 101).await;
    let of_one = "SELECT org::int8 FROM users WHERE id = 7";
    let update = "UPDATE users SET org = 40 WHERE id = 7";
    scene.follows(of_one, 7, update, 40).await;
    let delete = "DELETE FROM users WHERE id > 50";
    scene.follows(count, 101, delete, 50).await;
}

#[tokio::test]
async fn a_truncate_by_others_is_seen_in_each_table() {
    let mut scene = Scene::new(
        "CREATE TABLE parents (id int PRIMARY KEY);
         CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents);
         INSERT INTO parents VALUES (1);
         INSERT INTO children VALUES (1, 1), (2, 1)",
    )
    .await;
    let children = "SELECT count(*) FROM children";
    let truncate = "TRUNCATE parents CASCADE";
    scene.follows(children, 2, truncate, 0).await;
}

#[tokio::test]
async fn what_a_foreign_key_does_for_others_is_seen() {
    let mut scene = Scene::new(
        "CREATE TABLE parents (id int PRIMARY KEY);
         CREATE TABLE gone (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
         CREATE TABLE freed (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL);
         INSERT INTO parents VALUES (1), (2);
         INSERT INTO gone VALUES (1, 1), (2, 1);
         INSERT INTO freed VALUES (1, 1), (2, 2)",
    )
    .await;
    let freed = "SELECT count(*) FROM freed WHERE parent IS NULL";
    assert_eq!(scene.warm(freed).await, 0);
    let delete = "DELETE FROM parents WHERE id = 1";
    scene
        .follows("SELECT count(*) FROM gone", 2, delete, 0)
        .await;
    scene.sees(freed, 1).await;
}

#[tokio::test]
async fn what_a_trigger_writes_for_others_is_seen() {
    let mut scene = Scene::new(&format!(
        "{USERS};
         CREATE TABLE audit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN EXECUTE 'INSERT INTO audit (who) VALUES ($1)' USING NEW.id; RETURN NEW; END $$;
         CREATE TRIGGER noted AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note()"
    ))
    .await;
    let audit = "SELECT count(*) FROM audit";
    let update = "UPDATE users SET name = 'x' WHERE id IN (1, 2)";
    scene.follows(audit, 0, update, 2).await;
}

#[tokio::test]
async fn what_others_write_to_a_partition_is_seen_through_its_parent_and_in_it() {
    let mut scene = Scene::new(
        "CREATE TABLE events (day int, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
         CREATE TABLE early PARTITION OF events FOR VALUES FROM (0) TO (10);
         CREATE TABLE late PARTITION OF events FOR VALUES FROM (10) TO (20);
         INSERT INTO events VALUES (1, 1), (11, 2)",
    )
    .await;
    let all = "SELECT count(*) FROM events";
    scene
        .follows(all, 2, "INSERT INTO early VALUES (2, 3)", 3)
        .await;
    let late = "SELECT count(*) FROM late";
    let insert = "INSERT INTO events VALUES (12, 4)";
    scene.follows(late, 1, insert, 2).await;
    // From one partition to another.
    let moved = "UPDATE events SET day = 13 WHERE id = 1";
    scene.follows(late, 2, moved, 3).await;
    let early = "SELECT count(*) FROM early";
    scene.follows(early, 1, "TRUNCATE events", 0).await;
}

#[tokio::test]
async fn what_others_write_is_seen_through_a_view_and_in_another_schema() {
    let mut scene = Scene::new(&format!(
        "{USERS};
         CREATE VIEW members AS SELECT id FROM users WHERE org = 1;
         CREATE SCHEMA other;
         CREATE TABLE other.users (id int PRIMARY KEY)"
    ))
    .await;
    let members = "SELECT count(*) FROM members";
    let insert = "INSERT INTO users VALUES (101, 1, 'new')";
    scene.follows(members, 10, insert, 11).await;
    let other = "SELECT count(*) FROM other.users";
    let insert = "INSERT INTO other.users VALUES (1)";
    scene.follows(other, 0, insert, 1).await;
}

#[tokio::test]
async fn a_transaction_that_others_roll_back_is_not_seen_and_its_savepoints_are() {
    let mut scene = Scene::new(USERS).await;
    let count = "SELECT count(*) FROM users";
    assert_eq!(scene.warm(count).await, 100);
    scene
        .write("BEGIN; DELETE FROM users; ROLLBACK; INSERT INTO users VALUES (101, 1, 'a')")
        .await;
    scene.sees(count, 101).await;
    scene
        .write(
            "BEGIN; SAVEPOINT a; DELETE FROM users; ROLLBACK TO a;
             SAVEPOINT b; INSERT INTO users VALUES (102, 1, 'b'); RELEASE b; COMMIT",
        )
        .await;
    scene.sees(count, 102).await;
}

#[tokio::test]
async fn a_table_that_others_have_just_made_or_changed_is_seen() {
    let mut scene = Scene::new(USERS).await;
    let count = "SELECT count(*) FROM users WHERE name <> ''";
    assert_eq!(scene.warm(count).await, 100);
    scene
        .write("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)")
        .await;
    // The catalog is read again, which nobody else would do for a day.
    let fresh = "SELECT count(*) FROM fresh";
    assert_eq!(scene.warm(fresh).await, 1);
    scene
        .follows(fresh, 1, "INSERT INTO fresh VALUES (2)", 2)
        .await;
    scene
        .write("ALTER TABLE users ADD COLUMN extra int; UPDATE users SET name = '' WHERE id = 1")
        .await;
    scene.sees(count, 99).await;
}

#[tokio::test]
async fn a_hundred_thousand_rows_in_one_transaction_are_seen() {
    let mut scene = Scene::new("CREATE TABLE big (id int PRIMARY KEY, n int NOT NULL)").await;
    let fill = "INSERT INTO big SELECT n, n FROM generate_series(1, 100000) n";
    let sum = "SELECT COALESCE(sum(n), 0)::int8 FROM big";
    scene.follows(sum, 0, fill, 5_000_050_000).await;
    let one = "SELECT n::int8 FROM big WHERE id = 99999";
    scene
        .follows(one, 99_999, "UPDATE big SET n = n + 1", 100_000)
        .await;
}
