//! Pools that share a tier, as processes do: results of one answer the others, and writes of one are seen by all.

use cachedpool::{Builder, CacheExt as _, CachedPool, Consistency, Source, observe::Event};
use serde::{Deserialize, Serialize};
use sqlx::{Error, FromRow};

use crate::kit::{
    LONG, Number, Person, Scene, Setting, TestDatabase, TestRow, Tier, live, query, read,
};

tests!(sqlite, postgres, mariadb => [
    a_result_of_one_pool_answers_another,
    what_a_closure_made_is_shared_by_one_executable,
    a_write_in_one_pool_is_seen_in_all,
    an_invalidation_by_hand_reaches_all,
    a_strict_read_sees_what_nobody_told,
    arguments_scopes_and_tags_are_not_mixed_up_between_pools,
    another_row_type_is_a_miss,
    a_null_of_another_pool_is_a_row,
    a_null_within_a_row_stays_a_value,
    what_would_be_read_as_another_value_is_not_shared,
    two_databases_do_not_answer_each_other,
]);
tests!(only sqlite => [
    a_database_in_memory_shares_with_nobody,
]);

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";
pub(crate) const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";

/// Two pools on one database and one tier.
pub(crate) async fn two<DB: TestDatabase>() -> (Scene<DB>, CachedPool<DB>, Tier) {
    let tier = Tier::new();
    let (one, two) = (tier.clone(), tier.clone());
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.shared_tier(one).empty_ttl(LONG))
        .scene()
        .await;
    // The tier's time goes on where the pools' stands still.
    let other = |builder: Builder<DB>| builder.shared_tier(two).empty_ttl(LONG);
    let other = scene.another(other).await;
    for pool in [&scene.pool, &other] {
        live(pool).await;
    }
    (scene, other, tier)
}

pub(crate) async fn people<DB: TestDatabase>(pool: &CachedPool<DB>) -> (Source, String) {
    let people = read::<DB, Person>(PEOPLE, [])
        .cached(pool)
        .fetch_all_shared()
        .await
        .unwrap();
    (people.source(), people[0].name.clone().unwrap())
}

pub(crate) fn from(source: Source, name: &str) -> (Source, String) {
    (source, name.to_owned())
}

/// Waits until the tier has so many results.
pub(crate) async fn kept(tier: &Tier, results: usize) {
    let there = async {
        while tier.entries() < results {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, there).await.unwrap();
}

async fn a_result_of_one_pool_answers_another<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    assert_eq!(people(&scene.pool).await, from(Source::Database, "Ada"));
    kept(&tier, 1).await;
    scene.behind(RENAME).await;
    assert_eq!(people(&other).await, from(Source::Shared, "Ada"));
    assert_eq!(people(&other).await, from(Source::Local, "Ada"));
    assert_eq!(other.stats().hits_shared, 1);
    assert_eq!(other.stats().loads, 0);
}

async fn what_a_closure_made_is_shared_by_one_executable<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    let ids = async |pool: &CachedPool<DB>| {
        let query = query::<DB>(PEOPLE, []).try_map(|row: DB::Row| row.int(0));
        let ids = query.cached(pool).fetch_all_shared().await.unwrap();
        (ids.source(), ids.len())
    };
    assert_eq!(ids(&scene.pool).await, (Source::Database, 2));
    kept(&tier, 1).await;
    scene.behind("DELETE FROM people WHERE id = 2").await;
    assert_eq!(ids(&other).await, (Source::Shared, 2));
    // Another closure of the same type of rows.
    let query = query::<DB>(PEOPLE, []).try_map(|row: DB::Row| Ok(-row.int(0)?));
    let negative = query.cached(&other).fetch_all_shared().await.unwrap();
    assert_eq!(
        (negative.source(), &**negative),
        (Source::Database, &[-1][..])
    );
}

