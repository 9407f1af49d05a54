//! Every type that a column can have comes back equal from the database, from memory and from the tier that processes
//! share, and finds its row as a parameter.

mod samples;
mod typed;

use std::{collections::BTreeSet, error::Error as StdError};

use bytes::BytesMut;
use cachedpool::{
    CachedClient, Source,
    tokio_postgres::{CachedRow, Column, Rows},
};
use cachedpool_test_support::wait_until;
use tokio_postgres::{
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type},
};

use crate::kit::{LONG, Scene, Setting, by_redis, own_redis};
use samples::{
    BUILT_IN, DERIVED, LONGEST, OWN, Sample, WITHOUT_ARRAYS, WITHOUT_BINARY, WITHOUT_EQUALITY,
};

/// A client, and another one that shares its tier.
struct Two {
    scene: Scene,
    other: CachedClient,
}

impl Two {
    /// On a database that this script has prepared.
    async fn new(script: String) -> Self {
        let redis = own_redis().await;
        let shared = redis.clone();
        let scene = Setting::usual()
            .with([&*script.leak()])
            .pool(|builder| by_redis(builder, shared))
            .scene()
            .await;
        let other = scene.another(|builder| by_redis(builder, redis)).await;
        for client in [&scene.client, &other] {
            wait_until(LONG, "the tier is live", async || {
                client.stats().shared_live
            })
            .await;
        }
        Two { scene, other }
    }

