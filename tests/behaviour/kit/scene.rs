//! A pool on a database of its own, with a clock that stands still until the test turns it.

use std::time::Duration;

use cachedpool::{
    Builder, CacheExt as _, CachedPool,
    cache::{ManualTime, Source, Time},
    observe::{Event, EventStream},
};
use cachedpool_test_support::SqliteFile;
use sqlx::{Pool, pool::PoolOptions};
use tokio::sync::RwLock;

use super::{
    Person, Server, TestDatabase, Wire, query, read,
    shared::{is_shared, share},
};

/// Longer than anything takes that is going to happen.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Written while a server is in a state that every pool which is built then would see.
pub(crate) static SERVERS: RwLock<()> = RwLock::const_new(());

/// How a scene differs from the usual one.
pub(crate) struct Setting<DB: TestDatabase> {
    connections: u32,
    wired: bool,
    prepared: Vec<&'static str>,
    configure: Box<dyn FnOnce(Builder<DB>) -> Builder<DB>>,
}

/// A pool and what a test needs around it.
pub(crate) struct Scene<DB: TestDatabase> {
    /// The pool under test.
    pub(crate) pool: CachedPool<DB>,
    /// The same database past the pool, which cannot know of what is done here.
    pub(crate) aside: Pool<DB>,
    /// Turns the pool's clock.
    pub(crate) hand: ManualTime,
    /// The address of the database.
    pub(crate) url: String,
    /// The pool's way to its server.
    wire: Option<Wire>,
    events: EventStream,
    _file: Option<SqliteFile>,
}

impl<DB: TestDatabase> Setting<DB> {
    /// Four connections and the pool's own defaults, save that entries that are made together expire together.
    pub(crate) fn usual() -> Self {
        Setting {
            connections: 4,
            wired: false,
            prepared: Vec::new(),
            configure: Box::new(|builder| builder),
        }
    }

    /// At most so many connections.
    pub(crate) fn connections(mut self, most: u32) -> Self {
        self.connections = most;
        self
    }

    /// The pool reaches its server by a wire that can be cut.
    pub(crate) fn wired(mut self) -> Self {
        self.wired = true;
        self
    }

    /// What is in the database beside the two tables, before the pool is built.
    pub(crate) fn with(mut self, sql: impl IntoIterator<Item = &'static str>) -> Self {
        self.prepared.extend(sql);
        self
    }

    /// Other settings of the pool.
    pub(crate) fn pool(
        mut self,
        configure: impl FnOnce(Builder<DB>) -> Builder<DB> + 'static,
    ) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// Builds it, with the tables `people`, which holds Ada (1) and Bob (2), and `pets`, which is empty.
    pub(crate) async fn scene(self) -> Scene<DB> {
        let (url, file) = DB::place().await;
        let (wire, wired_url) = match self.wired {
            true => Some(Wire::to(&url).await).unzip(),
            false => (None, None),
        };
        let pool = async |url: &str, most| {
            PoolOptions::<DB>::new()
                .max_connections(most)
                .acquire_timeout(LONG)
                .connect(url)
                .await
                .unwrap()
        };
        let inner = pool(wired_url.as_ref().unwrap_or(&url), self.connections).await;
        let aside = pool(&url, 4).await;
        if DB::SERVER == Server::Sqlite {
            // Readers and the writer do not wait for each other.
            execute(&aside, "PRAGMA journal_mode = WAL").await;
        }
        for sql in [
            "CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR(100))",
            "CREATE TABLE pets (id BIGINT PRIMARY KEY, owner BIGINT, name VARCHAR(100))",
            "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')",
        ] {
            execute(&aside, sql).await;
        }
        for sql in self.prepared {
            execute(&aside, sql).await;
        }
        let (time, hand) = Time::manual();
        let builder = CachedPool::builder(inner)
            .time(time.clone())
            // On MariaDB the pools see the databases of other tests come and go.
            .schema_interval(Duration::from_secs(1 << 20))
            .ttl_jitter(0.0);
        let builder = (self.configure)(share(builder, &time).await);
        let pool = {
            let _usual = SERVERS.read().await;
            builder.build().await.unwrap()
        };
        if is_shared() {
            live(&pool).await;
        }
        Scene {
            events: pool.events(),
            pool,
            aside,
            hand,
            url,
            wire,
            _file: file,
        }
    }
}

/// Waits until a pool hears of the others.
pub(crate) async fn live<DB: TestDatabase>(pool: &CachedPool<DB>) {
    let is_live = async {
        while !pool.stats().shared_live {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, is_live).await.unwrap();
}

async fn execute<DB: TestDatabase>(pool: &Pool<DB>, sql: &str) -> u64 {
    let query = query::<DB>(sql, []);
    DB::affected(
        &DB::execute(pool, query)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}")),
    )
}

impl<DB: TestDatabase> Scene<DB> {
    /// The usual scene.
    pub(crate) async fn new() -> Self {
        Setting::usual().scene().await
    }

    /// Another pool on the same database, as another process has it.
    pub(crate) async fn another(
        &self,
        configure: impl FnOnce(Builder<DB>) -> Builder<DB>,
    ) -> CachedPool<DB> {
        let (time, _) = Time::manual();
        let builder = configure(CachedPool::builder(self.aside.clone()).time(time));
        let _usual = SERVERS.read().await;
        builder.build().await.unwrap()
    }

    /// The pool's way to its server, if it is `wired`.
    pub(crate) fn wire(&self) -> &Wire {
        self.wire.as_ref().unwrap()
    }

    /// Runs a statement past the pool.
    pub(crate) async fn behind(&self, sql: &str) -> u64 {
        execute(&self.aside, sql).await
    }

    /// Runs a statement on the pool.
    pub(crate) async fn through(&self, sql: &str) -> u64 {
        let result = query::<DB>(sql, []).execute(&self.pool).await;
        DB::affected(&result.unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    /// All people or pets, through the cache.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Person> {
        read::<DB, Person>(&all(table), [])
            .cached(&self.pool)
            .fetch_all()
            .await
            .unwrap()
    }

    /// All people or pets, as they are.
    pub(crate) async fn truth(&self, table: &str) -> Vec<Person> {
        DB::fetch_people(&self.aside, read(&all(table), []))
            .await
            .unwrap()
    }

    /// Where a cached read of a table gets its answer.
    pub(crate) async fn source(&self, table: &str) -> Source {
        read::<DB, Person>(&all(table), [])
            .cached(&self.pool)
            .fetch_all_shared()
            .await
            .unwrap()
            .source()
    }

    /// Sees to it that both tables are in the cache.
    pub(crate) async fn warm(&self) {
        for table in ["people", "pets"] {
            self.rows(table).await;
            assert_eq!(self.source(table).await, Source::Local, "{table}");
        }
    }

    /// That cached reads agree with the database.
    pub(crate) async fn assert_true(&self, when: &str) {
        for table in ["people", "pets"] {
            assert_eq!(
                self.rows(table).await,
                self.truth(table).await,
                "{table}, {when}"
            );
        }
    }

    /// What has happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_next()).collect()
    }
}

fn all(table: &str) -> String {
    format!("SELECT id, name FROM {table} ORDER BY id")
}
