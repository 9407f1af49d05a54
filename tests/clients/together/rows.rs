//! Both drivers name the rows of a table alike, whatever the type of its key: a write of another row leaves a result alone.

use cachedpool::{CacheExt as _, Source, tokio_postgres::GenericClient as _};
use cachedpool_test_support::wait_until;
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Postgres, Type, postgres::PgArguments};
use time::{Date, macros::date};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Bond, Both, DRIVERS, Driver};
use crate::kit::LONG;

/// The values of a key.
trait Key {
    /// The condition that tells the row.
    const CONDITION: &str = "k = $1";

    fn params(&self) -> Vec<&(dyn ToSql + Sync)>;

    fn arguments(&self) -> PgArguments;
}

/// A key of one column.
struct One<T>(T);

impl<T> Key for One<T>
where
    T: ToSql + Sync + Copy + Type<Postgres> + for<'q> Encode<'q, Postgres>,
{
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.0]
    }

    fn arguments(&self) -> PgArguments {
        let mut arguments = PgArguments::default();
        arguments.add(self.0).unwrap();
        arguments
    }
}

/// A text, which sqlx wants owned.
struct Word(&'static str);

impl Key for Word {
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.0]
    }

    fn arguments(&self) -> PgArguments {
        let mut arguments = PgArguments::default();
        arguments.add(self.0.to_owned()).unwrap();
        arguments
    }
}

/// An integer that sqlx binds as a wider one than the column's.
struct Wider(i32);

impl Key for Wider {
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.0]
    }

    fn arguments(&self) -> PgArguments {
        let mut arguments = PgArguments::default();
        arguments.add(i64::from(self.0)).unwrap();
        arguments
    }
}

/// A key of two columns.
struct Two(i32, &'static str);

impl Key for Two {
    const CONDITION: &str = "k = $1 AND l = $2";

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.0, &self.1]
    }

    fn arguments(&self) -> PgArguments {
        let mut arguments = PgArguments::default();
        arguments.add(self.0).unwrap();
        arguments.add(self.1.to_owned()).unwrap();
        arguments
    }
}

const SCHEMA: &[&str] = &[
    "CREATE TABLE narrow (k smallint PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO narrow VALUES (-1, 0), (1, 0)",
    "CREATE TABLE plain (k integer PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO plain VALUES (-1, 0), (1, 0)",
    "CREATE TABLE other (k integer PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO other VALUES (-1, 0), (1, 0)",
    "CREATE TABLE wide (k bigint PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO wide VALUES (-9223372036854775808, 0), (1, 0)",
    "CREATE TABLE texts (k text PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO texts VALUES ('', 0), ('\u{fc}', 0)",
    "CREATE TABLE codes (k varchar(10) PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO codes VALUES ('a', 0), ('A', 0)",
    "CREATE TABLE uuids (k uuid PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO uuids VALUES ('00000000-0000-0000-0000-000000000000', 0), \
     ('ffffffff-ffff-ffff-ffff-ffffffffffff', 0)",
    "CREATE TABLE bools (k boolean PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO bools VALUES (true, 0), (false, 0)",
    "CREATE TABLE days (k date PRIMARY KEY, v integer NOT NULL)",
    "INSERT INTO days VALUES ('1999-12-31', 0), ('2000-01-01', 0)",
    "CREATE TABLE pairs (k integer, l text, v integer NOT NULL, PRIMARY KEY (k, l))",
    "INSERT INTO pairs VALUES (1, 'a', 0), (1, 'b', 0)",
];

