//! Errors are the database's own and never cached; and nothing that is printed holds what was bound.

use std::{error::Error as _, fmt::Debug};

use bytes::BytesMut;
use cachedpool::{
    CachePolicy, CachedPool, Source,
    tokio_postgres::{Error, GenericClient as _},
};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::kit::{Scene, Setting};

const ONE: &str = "SELECT id, name FROM people WHERE id = $1";

#[tokio::test]
async fn a_database_error_is_the_drivers_own() {
    let scene = Setting::usual().connections(3).scene().await;
    let taken = "INSERT INTO people VALUES ($1, 'x')";
    let expected = scene
        .aside
        .get()
        .await
        .unwrap()
        .execute(taken, &[&1_i64])
        .await;
    let expected = expected.unwrap_err();
    let client = &scene.client;
    let mut connection = client.get().await.unwrap();
    let mut tx = client.transaction().await.unwrap();
    let errors = [
        client.execute(taken, &[&1_i64]).await.unwrap_err(),
        client.query(taken, &[&1_i64]).await.unwrap_err(),
        client.query_opt(taken, &[&1_i64]).await.unwrap_err(),
        client
            .query_typed(taken, &[(&1_i64, Type::INT8)])
            .await
            .unwrap_err(),
        client
            .execute_with_token(taken, &[&1_i64])
            .await
            .unwrap_err(),
        client.cached(taken, &[&1_i64]).query().await.unwrap_err(),
        connection.execute(taken, &[&1_i64]).await.unwrap_err(),
        tx.execute(taken, &[&1_i64]).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.as_db_error(), expected.as_db_error());
        assert_eq!(error.code().unwrap().code(), "23505");
        assert!(matches!(error, Error::Postgres(_)), "{error:?}");
        assert_eq!(error.to_string(), expected.to_string());
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("duplicate key")
        );
    }
}

#[tokio::test]
async fn an_error_is_never_cached() {
    let scene = Scene::new().await;
    let extra = async || {
        let read = scene.client.cached("SELECT extra AS id FROM people", &[]);
        read.query_shared().await
    };
    for _ in 0..2 {
        assert_eq!(extra().await.unwrap_err().code().unwrap().code(), "42703");
    }
    assert_eq!(scene.client.stats().entries, 0);
    // Even where the client cannot know that it would succeed now.
    let add = "ALTER TABLE people ADD COLUMN extra BIGINT DEFAULT 0 NOT NULL";
    scene.behind(add).await;
    assert_eq!(extra().await.unwrap().source(), Source::Database);
    assert_eq!(extra().await.unwrap().source(), Source::Local);
}

/// A value that no database gets to see.
#[derive(Debug)]
struct Refuses;

