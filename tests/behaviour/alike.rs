//! Pools that share a tier and look alike, and must not answer each other.

use std::any::type_name;

use cachedpool::{CacheExt as _, CachedPool, Source, cache::Time};
use cachedpool_test_support::{Victim, wait_until};
use serde::{Deserialize, Serialize};
use sqlx::{Error, FromRow, Pool, Postgres};

use crate::{
    kit::{LONG, Person, SERVERS, Server, TestDatabase, TestRow, Tier, live, query, read},
    several::{PEOPLE, from, kept, people, two},
};

tests!(sqlite, postgres, mariadb => [
    settings_that_change_answers_keep_pools_apart,
    generations_do_not_answer_each_other,
    two_row_types_of_one_name_do_not_answer_each_other,
    what_is_local_only_stays_and_takes_nothing,
]);
tests!(only postgres => [
    settings_of_the_application_keep_pools_apart,
]);
tests!(only mariadb => [
    a_server_that_is_read_only_shares_with_nobody,
]);

/// A pool as another process has it.
async fn pool_of<DB: TestDatabase>(inner: Pool<DB>, tier: &Tier) -> CachedPool<DB> {
    let builder = CachedPool::builder(inner)
        .shared_tier(tier.clone())
        .schema_interval(LONG)
        .time(Time::manual().0);
    let _usual = SERVERS.read().await;
    let pool = builder.build().await.unwrap();
    live(&pool).await;
    pool
}

async fn settings_that_change_answers_keep_pools_apart<DB: TestDatabase>() {
    let (alike, apart) = match DB::SERVER {
        Server::Sqlite => (
            &["PRAGMA cache_size = 100"][..],
            &[
                "PRAGMA case_sensitive_like = ON",
                "PRAGMA foreign_keys = OFF",
            ][..],
        ),
        Server::Postgres => (
            &[
                "SET application_name = 'worker 7'",
                "SET statement_timeout = 12345",
            ][..],
            &[
                "SET transform_null_equals = on",
                "SET array_nulls = off",
                "SET xmlbinary = 'hex'",
                "SET TimeZone = 'Asia/Tokyo'",
                "SET pg_trgm.similarity_threshold = 0.5",
                "SET pg_trgm.word_similarity_threshold = 0.5",
                "SET hnsw.ef_search = 100",
                "SET ivfflat.probes = 5",
            ][..],
        ),
        Server::MariaDb => (
            &["SET max_statement_time = 100"][..],
            &[
                "SET sql_select_limit = 5",
                "SET sql_auto_is_null = 1",
                "SET old_mode = ''",
                "SET system_versioning_asof = '2020-01-01 00:00:00'",
                "SET block_encryption_mode = 'aes-256-cbc'",
                "SET default_regex_flags = 'MULTILINE'",
                "SET time_zone = '+09:00'",
            ][..],
        ),
    };
    let (scene, _, tier) = two::<DB>().await;
    people(&scene.pool).await;
    kept(&tier, 1).await;
    let connect =
        async |statement| pool_of(DB::connect_with(&scene.url, statement).await, &tier).await;
    for statement in alike {
        assert_eq!(
            people(&connect(statement).await).await.0,
            Source::Shared,
            "{statement}"
        );
    }
    for (number, statement) in apart.iter().enumerate() {
        let other = connect(statement).await;
        assert_eq!(people(&other).await.0, Source::Database, "{statement}");
        kept(&tier, 2 + number).await;
        // It is the setting that tells them apart, and nothing else.
        let same = connect(statement).await;
        assert_eq!(people(&same).await.0, Source::Shared, "{statement}");
    }
}

async fn settings_of_the_application_keep_pools_apart<DB: TestDatabase>() {
    let (scene, _, tier) = two::<DB>().await;
    people(&scene.pool).await;
    kept(&tier, 1).await;
    let given = format!("{}&options=-c%20app.tenant%3D7", scene.url);
    let given = pool_of(DB::connect_with(&given, "SELECT 1").await, &tier).await;
    assert_eq!(people(&given).await.0, Source::Database);
    kept(&tier, 2).await;
    let name = scene
        .url
        .rsplit('/')
        .next()
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    scene
        .behind(&format!("ALTER DATABASE {name} SET app.tenant = '7'"))
        .await;
    let configured = pool_of(DB::connect_with(&scene.url, "SELECT 1").await, &tier).await;
    assert_eq!(people(&configured).await.0, Source::Database);
}

async fn generations_do_not_answer_each_other<DB: TestDatabase>() {
    let (scene, _, tier) = two::<DB>().await;
    let of = async |generation: &str| {
        let tier = tier.clone();
        let pool = scene
            .another(|builder| builder.shared_tier(tier).generation(generation))
            .await;
        live(&pool).await;
        pool
    };
    assert_eq!(people(&scene.pool).await, from(Source::Database, "Ada"));
    kept(&tier, 1).await;
    let next = of("2").await;
    assert_eq!(people(&next).await.0, Source::Database);
    kept(&tier, 2).await;
    for generation in ["2", ""] {
        let pool = of(generation).await;
        assert_eq!(people(&pool).await.0, Source::Shared, "{generation}");
    }
    // A write of one invalidates in all.
    scene
        .through("UPDATE people SET name = 'Eve' WHERE id = 1")
        .await;
    assert_eq!(people(&next).await, from(Source::Database, "Eve"));
}

