//! What is written through one driver invalidates what the other has cached: in one process, where one pool is built beside
//! the other, and among processes, by the tier. Pools that have neither show that nothing else does it.

mod rows;

use cachedpool::{
    CacheExt as _, CachedPool, Consistency, Error, ErrorKind, Source, cache::Time,
    tokio_postgres::GenericClient as _,
};
use cachedpool_test_support::wait_until;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use crate::kit::{LONG, Scene, Setting, Tier, by_redis, own_redis};

/// What two pools have in common beside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bond {
    /// The cache.
    Beside,
    /// The tier.
    Tier,
    /// Nothing.
    None,
}

/// A driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Sqlx,
    TokioPostgres,
}

const DRIVERS: [Driver; 2] = [Driver::Sqlx, Driver::TokioPostgres];

impl Driver {
    fn other(self) -> Self {
        match self {
            Driver::Sqlx => Driver::TokioPostgres,
            Driver::TokioPostgres => Driver::Sqlx,
        }
    }
}

/// A pool of each driver on one database.
struct Both {
    scene: Scene,
    pool: CachedPool<Postgres>,
    bond: Bond,
}

const PEOPLE: &str = "SELECT name FROM people ORDER BY id";

impl Both {
    /// On a database that these statements have prepared.
    async fn new(bond: Bond, prepared: &[&'static str]) -> Self {
        let redis = own_redis().await;
        let shared = redis.clone();
        let setting = Setting::usual().with(prepared.iter().copied());
        let setting = match bond {
            Bond::Tier => setting.pool(|builder| by_redis(builder, shared)),
            Bond::Beside | Bond::None => setting,
        };
        let scene = setting.scene().await;
        let inner = PgPool::connect_with(options(&scene)).await.unwrap();
        let builder = CachedPool::builder(inner).time(Time::manual().0);
        let builder = match bond {
            Bond::Beside => builder.beside(&scene.client),
            Bond::Tier => by_redis(builder, redis),
            Bond::None => builder,
        };
        let pool = builder.build().await.unwrap();
        if bond == Bond::Tier {
            let live = async || scene.client.stats().shared_live && pool.stats().shared_live;
            wait_until(LONG, "the tier is live", live).await;
        }
        Both { scene, pool, bond }
    }

    /// The first person's name through a driver's cache, and where the answer came from.
    async fn first(&self, driver: Driver) -> (Source, String) {
        match driver {
            Driver::Sqlx => {
                let names = sqlx::query_scalar::<_, String>(PEOPLE).cached(&self.pool);
                let names = names.fetch_all_shared().await.unwrap();
                (names.source(), names[0].clone())
            }
            Driver::TokioPostgres => {
                let rows = self.scene.client.cached(PEOPLE, &[]).query_shared().await;
                let rows = rows.unwrap();
                (rows.source(), rows[0].get(0))
            }
        }
    }

    /// Sees to it that both have the people in memory.
    async fn warm(&self) -> String {
        let mut names = Vec::new();
        for driver in DRIVERS {
            self.first(driver).await;
            let (source, name) = self.first(driver).await;
            assert_eq!(source, Source::Local, "{driver:?}");
            names.push(name);
        }
        assert_eq!(names[0], names[1]);
        names.remove(0)
    }

    /// Runs a statement on a pool.
    async fn run(&self, driver: Driver, sql: &str) {
        match driver {
            Driver::Sqlx => {
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                query.execute(&self.pool).await.unwrap();
            }
            Driver::TokioPostgres => {
                self.scene.client.execute(sql, &[]).await.unwrap();
            }
        }
    }

    /// Runs a statement in a transaction, looks, and ends it.
    async fn run_inside(&self, driver: Driver, sql: &str, end: End, look: impl AsyncFnOnce()) {
        match driver {
            Driver::Sqlx => {
                let mut tx = self.pool.begin().await.unwrap();
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                query.execute(&mut *tx).await.unwrap();
                look().await;
                match end {
                    End::Commit => tx.commit().await.unwrap(),
                    End::Rollback => tx.rollback().await.unwrap(),
                    End::Drop => drop(tx),
                }
            }
            Driver::TokioPostgres => {
                let mut tx = self.scene.client.transaction().await.unwrap();
                tx.execute(sql, &[]).await.unwrap();
                look().await;
                match end {
                    End::Commit => tx.commit().await.unwrap(),
                    End::Rollback => tx.rollback().await.unwrap(),
                    End::Drop => drop(tx),
                }
            }
        }
    }

    async fn by_hand(&self, driver: Driver, call: Call) {
        macro_rules! call {
            ($pool:expr) => {
                match call {
                    Call::Tables => $pool.invalidate_tables(["people"]).await,
                    Call::All => $pool.invalidate_all().await,
                }
            };
        }
        match driver {
            Driver::Sqlx => call!(&self.pool),
            Driver::TokioPostgres => call!(&self.scene.client),
        }
        .unwrap();
    }

    /// What the other driver must see after a deed of this one: the old answer still, or this new one.
    async fn assert_seen(&self, driver: Driver, new: &str) {
        let (own, other) = (driver, driver.other());
        let (source, name) = self.first(own).await;
        assert_eq!(name, new, "{own:?} sees what it did itself");
        assert_ne!(source, Source::Local, "{own:?}");
        match self.bond {
            Bond::Beside => {
                let (source, name) = self.first(other).await;
                assert_eq!((source, &*name), (Source::Database, new), "{other:?}");
            }
            Bond::Tier => {
                let sees = async || self.first(other).await.1 == new;
                wait_until(LONG, "the other process sees it", sees).await;
            }
            Bond::None => {
                let (source, name) = self.first(other).await;
                assert_eq!(source, Source::Local, "{other:?}");
                assert_ne!(name, new, "{other:?}");
                // For what comes after.
                self.by_hand(other, Call::All).await;
            }
        }
    }

    async fn assert_kept(&self, old: &str) {
        for driver in DRIVERS {
            let (source, name) = self.first(driver).await;
            assert_eq!((source, &*name), (Source::Local, old), "{driver:?}");
        }
    }
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Commit,
    Rollback,
    Drop,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Tables,
    All,
}

/// As the client's address says.
fn options(scene: &Scene) -> sqlx::postgres::PgConnectOptions {
    let config = &scene.config;
    let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else {
        panic!("servers of tests are reached by TCP");
    };
    sqlx::postgres::PgConnectOptions::new()
        .host(host)
        .port(config.get_ports()[0])
        .username(config.get_user().unwrap())
        .database(config.get_dbname().unwrap())
        .ssl_mode(sqlx::postgres::PgSslMode::Disable)
}

fn rename(name: &str) -> String {
    format!("UPDATE people SET name = '{name}' WHERE id = 1")
}

/// Every deed of each driver, as the other sees it.
async fn deeds(bond: Bond) {
    let both = Both::new(bond, &[]).await;
    for driver in DRIVERS {
        let name = |what: &str| format!("{what} by {driver:?}");

        both.warm().await;
        both.run(driver, &rename(&name("executed"))).await;
        both.assert_seen(driver, &name("executed")).await;

        for end in [End::Rollback, End::Drop, End::Commit] {
            let old = both.warm().await;
            let new = name(&format!("{end:?}"));
            let look = async || both.assert_kept(&old).await;
            both.run_inside(driver, &rename(&new), end, look).await;
            match end {
                End::Commit => both.assert_seen(driver, &new).await,
                End::Rollback | End::Drop => both.assert_kept(&old).await,
            }
        }

        // What nobody sees, until one of them says so.
        for (call, word) in [(Call::Tables, "tables"), (Call::All, "all")] {
            let old = both.warm().await;
            both.scene.behind(&rename(&name(word))).await;
            both.assert_kept(&old).await;
            both.by_hand(driver, call).await;
            both.assert_seen(driver, &name(word)).await;
        }

        let old = both.warm().await;
        both.scene.behind(&rename(&name("DDL"))).await;
        both.assert_kept(&old).await;
        let table = format!("CREATE TABLE {driver:?} ()");
        both.run(driver, &table).await;
        both.assert_seen(driver, &name("DDL")).await;
        known(&both).await;
    }
}

/// Waits until both know the definitions of now: until then they cache nothing.
async fn known(both: &Both) {
    for driver in DRIVERS {
        let cached = async || both.first(driver).await.0 == Source::Local;
        wait_until(LONG, "the catalog is read again", cached).await;
    }
}

#[tokio::test]
async fn what_one_driver_does_the_other_sees_beside_it() {
    deeds(Bond::Beside).await;
}

#[tokio::test]
async fn what_one_driver_does_the_other_sees_by_the_tier() {
    deeds(Bond::Tier).await;
}

#[tokio::test]
async fn without_a_bond_neither_sees_what_the_other_does() {
    deeds(Bond::None).await;
}

#[tokio::test]
async fn a_pool_cannot_promise_more_of_a_tier_than_the_one_that_it_is_beside() {
    let bounded = Setting::usual().pool(|builder| builder.shared_tier(Tier::new()));
    let strict = Setting::usual()
        .pool(|builder| (builder.shared_tier(Tier::new())).consistency(Consistency::Strict));
    let alone = Setting::usual();
    for (setting, expected) in [
        (bounded, Some("consistency")),
        (strict, None),
        (alone, None),
    ] {
        let scene = setting.scene().await;
        let inner = PgPool::connect_with(options(&scene)).await.unwrap();
        let beside = || CachedPool::builder(inner.clone()).beside(&scene.client);
        let built = beside().consistency(Consistency::Strict).build().await;
        assert_eq!(built.err().and_then(field), expected);
        let built = beside().encrypt_with([[7; 32]]).build().await;
        assert_eq!(built.err().and_then(field), Some("encrypt_with"));
    }
}

#[tokio::test]
async fn a_pool_on_another_database_is_refused() {
    let scene = Setting::usual().scene().await;
    let own = PgPool::connect_with(options(&scene)).await.unwrap();
    CachedPool::builder(own)
        .beside(&scene.client)
        .build()
        .await
        .unwrap();
    let other = PgPool::connect_with(options(&scene).database("postgres"));
    let built = CachedPool::builder(other.await.unwrap())
        .beside(&scene.client)
        .build()
        .await;
    assert_eq!(built.err().and_then(field), Some("beside"));
}

/// The setting that an error is about.
fn field(error: Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::InvalidSetting { field, .. } => Some(field),
        _ => None,
    }
}
