//! A service on a TCP port of its own, on a database of its own, with a clock that stands still until the test turns it.

use std::{net::SocketAddr, str::FromStr as _, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, Method, header::HOST},
};
use cachedpool::{
    Builder, CachedPool,
    cache::{ManualTime, Time},
};
use cachedpool_test_support::SqliteFile;
use http_body_util::BodyExt as _;
use sqlx::{
    Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// For what comes by itself, however busy the machine is.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Longer than any test turns the clock for.
const LONG: Duration = Duration::from_secs(1 << 20);

/// A service that answers, and who asks it.
pub(crate) struct Site {
    pub(crate) pool: CachedPool<Sqlite>,
    /// Turns the pool's clock.
    pub(crate) hand: ManualTime,
    pub(crate) url: String,
    client: reqwest::Client,
    server: JoinHandle<()>,
    place: Arc<Place>,
}

/// Where a database is.
struct Place {
    file: SqliteFile,
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// What came of the body, and whether it came whole.
    pub(crate) body: Result<String, String>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Place {
    /// A database with the tables that handlers read: `pages` and `notes`.
    async fn new() -> Self {
        let place = Place {
            file: SqliteFile::new(),
        };
        let pool = place.open().await;
        for sql in [
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE pages (id INTEGER PRIMARY KEY, version INTEGER NOT NULL)",
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, version INTEGER NOT NULL)",
            "INSERT INTO pages VALUES (1, 1), (2, 1), (3, 1)",
            "INSERT INTO notes VALUES (1, 1), (2, 1), (3, 1)",
        ] {
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        }
        pool.close().await;
        place
    }

    async fn open(&self) -> SqlitePool {
        let options = SqliteConnectOptions::from_str(&self.file.url()).unwrap();
        // A disk that is busy keeps no writer from its turn.
        let options = options
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(SOON);
        SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(SOON)
            .connect_with(options)
            .await
            .unwrap()
    }
}

impl Site {
    /// What `router` makes of a pool, on a port of its own.
    pub(crate) async fn new(router: impl FnOnce(&CachedPool<Sqlite>) -> Router) -> Self {
        Self::built(|builder| builder, router).await
    }

    /// As `new`, with a pool that is built otherwise.
    pub(crate) async fn built(
        configure: impl FnOnce(Builder<Sqlite>) -> Builder<Sqlite>,
        router: impl FnOnce(&CachedPool<Sqlite>) -> Router,
    ) -> Self {
        Self::at(Arc::new(Place::new().await), configure, router).await
    }

    /// Another service on the same database, as another process has it.
    pub(crate) async fn beside(
        &self,
        configure: impl FnOnce(Builder<Sqlite>) -> Builder<Sqlite>,
        router: impl FnOnce(&CachedPool<Sqlite>) -> Router,
    ) -> Self {
        Self::at(self.place.clone(), configure, router).await
    }

    async fn at(
        place: Arc<Place>,
        configure: impl FnOnce(Builder<Sqlite>) -> Builder<Sqlite>,
        router: impl FnOnce(&CachedPool<Sqlite>) -> Router,
    ) -> Self {
        let (time, hand) = Time::manual();
        // The pool's own settings end no entry before a policy does.
        let builder = CachedPool::builder(place.open().await)
            .default_ttl(LONG)
            .empty_ttl(LONG)
            .max_stale(LONG)
            .ttl_jitter(0.0)
            .schema_interval(LONG)
            .time(time);
        let pool = configure(builder).build().await.unwrap();
        let (url, server) = serve(router(&pool)).await;
        Site {
            pool,
            hand,
            url,
            client: client(),
            server,
            place,
        }
    }

    /// A GET.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[]).await
    }

    /// A GET with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask(Method::GET, path, headers).await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }

    /// Writes through the pool.
    pub(crate) async fn write(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.pool).await.unwrap();
    }

    pub(crate) fn after(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Reply {
    /// All values of a header, as one list.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// What the layer says that it did.
    pub(crate) fn cache_status(&self) -> String {
        self.header("cache-status").unwrap_or_default()
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.cache_status().contains("cachedpool; hit")
    }

    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap()
    }
}

/// Serves on a free port; gives the URL.
async fn serve(router: Router) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let server = async move { axum::serve(listener, router).await.unwrap() };
    (format!("http://{address}"), tokio::spawn(server))
}

/// Asks every service by one name: on which slots of the clock its URIs stand depends on no port.
fn client() -> reqwest::Client {
    let host = (HOST, HeaderValue::from_static("site.example"));
    reqwest::Client::builder()
        .default_headers([host].into_iter().collect())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(SOON)
        .build()
        .unwrap()
}

async fn read(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let (mut body, mut trailers) = (Vec::new(), None);
    let mut rest = reqwest::Body::from(response);
    let whole = loop {
        match rest.frame().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error.to_string()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
        }
    };
    Reply {
        status,
        headers,
        body: whole.map(|()| String::from_utf8(body).unwrap()),
        trailers,
    }
}
