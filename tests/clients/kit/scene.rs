//! A client on a database of its own, with a clock that stands still until the test turns it.

use std::time::Duration;

use cachedpool::{
    Builder, CachedClient, CachedPool, Source, TokioPostgres,
    cache::{ManualTime, Time},
    observe::{Event, EventStream},
    tokio_postgres::{CachedRow, GenericClient as _},
};
use cachedpool_test_support::{Proxy, postgres, wait_until};
use deadpool_postgres::{Manager, Pool, Runtime};
use tokio_postgres::{Config, NoTls, config::Host};

use super::Person;

/// Longer than anything takes that is going to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// How a scene differs from the usual one.
pub(crate) struct Setting {
    connections: usize,
    proxied: bool,
    prepared: Vec<&'static str>,
    configure: Box<dyn FnOnce(Builder<TokioPostgres>) -> Builder<TokioPostgres>>,
}

/// A client and what a test needs around it.
pub(crate) struct Scene {
    /// The client under test.
    pub(crate) client: CachedClient,
    /// The same database past the client, which cannot know of what is done here.
    pub(crate) aside: Pool,
    /// Turns the client's clock.
    pub(crate) hand: ManualTime,
    /// The address of the database, by the direct way.
    pub(crate) config: Config,
    proxy: Option<Proxy>,
    events: EventStream,
}

impl Setting {
    /// Four connections and the defaults, save that entries that are made together expire together.
    pub(crate) fn usual() -> Self {
        Setting {
            connections: 4,
            proxied: false,
            prepared: Vec::new(),
            configure: Box::new(|builder| builder),
        }
    }

    /// At most so many connections.
    pub(crate) fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// The client reaches its server by a proxy.
    pub(crate) fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// What is in the database beside the two tables, before the client is built.
    pub(crate) fn with(mut self, sql: impl IntoIterator<Item = &'static str>) -> Self {
        self.prepared.extend(sql);
        self
    }

    /// Other settings of the client.
    pub(crate) fn pool(
        mut self,
        configure: impl FnOnce(Builder<TokioPostgres>) -> Builder<TokioPostgres> + 'static,
    ) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// Builds it, with the tables `people`, which holds Ada (1) and Bob (2), and `pets`, which is empty.
    pub(crate) async fn scene(self) -> Scene {
        let url = postgres().await.fresh_database().await;
        let config: Config = url.parse().unwrap();
        let (proxy, way) = match self.proxied {
            true => {
                let (proxy, way) = proxied(&config).await;
                (Some(proxy), way)
            }
            false => (None, config.clone()),
        };
        let aside = pool_of(&config, 4);
        for sql in [
            "CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR(100))",
            "CREATE TABLE pets (id BIGINT PRIMARY KEY, owner BIGINT, name VARCHAR(100))",
            "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')",
        ]
        .into_iter()
        .chain(self.prepared)
        {
            aside.get().await.unwrap().batch_execute(sql).await.unwrap();
        }
        let (time, hand) = Time::manual();
        let builder = CachedPool::builder(pool_of(&way, self.connections))
            .time(time)
            .schema_interval(Duration::from_secs(1 << 20))
            // A test turns the clock by hours at once, and no beat of a shared tier comes in between.
            .max_staleness(Duration::from_secs(100 * 365 * 24 * 60 * 60))
            .ttl_jitter(0.0);
        let client = (self.configure)(builder).build().await.unwrap();
        Scene {
            events: client.events(),
            client,
            aside,
            hand,
            config,
            proxy,
        }
    }
}

/// A pool of at most so many connections.
pub(crate) fn pool_of(config: &Config, most: usize) -> Pool {
    Pool::builder(Manager::new(config.clone(), NoTls))
        .max_size(most)
        .wait_timeout(Some(LONG))
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap()
}

/// A proxy before the server of a database, and the address by way of it.
async fn proxied(config: &Config) -> (Proxy, Config) {
    let Host::Tcp(host) = &config.get_hosts()[0] else {
        panic!("servers of tests are reached by TCP");
    };
    let server = format!("{host}:{}", config.get_ports()[0]);
    let proxy = Proxy::start(server.parse().unwrap()).await;
    let mut way = Config::new();
    way.host(proxy.address().ip().to_string())
        .port(proxy.address().port())
        .user(config.get_user().unwrap())
        .password(config.get_password().unwrap())
        .dbname(config.get_dbname().unwrap())
        .ssl_mode(config.get_ssl_mode());
    (proxy, way)
}

impl Scene {
    /// The usual scene.
    pub(crate) async fn new() -> Self {
        Setting::usual().scene().await
    }

    /// Another client on the same database, as another process has it.
    pub(crate) async fn another(
        &self,
        configure: impl FnOnce(Builder<TokioPostgres>) -> Builder<TokioPostgres>,
    ) -> CachedClient {
        let (time, _) = Time::manual();
        let builder = CachedPool::builder(pool_of(&self.config, 4)).time(time);
        configure(builder).build().await.unwrap()
    }

    /// The client's way to its server, if it is `proxied`.
    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    /// Runs a statement past the client.
    pub(crate) async fn behind(&self, sql: &str) -> u64 {
        let ran = self.aside.get().await.unwrap().execute(sql, &[]).await;
        ran.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// Runs a statement on the client.
    pub(crate) async fn through(&self, sql: &str) -> u64 {
        let ran = self.client.execute(sql, &[]).await;
        ran.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// All people or pets, through the cache.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Person> {
        let rows = self.client.cached(&all(table), &[]).query().await;
        people_of(&rows.unwrap())
    }

    /// All people or pets, as they are.
    pub(crate) async fn truth(&self, table: &str) -> Vec<Person> {
        let connection = self.aside.get().await.unwrap();
        let rows = connection.query(&all(table), &[]).await.unwrap();
        let person = |row: &tokio_postgres::Row| Person {
            id: row.get(0),
            name: row.get(1),
        };
        rows.iter().map(person).collect()
    }

    /// Where a cached read of a table gets its answer.
    pub(crate) async fn source(&self, table: &str) -> Source {
        let rows = self.client.cached(&all(table), &[]).query_shared().await;
        rows.unwrap().source()
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

    /// Waits until nobody has a connection any more.
    pub(crate) async fn settled(&self) {
        let idle = async || self.client.num_idle() == self.client.size() as usize;
        wait_until(LONG, "the connections come back", idle).await;
    }

    /// What has happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_next()).collect()
    }
}

/// People, or pets without their owners.
pub(crate) fn people_of(rows: &[CachedRow]) -> Vec<Person> {
    rows.iter().map(Person::from).collect()
}

fn all(table: &str) -> String {
    format!("SELECT id, name FROM {table} ORDER BY id")
}
