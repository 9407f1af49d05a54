//! Errors are the database's own and never cached; and nothing that is printed holds what was bound.

use cachedpool::{CacheExt as _, CachedPool, ErrorKind, Source, observe::Event};
use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use sqlx::{
    Encode, Error, FromRow, Type,
    encode::IsNull,
    error::{BoxDynError, ErrorKind as DatabaseErrorKind},
};
use std::time::Duration;

use crate::kit::{Number, Person, Scene, TestDatabase, TestRow, query, read};

tests!(sqlite, postgres, mariadb => [
    a_database_error_is_sqlx_own,
    an_error_is_never_cached,
    a_row_that_does_not_fit_its_type_is_sqlx_own_error_and_not_cached,
    an_argument_that_cannot_be_encoded_is_sqlx_own_error,
    a_row_that_cannot_be_serialised_is_returned_and_not_stored,
    every_bad_setting_is_named,
    nothing_that_is_printed_holds_what_was_bound_or_written,
]);

async fn a_database_error_is_sqlx_own<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let taken = || query::<DB>("INSERT INTO people VALUES ($1, 'x')", [1.into()]);
    let expected = DB::execute(&scene.aside, taken()).await.unwrap_err();
    let mut connection = scene.pool.acquire().await.unwrap();
    let mut tx = scene.pool.begin().await.unwrap();
    let errors = [
        taken().execute(&scene.pool).await.unwrap_err(),
        taken()
            .fetch_optional(&scene.pool)
            .await
            .map(drop)
            .unwrap_err(),
        taken().execute(&mut *connection).await.unwrap_err(),
        taken().execute(&mut *tx).await.unwrap_err(),
    ];
    for error in errors {
        let (error, expected) = (
            error.as_database_error().unwrap(),
            expected.as_database_error().unwrap(),
        );
        assert_eq!(error.kind(), DatabaseErrorKind::UniqueViolation);
        assert_eq!(error.code(), expected.code());
        assert_eq!(error.message(), expected.message());
    }
}

async fn an_error_is_never_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let extra = || {
        read::<DB, Number>("SELECT extra AS id FROM people", [])
            .cached(&scene.pool)
            .fetch_all_shared()
    };
    for _ in 0..2 {
        assert!(extra().await.unwrap_err().as_database_error().is_some());
    }
    let stats = scene.pool.stats();
    assert_eq!((stats.loads, stats.load_failures, stats.entries), (2, 2, 0));
    // Even where the pool cannot know that it would succeed now.
    scene
        .behind("ALTER TABLE people ADD COLUMN extra BIGINT DEFAULT 0 NOT NULL")
        .await;
    assert_eq!(extra().await.unwrap().source(), Source::Database);
}

async fn a_row_that_does_not_fit_its_type_is_sqlx_own_error_and_not_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for _ in 0..2 {
        let read = read::<DB, Number>("SELECT name FROM people", []).cached(&scene.pool);
        let error = read.fetch_one().await.unwrap_err();
        assert!(matches!(error, Error::ColumnDecode { .. }), "{error}");
    }
    assert_eq!(scene.pool.stats().entries, 0);
}

/// A value that no database gets to see.
struct Refuses;

impl<DB: TestDatabase> Encode<'_, DB> for Refuses {
    fn encode_by_ref(&self, _: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Err("refuses to be encoded".into())
    }
}

impl<DB: TestDatabase> Type<DB> for Refuses {
    fn type_info() -> DB::TypeInfo {
        DB::int_type()
    }
}

async fn an_argument_that_cannot_be_encoded_is_sqlx_own_error<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let refused = |error: Error| match error {
        Error::Encode(error) => error.to_string().ends_with("refuses to be encoded"),
        _ => false,
    };
    let select =
        || read::<DB, Person>("SELECT id, name FROM people WHERE id = $1", []).bind(Refuses);
    assert!(refused(
        select().cached(&scene.pool).fetch_all().await.unwrap_err()
    ));
    assert!(refused(
        select()
            .cached(&scene.pool)
            .fetch_optional()
            .await
            .unwrap_err()
    ));
    assert!(refused(select().fetch_all(&scene.pool).await.unwrap_err()));
    let mapped = query::<DB>("SELECT id, name FROM people WHERE id = $1", [])
        .bind(Refuses)
        .try_map(|row: DB::Row| Person::from_row(&row));
    assert!(refused(
        mapped.cached(&scene.pool).fetch_all().await.unwrap_err()
    ));
    let delete = || query::<DB>("DELETE FROM people WHERE id = $1", []).bind(Refuses);
    assert!(refused(delete().execute(&scene.pool).await.unwrap_err()));
    let mut tx = scene.pool.begin().await.unwrap();
    assert!(refused(delete().execute(&mut *tx).await.unwrap_err()));
    tx.commit().await.unwrap();
    // Nothing was sent, so nothing is invalid.
    assert_eq!(scene.source("people").await, Source::Local);
}

