//! Which rows: readers of others do not notice.

use cachedpool::Source;

use super::kit::{Scene, USERS};

/// How often a reader of another row is looked at. Whatever else invalidates everything (a transaction of another test that
/// ran when the stream began) does so once.
const ROUNDS: usize = 10;

/// Holds that `other` stays in memory when others have done one of `writes`, and that `sql` follows each of them.
async fn spares(
    scene: &mut Scene,
    sql: &str,
    other: &str,
    writes: impl Fn(usize) -> (String, i64),
) {
    let mut spared = 0;
    for round in 0..ROUNDS {
        scene.warm(sql).await;
        scene.warm(other).await;
        let (write, after) = writes(round);
        scene.write(&write).await;
        scene.sees(sql, after).await;
        spared += usize::from(scene.read(other).await.1 == Source::Local);
    }
    assert!(spared > 0, "`{other}` was invalidated each time");
}

#[tokio::test]
async fn a_reader_of_another_row_stays_a_hit() {
    let mut scene = Scene::new(USERS).await;
    let one = "SELECT org::int8 FROM users WHERE id = 1";
    let two = "SELECT org::int8 FROM users WHERE id = 2";
    spares(&mut scene, one, two, |round| {
        let org = 50 + i64::try_from(round).unwrap();
        (format!("UPDATE users SET org = {org} WHERE id = 1"), org)
    })
    .await;
}

#[tokio::test]
async fn an_insert_tells_every_key_and_spares_the_readers_of_other_values() {
    let mut scene = Scene::new(USERS).await;
    let of_one = "SELECT count(*) FROM users WHERE org = 1";
    let of_two = "SELECT count(*) FROM users WHERE org = 2";
    spares(&mut scene, of_one, of_two, |round| {
        let id = 200 + round;
        let write = format!("INSERT INTO users VALUES ({id}, 1, 'new')");
        (write, 11 + i64::try_from(round).unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_row_that_changes_its_key_is_gone_from_the_old_value_and_there_under_the_new() {
    let mut scene = Scene::new(USERS).await;
    let old = "SELECT count(*) FROM users WHERE id = 7";
    let new = "SELECT count(*) FROM users WHERE id = 700";
    assert_eq!(scene.warm(old).await, 1);
    assert_eq!(scene.warm(new).await, 0);
    scene.write("UPDATE users SET id = 700 WHERE id = 7").await;
    scene.sees(old, 0).await;
    scene.sees(new, 1).await;
}

#[tokio::test]
async fn a_key_whose_old_value_is_not_told_changes_for_all_who_ask_by_it() {
    let mut scene = Scene::new(USERS).await;
    let from = "SELECT count(*) FROM users WHERE org = 3";
    let to = "SELECT count(*) FROM users WHERE org = 4";
    assert_eq!(scene.warm(from).await, 10);
    assert_eq!(scene.warm(to).await, 10);
    scene.write("UPDATE users SET org = 4 WHERE id = 3").await;
    scene.sees(from, 9).await;
    scene.sees(to, 11).await;
    assert_eq!(scene.warm(to).await, 11);
    scene.write("DELETE FROM users WHERE id = 3").await;
    scene.sees(to, 10).await;
}

#[tokio::test]
async fn a_replica_identity_of_the_whole_row_spares_the_readers_by_every_key() {
    let mut scene = Scene::new(&format!("{USERS}; ALTER TABLE users REPLICA IDENTITY FULL")).await;
    let of_one = "SELECT count(*) FROM users WHERE org = 1";
    let of_two = "SELECT count(*) FROM users WHERE org = 2";
    spares(&mut scene, of_one, of_two, |round| {
        let id = round * 10 + 1;
        let write = format!("UPDATE users SET org = 30 WHERE id = {id}");
        (write, 9 - i64::try_from(round).unwrap())
    })
    .await;
}

#[tokio::test]
async fn texts_truth_values_and_keys_of_several_columns_are_found_under_their_values() {
    let mut scene = Scene::new(
        "CREATE TABLE things (a int, b text, name varchar(20) UNIQUE, done bool, n bigint NOT NULL, PRIMARY KEY (a, b));
         CREATE INDEX ON things (done);
         ALTER TABLE things REPLICA IDENTITY FULL;
         INSERT INTO things VALUES (1, 'x', 'Ä b''c', true, 0), (1, 'y', 'other', false, 0), (2, 'x', NULL, NULL, 0)",
    )
    .await;
    let pairs = [
        ("name = 'Ä b''c'", "name = 'other'"),
        ("done = true", "done = false"),
        ("a = 1 AND b = 'x'", "a = 1 AND b = 'y'"),
    ];
    let mut done = 0;
    for (one, other) in pairs {
        let [one, other] = [one, other].map(|rows| format!("SELECT n FROM things WHERE {rows}"));
        let before = done;
        spares(&mut scene, &one, &other, |round| {
            let n = before + 1 + i64::try_from(round).unwrap();
            (format!("UPDATE things SET n = {n} WHERE done"), n)
        })
        .await;
        done += i64::try_from(ROUNDS).unwrap();
    }
}