async fn a_write_in_one_pool_is_seen_in_all<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    people(&scene.pool).await;
    kept(&tier, 1).await;
    people(&other).await;
    query::<DB>(RENAME, []).execute(&other).await.unwrap();
    let mut tx = scene.pool.begin().await.unwrap();
    query::<DB>("UPDATE people SET name = 'Zoe' WHERE id = 1", [])
        .execute(&mut *tx)
        .await
        .unwrap();
    // Neither memory nor the tier answers with what was before the first write; the second is not done.
    for pool in [&scene.pool, &other] {
        assert_eq!(people(pool).await.1, "Eve");
    }
    tx.commit().await.unwrap();
    for pool in [&scene.pool, &other] {
        assert_eq!(people(pool).await.1, "Zoe");
    }
}

async fn an_invalidation_by_hand_reaches_all<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    for (turn, by_hand) in ["tables", "all"].into_iter().enumerate() {
        people(&scene.pool).await;
        kept(&tier, 1).await;
        people(&other).await;
        let name = format!("Eve {turn}");
        scene
            .behind(&format!("UPDATE people SET name = '{name}' WHERE id = 1"))
            .await;
        assert_eq!(people(&scene.pool).await.0, Source::Local);
        match by_hand {
            "tables" => other.invalidate_tables(["people"]).await.unwrap(),
            _ => other.invalidate_all().await.unwrap(),
        }
        assert_eq!(people(&scene.pool).await, from(Source::Database, &name));
    }
}

async fn a_strict_read_sees_what_nobody_told<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    scene.warm().await;
    tier.mute();
    query::<DB>(RENAME, []).execute(&other).await.unwrap();
    assert_eq!(people(&scene.pool).await, from(Source::Local, "Ada"));
    for _ in 0..2 {
        let strict = read::<DB, Person>(PEOPLE, [])
            .cached(&scene.pool)
            .consistency(Consistency::Strict);
        let people = strict.fetch_all().await.unwrap();
        assert_eq!(people[0].name.as_deref(), Some("Eve"));
    }
}

async fn arguments_scopes_and_tags_are_not_mixed_up_between_pools<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    let one = "SELECT id FROM people WHERE id = $1";
    let first = read::<DB, Number>(one, [1.into()]).cached(&scene.pool);
    assert_eq!(first.scope("a").fetch_one().await.unwrap(), Number(1));
    kept(&tier, 1).await;
    let ask = |id: i64| read::<DB, Number>(one, [id.into()]).cached(&other);
    for (read, source) in [
        (ask(2).scope("a"), Source::Database),
        (ask(1).scope("b"), Source::Database),
        (ask(1), Source::Database),
        (ask(1).scope("a").tag("t"), Source::Database),
        (ask(1).scope("a").depends_on(["pets"]), Source::Database),
        (ask(1).scope("a"), Source::Shared),
    ] {
        assert_eq!(read.fetch_optional_shared().await.unwrap().source(), source);
    }
    let all = ask(1).scope("a").fetch_all_shared().await.unwrap();
    assert_eq!(all.source(), Source::Database);
}

/// Another row of the same columns.
#[derive(Clone, Serialize, Deserialize)]
struct Pet {
    id: i64,
}

impl<'r, R: TestRow> FromRow<'r, R> for Pet {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Pet { id: row.int(0)? })
    }
}

async fn another_row_type_is_a_miss<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    people(&scene.pool).await;
    kept(&tier, 1).await;
    let pets = read::<DB, Pet>(PEOPLE, []).cached(&other);
    let pets = pets.fetch_all_shared().await.unwrap();
    assert_eq!((pets.source(), pets[1].id), (Source::Database, 2));
}

async fn a_null_of_another_pool_is_a_row<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    let ask = async |pool: &CachedPool<DB>, which: &str| {
        let sql = format!("SELECT id, name FROM people WHERE id = 1 AND {which}");
        let name = read::<DB, Name>(&sql, []).cached(pool);
        let name = name.fetch_optional_shared().await.unwrap();
        let etag = name.etag();
        (name.source(), name.into_owned(), etag)
    };
    scene
        .behind("UPDATE people SET name = NULL WHERE id = 1")
        .await;
    let (_, null, null_etag) = ask(&scene.pool, "1 = 1").await;
    let (_, none, none_etag) = ask(&scene.pool, "1 = 2").await;
    assert_eq!((&null, &none), (&Some(Name(None)), &None));
    assert_ne!(null_etag, none_etag);
    kept(&tier, 2).await;
    let shared = Source::Shared;
    assert_eq!(ask(&other, "1 = 1").await, (shared, null, null_etag));
    assert_eq!(ask(&other, "1 = 2").await, (shared, none, none_etag));
}