/// A row that can be read and not written.
#[derive(Clone, Deserialize)]
struct Unwritable(i64);

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("will not"))
    }
}

impl<'r, R: TestRow> FromRow<'r, R> for Unwritable {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Unwritable(row.int(0)?))
    }
}

async fn a_row_that_cannot_be_serialised_is_returned_and_not_stored<DB: TestDatabase>() {
    let mut scene = Scene::<DB>::new().await;
    for _ in 0..2 {
        let read =
            read::<DB, Unwritable>("SELECT id FROM people WHERE id = 1", []).cached(&scene.pool);
        let row = read.fetch_one_shared().await.unwrap();
        assert_eq!((row.0, row.source()), (1, Source::Database));
    }
    assert_eq!(scene.pool.stats().entries, 0);
    assert_eq!(scene.pool.stats().stores_skipped["encode failed"], 2);
    let named = scene.events().into_iter().any(|event| match event {
        Event::EncodeFailed { value } => value.contains("Unwritable"),
        _ => false,
    });
    assert!(named);
}

async fn every_bad_setting_is_named<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let none = Duration::ZERO;
    let build = || CachedPool::builder(scene.pool.inner().clone());
    let broken = [
        ("default_ttl", build().default_ttl(none)),
        ("empty_ttl", build().empty_ttl(none)),
        ("max_stale", build().max_stale(none)),
        ("max_rows", build().max_rows(0)),
        ("max_bytes", build().max_bytes(0)),
        ("local_capacity", build().local_capacity(0)),
        ("statement_capacity", build().statement_capacity(0)),
        ("max_refreshes", build().max_refreshes(0)),
        ("max_in_flight", build().max_in_flight(0)),
        ("quarantine", build().quarantine(none)),
        ("soft_timeout", build().soft_timeout(none)),
        ("ttl_jitter", build().ttl_jitter(1.0)),
        ("patience", build().patience(Duration::ZERO)),
        ("ttl_jitter", build().ttl_jitter(-0.1)),
        ("ttl_jitter", build().ttl_jitter(f64::NAN)),
        ("early_refresh", build().early_refresh(0.0)),
        ("early_refresh", build().early_refresh(1.0)),
        ("early_refresh", build().early_refresh(f64::NAN)),
        ("assume_pure", build().assume_pure(" ")),
        (
            "declare_function",
            build().declare_function("", ["t"], ["t"]),
        ),
        (
            "declare_function",
            build().declare_function("f", ["t", " "], ["t"]),
        ),
    ];
    for (expected, builder) in broken {
        let error = builder.build().await.unwrap_err();
        let ErrorKind::InvalidSetting { field, .. } = error.kind() else {
            panic!("{expected}: {error:?}");
        };
        assert!(field.contains(expected), "{expected}: {error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    scene.pool.close().await;
    let error = build().build().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Session);
}

async fn nothing_that_is_printed_holds_what_was_bound_or_written<DB: TestDatabase>() {
    let mut scene = Scene::<DB>::new().await;
    let printed = std::cell::RefCell::new(String::new());
    let print = |what: &dyn std::fmt::Debug| {
        use std::fmt::Write as _;
        write!(printed.borrow_mut(), "{what:?} {what:#?}").unwrap();
    };
    let sql = "SELECT id, name FROM people WHERE name = $1 AND name <> 'S3CRET' /* cachedpool: colour=S3CRET ttl=S3CRET */";
    let select = || {
        read::<DB, Person>(sql, ["S3CRET".into()])
            .cached(&scene.pool)
            .tag("S3CRET")
            .scope("S3CRET")
    };
    print(&select());
    select().fetch_all().await.unwrap();
    let mut connection = scene.pool.acquire().await.unwrap();
    print(&connection);
    let update = query::<DB>(
        "UPDATE people SET name = $1 WHERE name = 'S3CRET'",
        ["S3CRET".into()],
    );
    update.execute(&mut *connection).await.unwrap();
    let tx = scene.pool.begin().await.unwrap();
    print(&tx);
    tx.commit().await.unwrap();
    print(&scene.pool);
    print(&scene.pool.stats());
    print(&CachedPool::builder(scene.pool.inner().clone()));
    print(&cachedpool::CachePolicy::new().tag("S3CRET").scope("S3CRET"));
    let events = scene.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::HintFault { .. }))
    );
    print(&events);
    for event in &events {
        print(&event.to_string());
    }
    print(&scene.pool.stats().to_string());
    let printed = printed.into_inner();
    let at = printed.find("S3CRET");
    assert_eq!(at.map(|at| &printed[at.saturating_sub(200)..]), None);
}
