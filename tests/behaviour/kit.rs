//! What the tests stand on: databases, scenes, rows and arguments of any kind.

mod database;
mod scene;
mod shared;
mod tier;
mod values;
mod wire;

pub(crate) use database::{Server, TestDatabase, TestRow};
pub(crate) use scene::{LONG, SERVERS, Scene, Setting, live};
pub(crate) use shared::is_shared;
pub(crate) use tier::Tier;
pub(crate) use values::{Number, Person, Value, query, read, run};
pub(crate) use wire::Wire;

/// Names of tables without their schema, which is another one on each database, and other tags as they are; in order.
pub(crate) fn bare(tags: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = tags
        .iter()
        .map(|tag| tag.rsplit('.').next().unwrap_or(tag))
        .collect();
    names.sort_unstable();
    names
}

/// Runs generic tests on each database that is named; on the two
/// `servers`, where it takes one; or `only` on one, where the sentence is about that one.
macro_rules! tests {
    (servers => $tests:tt) => {
        tests!(@ in on_postgres_server sqlx::Postgres, $tests);
        tests!(@ in on_mariadb_server sqlx::MySql, $tests);
    };
    (only sqlite => $tests:tt) => { tests!(@ in only_on_sqlite sqlx::Sqlite, $tests); };
    (only postgres => $tests:tt) => { tests!(@ in only_on_postgres sqlx::Postgres, $tests); };
    (only mariadb => $tests:tt) => { tests!(@ in only_on_mariadb sqlx::MySql, $tests); };
    (@ sqlite $tests:tt) => { tests!(@ in on_sqlite sqlx::Sqlite, $tests); };
    (@ postgres $tests:tt) => { tests!(@ in on_postgres sqlx::Postgres, $tests); };
    (@ mariadb $tests:tt) => { tests!(@ in on_mariadb sqlx::MySql, $tests); };
    ($($database:ident),+ => $tests:tt) => {
        $(tests!(@ $database $tests);)+
    };
    (@ in $module:ident $Database:ty, [$($test:ident),+ $(,)?]) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<$Database>().await;
                }
            )+
        }
    };
}