impl ToSql for Refuses {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Err("refuses to be encoded".into())
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value whose author did not think of everything.
#[derive(Debug)]
struct Panics;

impl ToSql for Panics {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        panic!("on purpose")
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[tokio::test]
async fn an_argument_that_does_not_fit_is_told_and_nothing_is_sent() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let client = &scene.client;
    let delete = "DELETE FROM people WHERE id = $1";
    let prepared = client.prepare(delete).await.unwrap();
    for _ in ["unknown types", "known types"] {
        for error in [
            client.cached(ONE, &[&Refuses]).query().await.unwrap_err(),
            client.query(ONE, &[&Refuses]).await.unwrap_err(),
            client.execute(delete, &[&Refuses]).await.unwrap_err(),
            client.execute(&prepared, &[&Refuses]).await.unwrap_err(),
            client
                .query_typed(ONE, &[(&Refuses, Type::INT8)])
                .await
                .unwrap_err(),
        ] {
            let Error::Argument { index: 0, source } = error else {
                panic!("{error:?}");
            };
            assert_eq!(source.to_string(), "refuses to be encoded");
        }
        // Of another type, and another number of them.
        for error in [
            client.cached(ONE, &[&"1"]).query().await.unwrap_err(),
            client.execute(delete, &[&1_i32]).await.unwrap_err(),
        ] {
            assert!(
                matches!(error, Error::Argument { index: 0, .. }),
                "{error:?}"
            );
        }
        for error in [
            client.cached(ONE, &[]).query().await.unwrap_err(),
            client.execute(delete, &[]).await.unwrap_err(),
            client.execute(&prepared, &[]).await.unwrap_err(),
        ] {
            assert!(
                matches!(
                    error,
                    Error::Arguments {
                        given: 0,
                        expected: 1
                    }
                ),
                "{error:?}"
            );
        }
        let many = client.query(ONE, &[&1_i64, &2_i64]).await.unwrap_err();
        assert!(matches!(
            many,
            Error::Arguments {
                given: 2,
                expected: 1
            }
        ));
        client.query(ONE, &[&1_i64]).await.unwrap();
    }
    let mut tx = client.transaction().await.unwrap();
    assert!(tx.execute(delete, &[&Refuses]).await.is_err());
    // It was not sent, so the transaction goes on.
    let row = tx.query_one(ONE, &[&1_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    tx.commit().await.unwrap();
    // Nothing was sent, so nothing is invalid.
    assert_eq!(scene.source("people").await, Source::Local);
}

#[tokio::test]
async fn an_argument_that_panics_costs_nobody_else_anything() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    for _ in ["unknown types", "known types"] {
        for sql in [ONE, "DELETE FROM people WHERE id = $1"] {
            let client = scene.client.clone();
            let panics = async move { client.execute(sql, &[&Panics]).await.map(drop) };
            assert!(tokio::spawn(panics).await.unwrap_err().is_panic());
            let client = scene.client.clone();
            let panics = async move {
                let mut tx = client.transaction().await.unwrap();
                tx.execute("DELETE FROM people WHERE id = 2", &[])
                    .await
                    .unwrap();
                tx.execute(sql, &[&Panics]).await.map(drop)
            };
            assert!(tokio::spawn(panics).await.unwrap_err().is_panic());
            scene.client.query(sql, &[&99_i64]).await.unwrap();
        }
        scene.assert_true("after panics").await;
        assert_eq!(scene.truth("people").await.len(), 2);
    }
}

#[tokio::test]
async fn a_column_that_is_not_there_or_not_of_a_type_is_told() {
    let scene = Scene::new().await;
    for _ in ["miss", "hit"] {
        let row = scene
            .client
            .cached(ONE, &[&1_i64])
            .query_one()
            .await
            .unwrap();
        let error = row.try_get::<_, i64>("nobody").unwrap_err();
        assert!(matches!(error, Error::NoColumn(name) if name == "nobody"));
        let error = row.try_get::<_, i64>(2).unwrap_err();
        assert!(matches!(error, Error::NoColumn(name) if name == "2"));
        let error = row.try_get::<_, String>("id").unwrap_err();
        assert!(matches!(error, Error::Column { index: 0, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_that_is_printed_holds_what_was_bound_or_written() {
    let mut scene = Scene::new().await;
    let printed = std::cell::RefCell::new(String::new());
    let print = |what: &dyn Debug| {
        use std::fmt::Write as _;
        write!(printed.borrow_mut(), "{what:?} {what:#?}").unwrap();
    };
    let sql = "SELECT id, name FROM people WHERE name = $1 AND name <> 'S3CRET' \
        /* cachedpool: colour=S3CRET ttl=S3CRET */";
    let client = scene.client.clone();
    let secret: &[&(dyn ToSql + Sync)] = &[&"S3CRET"];
    let select = || client.cached(sql, secret).tag("S3CRET").scope("S3CRET");
    print(&select());
    print(&select().query_shared().await.unwrap());
    let mut connection = client.get().await.unwrap();
    print(&connection);
    let update = "UPDATE people SET name = $1 WHERE id = 1 AND name <> 'S3CRET' RETURNING name";
    let rows = connection.query(update, secret).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "S3CRET");
    print(&rows);
    print(&client.prepare(update).await.unwrap());
    print(&client.query(ONE, &[&Refuses, &"S3CRET"]).await.unwrap_err());
    print(&client.query(ONE, secret).await.unwrap_err());
    print(&client.build_transaction());
    let tx = client.transaction().await.unwrap();
    print(&tx);
    tx.commit().await.unwrap();
    print(&client);
    print(&client.stats());
    print(&CachedPool::builder(client.inner().clone()));
    print(&CachePolicy::new().tag("S3CRET").scope("S3CRET"));
    let events = scene.events();
    assert!(!events.is_empty());
    print(&events);
    for event in &events {
        print(&event.to_string());
    }
    print(&client.stats().to_string());
    let printed = printed.into_inner();
    let at = printed.find("S3CRET");
    assert_eq!(at.map(|at| &printed[at.saturating_sub(200)..]), None);
}