/// A column that may be NULL, as a row of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Name(Option<String>);

impl<'r, R: TestRow> FromRow<'r, R> for Name {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Person::from_row(row).map(|person| Name(person.name))
    }
}

/// A document that is there, and is JSON's null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Document(Option<serde_json::Value>);

impl<'r, R: TestRow> FromRow<'r, R> for Document {
    fn from_row(_: &'r R) -> Result<Self, Error> {
        Ok(Document(Some(serde_json::Value::Null)))
    }
}

async fn a_null_within_a_row_stays_a_value<DB: TestDatabase>() {
    let (scene, other, _) = two::<DB>().await;
    for pool in [&scene.pool, &other] {
        let rows = read::<DB, Document>(PEOPLE, []).cached(pool);
        let rows = rows.fetch_all_shared().await.unwrap();
        assert_eq!(rows[0], Document(Some(serde_json::Value::Null)));
        assert_eq!(rows.source(), Source::Database);
        withheld(pool, "nothing in an option", 1).await;
    }
}

/// A field that is not to be shown, and comes back as the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    id: i64,
    #[serde(skip_serializing, default)]
    password: String,
}

impl<'r, R: TestRow> FromRow<'r, R> for Account {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        let id = row.int(0)?;
        let password = "secret".to_owned();
        Ok(Account { id, password })
    }
}

async fn what_would_be_read_as_another_value_is_not_shared<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    for pool in [&scene.pool, &other] {
        let mut events = pool.events();
        for sql in [PEOPLE, "SELECT id FROM people WHERE id = 1"] {
            let accounts = read::<DB, Account>(sql, []).cached(pool);
            let accounts = accounts.fetch_all_shared().await.unwrap();
            assert_eq!(accounts[0].password, "secret");
            assert_eq!(accounts.source(), Source::Database);
            // Of the second no attempt is made.
            withheld(pool, "field not written", 1).await;
        }
        let mut told = 0;
        while let Some(event) = events.try_next() {
            told += usize::from(matches!(event, Event::SharedStoreWithheld { .. }));
        }
        assert_eq!(told, 1);
    }
    assert_eq!(tier.entries(), 0);
}

/// Waits until so many results have stayed for a reason.
async fn withheld<DB: TestDatabase>(pool: &CachedPool<DB>, why: &str, results: u64) {
    let counted = async {
        while pool.stats().shared_stores_withheld.get(why) != Some(&results) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, counted).await.unwrap();
}

async fn two_databases_do_not_answer_each_other<DB: TestDatabase>() {
    let (scene, _, tier) = two::<DB>().await;
    let theirs = tier.clone();
    let elsewhere = Setting::<DB>::usual()
        .pool(|builder| builder.shared_tier(theirs))
        .scene()
        .await;
    live(&elsewhere.pool).await;
    elsewhere.behind(RENAME).await;
    assert_eq!(people(&scene.pool).await, from(Source::Database, "Ada"));
    kept(&tier, 1).await;
    assert_eq!(people(&elsewhere.pool).await, from(Source::Database, "Eve"));
    kept(&tier, 2).await;
}

async fn a_database_in_memory_shares_with_nobody<DB: TestDatabase>() {
    let tier = Tier::new();
    for name in ["Ada", "Eve"] {
        let inner = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE names (name TEXT)")
            .execute(&inner)
            .await
            .unwrap();
        sqlx::query("INSERT INTO names VALUES (?)")
            .bind(name)
            .execute(&inner)
            .await
            .unwrap();
        let builder = CachedPool::builder(inner).shared_tier(tier.clone());
        let pool = builder.build().await.unwrap();
        let read = sqlx::query_scalar::<_, String>("SELECT name FROM names").cached(&pool);
        assert_eq!(read.fetch_one().await.unwrap(), name);
    }
}