/// The value of the row with a key, and where it came from.
async fn look<K: Key>(both: &Both, driver: Driver, table: &str, key: &K) -> (Source, i32) {
    let sql = format!("SELECT v FROM {table} WHERE {}", K::CONDITION);
    match driver {
        Driver::Sqlx => {
            let read = sqlx::query_scalar_with::<_, i32, _>(AssertSqlSafe(sql), key.arguments());
            let value = read.cached(&both.pool).fetch_one_shared().await.unwrap();
            (value.source(), *value)
        }
        Driver::TokioPostgres => {
            let client = &both.scene.client;
            let rows = client.cached(&sql, &key.params()).query_shared().await;
            let rows = rows.unwrap();
            (rows.source(), rows[0].get(0))
        }
    }
}

/// Adds one to the row with a key.
async fn add<K: Key>(both: &Both, driver: Driver, table: &str, key: &K) {
    let sql = format!("UPDATE {table} SET v = v + 1 WHERE {}", K::CONDITION);
    match driver {
        Driver::Sqlx => {
            let query = sqlx::query_with(AssertSqlSafe(sql), key.arguments());
            query.execute(&both.pool).await.unwrap();
        }
        Driver::TokioPostgres => {
            both.scene
                .client
                .execute(&sql, &key.params())
                .await
                .unwrap();
        }
    }
}

/// That a write of one of two rows invalidates what was read of that row, through either driver, and nothing else.
async fn agree<K: Key>(both: &Both, table: &str, keys: &[K; 2]) {
    for writer in DRIVERS {
        for (written, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
            let mut before = 0;
            for reader in DRIVERS {
                for key in keys {
                    look(both, reader, table, key).await;
                    let (source, _) = look(both, reader, table, key).await;
                    assert_eq!(source, Source::Local, "{table} {reader:?}");
                }
                before = look(both, reader, table, written).await.1;
            }
            add(both, writer, table, written).await;
            for reader in DRIVERS {
                match both.bond {
                    Bond::Tier if reader != writer => {
                        let sees =
                            async || look(both, reader, table, written).await.1 == before + 1;
                        wait_until(LONG, "the other process sees it", sees).await;
                    }
                    Bond::None if reader != writer => {
                        let old = (Source::Local, before);
                        assert_eq!(look(both, reader, table, written).await, old, "{table}");
                        both.pool.invalidate_all().await.unwrap();
                        both.scene.client.invalidate_all().await.unwrap();
                        break;
                    }
                    _ => {
                        let new = (Source::Database, before + 1);
                        let seen = look(both, reader, table, written).await;
                        assert_eq!(seen, new, "{table} by {writer:?}, {reader:?}");
                    }
                }
                let (source, _) = look(both, reader, table, other).await;
                assert_eq!(source, Source::Local, "{table} by {writer:?}, {reader:?}");
            }
        }
    }
}

async fn agree_on_all(bond: Bond) {
    let both = &Both::new(bond, SCHEMA).await;
    agree(both, "narrow", &[One(-1_i16), One(1)]).await;
    agree(both, "plain", &[One(-1_i32), One(1)]).await;
    agree(both, "other", &[Wider(-1), Wider(1)]).await;
    agree(both, "wide", &[One(i64::MIN), One(1)]).await;
    agree(both, "texts", &[Word(""), Word("\u{fc}")]).await;
    agree(both, "codes", &[Word("a"), Word("A")]).await;
    agree(both, "uuids", &[One(Uuid::nil()), One(Uuid::max())]).await;
    agree(both, "bools", &[One(true), One(false)]).await;
    let days: [Date; 2] = [date!(1999 - 12 - 31), date!(2000 - 01 - 01)];
    agree(both, "days", &days.map(One)).await;
    agree(both, "pairs", &[Two(1, "a"), Two(1, "b")]).await;
}

#[tokio::test]
async fn both_drivers_mean_the_same_rows_beside_each_other() {
    agree_on_all(Bond::Beside).await;
}

#[tokio::test]
async fn both_drivers_mean_the_same_rows_by_the_tier() {
    agree_on_all(Bond::Tier).await;
}

#[tokio::test]
async fn without_a_bond_a_written_row_is_not_seen() {
    agree_on_all(Bond::None).await;
}
