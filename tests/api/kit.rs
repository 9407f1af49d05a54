//! The example as a process of its own, and a client that speaks with it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use cachedpool_test_support::wait_until;
use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{CACHE_CONTROL, ETAG, HOST, HeaderMap},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// For states that come soon, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The running example. It ends with this value.
pub(crate) struct Api {
    process: Child,
    url: String,
    client: Client,
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Api {
    /// On a SQLite file of its own.
    pub(crate) async fn embedded() -> Self {
        Self::start(Command::new(binary()).arg("--embedded")).await
    }

    /// On PostgreSQL and Redis, which other processes may use as well.
    pub(crate) async fn on(database: &str, redis: SocketAddr) -> Self {
        Self::start(
            Command::new(binary())
                .env("DATABASE_URL", database)
                .env("REDIS_URL", format!("redis://{redis}")),
        )
        .await
    }

    async fn start(command: &mut Command) -> Self {
        let mut process = command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = timeout(SOON, lines.next_line()).await;
        let line = line.expect("it starts in time").unwrap();
        let line = line.expect("it says where it listens before it ends");
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self {
            process,
            url,
            client: Client::new(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// Asks until the response is kept, and returns it as the cache answers it.
    ///
    /// On servers the first ones may not be: a process that starts looks whether the schema must be changed, and the others look
    /// at it again.
    pub(crate) async fn get_kept(&self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        wait_until(SOON, "the response is kept", async || {
            answer = self.get(path).await;
            answer.is_hit()
        })
        .await;
        answer
    }

    /// As a client that keeps a response with this tag.
    pub(crate) async fn get_unless(&self, path: &str, etag: &str) -> Answer {
        Answer::of(
            self.request(Method::GET, path)
                .header("If-None-Match", etag),
        )
        .await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    /// One of the numbers at `/stats`: `/ran/user`, say.
    pub(crate) async fn counted(&self, pointer: &str) -> u64 {
        let stats = self.get("/stats").await.json();
        let count = stats.pointer(pointer).and_then(Value::as_u64);
        count.unwrap_or_else(|| panic!("no {pointer} in {stats}"))
    }

    /// Sends SIGTERM, and tells whether it ends as if all was well.
    pub(crate) async fn ends_well(mut self) -> bool {
        let id = self.process.id().expect("it still runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        let ended = timeout(SOON, self.process.wait()).await;
        ended.expect("it ends in time").unwrap().success()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        // As behind one proxy: processes are asked by one name, which is part of what tells responses apart.
        request.header(HOST, "shop.example")
    }
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn etag(&self) -> &str {
        self.header(ETAG.as_str())
    }

    pub(crate) fn cache_control(&self) -> &str {
        self.header(CACHE_CONTROL.as_str())
    }

    /// What the layer says of the request.
    pub(crate) fn cache_status(&self) -> &str {
        self.header("cache-status")
    }

    /// Answered from the cache, by what is fresh.
    pub(crate) fn is_hit(&self) -> bool {
        self.cache_status().contains("; hit") && !self.is_stale()
    }

    /// Answered from the cache, by what is no longer fresh.
    pub(crate) fn is_stale(&self) -> bool {
        self.cache_status().contains("detail=stale")
    }

    /// For how long the cache answers with it, in whole seconds.
    pub(crate) fn ttl(&self) -> Duration {
        let (_, rest) = self.cache_status().split_once("ttl=").unwrap();
        let digits = rest.split(';').next().unwrap().trim();
        Duration::from_secs(digits.parse().unwrap())
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// What cargo has built beside this test. A run of all tests builds it; one of this binary alone does not.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("examples/api");
    let advice = "build it: cargo build --all-features --example api";
    let built =
        modified(&binary).unwrap_or_else(|| panic!("{} is not there; {advice}", binary.display()));
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["examples/api", "src"] {
        let changed = newest(&package.join(part));
        assert!(
            changed <= built,
            "{} is older than {part}; {advice}",
            binary.display()
        );
    }
    binary
}

fn newest(directory: &Path) -> SystemTime {
    let entries = std::fs::read_dir(directory).unwrap();
    let times = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            newest(&path)
        } else {
            modified(&path).unwrap()
        }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