    /// Asks the database, memory, the tier and the other client's memory; each must have answered.
    async fn everywhere(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> [(Source, Rows); 4] {
        let stored = self.scene.client.stats().shared_stores;
        let ask = async |client: &CachedClient, source| {
            let rows = client.cached(sql, params).query_shared().await;
            let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            assert_eq!(rows.source(), source, "{sql}");
            (source, Rows::clone(&rows))
        };
        let client = &self.scene.client;
        let first = [
            ask(client, Source::Database).await,
            ask(client, Source::Local).await,
        ];
        wait_until(LONG, "the result is in the tier", async || {
            client.stats().shared_stores > stored
        })
        .await;
        let [database, memory] = first;
        let shared = ask(&self.other, Source::Shared).await;
        [
            database,
            memory,
            shared,
            ask(&self.other, Source::Local).await,
        ]
    }

    /// That a query gives everywhere what the driver gives; how many rows that is.
    async fn assert_alike(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> usize {
        let truth = self.truth(sql, params).await;
        let truth = truth.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        for (source, rows) in self.everywhere(sql, params).await {
            assert_eq!(pictures(&rows), truth, "{sql}, {source:?}");
        }
        truth.len()
    }

    /// That a query fails as it does with the driver.
    async fn assert_refused(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) {
        let truth = self.truth(sql, params).await.unwrap_err();
        let error = self.scene.client.cached(sql, params).query_shared().await;
        let code = error.unwrap_err().code().cloned();
        assert!(code.is_some(), "{sql}");
        assert_eq!(code.as_ref(), truth.code(), "{sql}");
    }

    /// What the driver itself gives.
    async fn truth(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Picture>, tokio_postgres::Error> {
        let connection = self.scene.aside.get().await.unwrap();
        let rows = connection.query(sql, params).await?;
        let picture = |row: &tokio_postgres::Row| {
            let columns = row.columns().iter().enumerate();
            let column = |(at, column): (usize, &tokio_postgres::Column)| {
                let Raw(bytes) = row.get(at);
                (column.name().to_owned(), column.type_().clone(), bytes)
            };
            columns.map(column).collect()
        };
        Ok(rows.iter().map(picture).collect())
    }

    async fn names(&self, sql: &str) -> BTreeSet<String> {
        let connection = self.scene.aside.get().await.unwrap();
        let rows = connection.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Name, type and bytes of each column of a row.
type Picture = Vec<(String, Type, Option<Vec<u8>>)>;

fn pictures(rows: &Rows) -> Vec<Picture> {
    let picture = |row: &CachedRow| {
        let columns = row.columns().iter().enumerate();
        let column = |(at, column): (usize, &Column)| {
            let Raw(bytes) = row.get(at);
            (column.name().to_owned(), column.type_().clone(), bytes)
        };
        columns.map(column).collect()
    };
    rows.iter().map(picture).collect()
}

/// The bytes of a value of any type.
#[derive(Clone, Debug)]
struct Raw(Option<Vec<u8>>);

impl<'r> FromSql<'r> for Raw {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

fn all() -> impl Iterator<Item = (usize, &'static Sample)> {
    BUILT_IN.iter().chain(DERIVED).enumerate()
}

/// The values of a type, as expressions, in the order of their rows: first the one without a value.
fn expressions((kind, values): &Sample) -> Vec<String> {
    let quoted = |value: &&str| format!("'{}'::{kind}", value.replace('\'', "''"));
    let long = LONGEST.iter().filter(|(name, _)| name == kind);
    let long = long.map(|(_, value)| (*value).to_owned());
    let values = values.iter().map(quoted).chain(long);
    ["NULL".to_owned()].into_iter().chain(values).collect()
}

/// Arrays of a type, as expressions: without elements, with a NULL, with two dimensions, with another lower bound.
fn arrays(sample: &Sample) -> Vec<String> {
    let kind = sample.0;
    // Text is taken for any type, where an array of vectors would be one of two dimensions. Boxes have another separator.
    let (element, array) = match kind {
        "box" => ("", "::box[]::text"),
        _ => ("::text", "::text"),
    };
    let elements: Vec<String> = expressions(sample)
        .iter()
        .map(|value| format!("({value}){element}"))
        .collect();
    let list = elements.join(", ");
    let bounds = format!("[-1:{}]=", elements.len() as i64 - 2);
    [
        "'{}'".to_owned(),
        format!("ARRAY[{list}]{array}"),
        format!("ARRAY[ARRAY[{list}], ARRAY[{list}]]{array}"),
        format!("'{bounds}' || ARRAY[{list}]{array}"),
    ]
    .map(|text| format!("({text})::{kind}[]"))
    .into()
}

/// Makes a table of each type, and one of its arrays.
async fn filled() -> Two {
    let mut script = OWN.join(";") + ";";
    for (at, sample) in all() {
        let kind = sample.0;
        let mut table = |name: char, kind: &str, values: &[String]| {
            script += &format!("CREATE TABLE {name}{at} (id integer PRIMARY KEY, c {kind});");
            for (id, value) in values.iter().enumerate() {
                script += &format!("INSERT INTO {name}{at} VALUES ({id}, {value});");
            }
        };
        table('t', kind, &expressions(sample));
        if !WITHOUT_ARRAYS.contains(&kind) {
            table('a', &format!("{kind}[]"), &arrays(sample));
        }
    }
    Two::new(script).await
}

/// Types are made by their names as the server spells them.
fn spelled<'s>(kinds: impl Iterator<Item = &'s str>) -> String {
    let kinds: Vec<String> = kinds.map(|kind| format!("('{kind}'::regtype)")).collect();
    format!(
        "SELECT kind::text FROM (VALUES {}) k (kind)",
        kinds.join(", ")
    )
}

#[tokio::test]
async fn the_samples_are_of_all_types_that_a_column_can_have() {
    let two = filled().await;
    let there = two
        .names(
            "SELECT t.oid::regtype::text FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid \
             WHERE (t.typtype IN ('b', 'd', 'e', 'r', 'm') OR c.relkind = 'c' OR c.relname = 'home') \
             AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)",
        )
        .await;
    let tried = two.names(&spelled(all().map(|(_, (kind, _))| *kind))).await;
    assert_eq!(tried, there);

    let without_arrays = two
        .names(&format!(
            "SELECT t.oid::regtype::text FROM pg_type t WHERE t.typarray = 0 AND t.oid::regtype::text IN ({})",
            spelled(all().map(|(_, (kind, _))| *kind))
        ))
        .await;
    let declared = two.names(&spelled(WITHOUT_ARRAYS.iter().copied())).await;
    assert_eq!(declared, without_arrays);
}

#[tokio::test]
async fn every_type_comes_back_equal_from_each_tier() {
    let two = filled().await;
    for (at, sample) in all() {
        let sql = format!("SELECT id, c FROM t{at} ORDER BY id");
        if WITHOUT_BINARY.contains(&sample.0) {
            two.assert_refused(&sql, &[]).await;
        } else {
            let rows = two.assert_alike(&sql, &[]).await;
            assert_eq!(rows, expressions(sample).len(), "{}", sample.0);
        }
    }
}

#[tokio::test]
async fn arrays_of_every_type_come_back_equal_from_each_tier() {
    let two = filled().await;
    for (at, (kind, _)) in all() {
        let sql = format!("SELECT id, c FROM a{at} ORDER BY id");
        if WITHOUT_ARRAYS.contains(kind) {
            continue;
        }
        if WITHOUT_BINARY.contains(kind) {
            two.assert_refused(&sql, &[]).await;
        } else {
            assert_eq!(two.assert_alike(&sql, &[]).await, 4, "{kind}");
        }
    }
}

#[tokio::test]
async fn results_that_no_table_has_come_back_equal() {
    let two = filled().await;
    for sql in [
        "SELECT ROW(id, name) AS r, id, id, name AS \"\u{c4} b\", NULL AS n, 'x' AS id FROM people ORDER BY 2",
        "SELECT FROM people",
        "SELECT people FROM people ORDER BY id",
        "SELECT array_agg(people ORDER BY id) FROM people",
        "SELECT id FROM people WHERE id = 99",
    ] {
        two.assert_alike(sql, &[]).await;
    }
}

#[tokio::test]
async fn every_type_finds_its_row_as_a_parameter() {
    let two = filled().await;
    let (mut incomparable, mut refused) = (BTreeSet::new(), Vec::new());
    for (at, sample) in all() {
        let kind = sample.0;
        if WITHOUT_BINARY.contains(&kind) {
            continue;
        }
        let all = format!("SELECT c FROM t{at} ORDER BY id");
        let values = two.truth(&all, &[]).await.unwrap();
        let values: Vec<Raw> = values
            .into_iter()
            .map(|mut row| Raw(row.remove(0).2))
            .collect();
        // What turns a name of the catalog into a number is not cached.
        let cast = match kind.starts_with("reg") {
            true => String::new(),
            false => format!("::{kind}"),
        };
        let sql = format!("SELECT id FROM t{at} WHERE c = $1{cast} ORDER BY id");
        let mut answers = Vec::new();
        for (id, value) in values.iter().enumerate() {
            let truth = match two.truth(&sql, &[value]).await {
                Err(error)
                    if [&SqlState::UNDEFINED_FUNCTION, &SqlState::AMBIGUOUS_FUNCTION]
                        .map(Some)
                        .contains(&error.code()) =>
                {
                    incomparable.insert(kind);
                    break;
                }
                Err(error) if error.code() == Some(&SqlState::INVALID_BINARY_REPRESENTATION) => {
                    // The server does not take back what it has sent of an empty vector.
                    refused.push(format!("{kind} {id}"));
                    two.assert_refused(&sql, &[value]).await;
                    continue;
                }
                truth => truth.unwrap_or_else(|error| panic!("{sql}: {error:?}")),
            };
            let own = (id as i32).to_be_bytes().to_vec();
            let is_found = truth.iter().any(|row| row[0].2.as_ref() == Some(&own));
            assert_eq!(is_found, id > 0, "{sql} {id}");
            answers.push((value, truth));
        }
        for source in [Source::Database, Source::Local] {
            for (value, truth) in &answers {
                let rows = two
                    .scene
                    .client
                    .cached(&sql, &[*value])
                    .query_shared()
                    .await;
                let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
                assert_eq!(rows.source(), source, "{sql}");
                assert_eq!(&pictures(&rows), truth, "{sql}");
            }
        }
    }
    let declared: BTreeSet<&str> = WITHOUT_EQUALITY.iter().copied().collect();
    assert_eq!(incomparable, declared);
    assert_eq!(refused, ["int2vector 1", "oidvector 1"]);
}