async fn two_row_types_of_one_name_do_not_answer_each_other<DB: TestDatabase>() {
    /// Reads the first row as a `Row` of its own, whose number is what the closure makes of the id.
    macro_rules! row {
        ($pool:expr, |$id:ident| $number:expr) => {{
            #[derive(Clone, Serialize, Deserialize)]
            struct Row {
                number: i64,
            }
            impl<'r, R: TestRow> FromRow<'r, R> for Row {
                fn from_row(row: &'r R) -> Result<Self, Error> {
                    let $id = row.int(0)?;
                    Ok(Row { number: $number })
                }
            }
            let row = read::<DB, Row>(PEOPLE, [])
                .cached($pool)
                .fetch_one()
                .await
                .unwrap();
            (type_name::<Row>(), row.number)
        }};
    }
    let (scene, other, tier) = two::<DB>().await;
    let (name, number) = row!(&scene.pool, |id| id);
    assert_eq!(number, 1);
    // The same test on another database may have shown before that the name is of two.
    let _ = tokio::time::timeout(LONG / 20, kept(&tier, 1)).await;
    let (other_name, number) = row!(&other, |id| -id);
    assert_eq!((other_name, number), (name, -1));
}

async fn what_is_local_only_stays_and_takes_nothing<DB: TestDatabase>() {
    let (scene, other, tier) = two::<DB>().await;
    let local_only = async |pool: &CachedPool<DB>| {
        let read = read::<DB, Person>(PEOPLE, []).cached(pool).local_only();
        read.fetch_all_shared().await.unwrap().source()
    };
    assert_eq!(local_only(&scene.pool).await, Source::Database);
    assert_eq!(local_only(&scene.pool).await, Source::Local);
    assert_eq!(people(&other).await.0, Source::Database);
    kept(&tier, 1).await;
    let third = {
        let tier = tier.clone();
        scene.another(|builder| builder.shared_tier(tier)).await
    };
    live(&third).await;
    assert_eq!(local_only(&third).await, Source::Database);
    assert_eq!(tier.entries(), 1);
}

async fn a_server_that_is_read_only_shares_with_nobody<DB: TestDatabase>() {
    let (scene, _, tier) = two::<DB>().await;
    people(&scene.pool).await;
    kept(&tier, 1).await;
    let build = || {
        CachedPool::builder(scene.aside.clone())
            .shared_tier(tier.clone())
            .build()
    };
    let replicas = {
        let _alone = SERVERS.write().await;
        scene.behind("SET GLOBAL read_only = ON").await;
        let replicas = [build().await, build().await];
        scene.behind("SET GLOBAL read_only = OFF").await;
        replicas.map(Result::unwrap)
    };
    for replica in replicas {
        live(&replica).await;
        assert_eq!(people(&replica).await.0, Source::Database);
    }
}

#[tokio::test]
async fn a_standby_shares_with_nobody_as_its_rows_lag_behind() {
    let primary = Victim::postgres().await;
    let standby = primary.standby().await;
    let connect = async |server: &Victim| {
        let url = format!(
            "postgres://postgres@{}/postgres?sslmode=disable",
            server.address()
        );
        Pool::<Postgres>::connect(&url).await.unwrap()
    };
    let (inner, behind) = (connect(&primary).await, connect(&standby).await);
    let run = async |pool: &Pool<Postgres>, sql: &'static str| {
        sqlx::raw_sql(sql).execute(pool).await.unwrap();
    };
    run(
        &inner,
        "CREATE TABLE people (id BIGINT, name TEXT); INSERT INTO people VALUES (1, 'Ada')",
    )
    .await;
    wait_until(LONG, "the standby has the row", async || {
        let name = sqlx::query_scalar("SELECT name FROM people")
            .fetch_one(&behind)
            .await;
        name.is_ok_and(|name: String| name == "Ada")
    })
    .await;
    run(&behind, "SELECT pg_wal_replay_pause()").await;
    let tier = Tier::new();
    let writer = pool_of(inner, &tier).await;
    let readers = [
        pool_of(behind.clone(), &tier).await,
        pool_of(behind, &tier).await,
    ];
    query::<Postgres>("UPDATE people SET name = 'Eve'", [])
        .execute(&writer)
        .await
        .unwrap();
    // What the standby answers is from before the write, and its processes hear of the write before it does.
    assert_eq!(people(&readers[0]).await, from(Source::Database, "Ada"));
    assert_eq!(people(&writer).await, from(Source::Database, "Eve"));
    kept(&tier, 1).await;
    assert_eq!(people(&readers[1]).await, from(Source::Database, "Ada"));
}
