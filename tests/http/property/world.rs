//! A service with such handlers, and what it has been told to be true.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request as HttpRequest},
    http::header::ACCEPT_LANGUAGE,
    response::Response,
    routing::get,
};
use cachedpool::{
    CacheExt as _, CachedPool,
    cache::Sabotage,
    http::{ResponseCacheLayer, depends_on_tag, in_scope},
};
use futures_util::{future::join_all, stream};
use sqlx::{Executor, Sqlite};

use super::history::{Bodies, History, Part, Plan, ROWS, Request, Table, Thing, WORDS, Way, Write};
use crate::kit::{Reply, Site, minute, seconds, seen};

/// What can change by itself: each row, and each word.
const CELLS: usize = 2 * ROWS as usize + WORDS;

/// How often a cell has been written.
#[derive(Debug, Default)]
struct Cell {
    begun: AtomicU64,
    returned: AtomicU64,
}

#[derive(Debug, Default)]
struct Cells([Cell; CELLS]);

pub(super) struct World {
    pub(super) site: Site,
    pub(super) bodies: Bodies,
    cells: Arc<Cells>,
    words: Arc<Words>,
    /// What each client has: a response and its entity tag.
    known: Mutex<HashMap<(usize, usize), (String, String)>>,
}

type Words = [AtomicU64; WORDS];

/// What handlers work with.
#[derive(Clone)]
struct Service {
    pool: CachedPool<Sqlite>,
    words: Arc<Words>,
    plans: Arc<[Plan]>,
}

impl World {
    pub(super) async fn new(history: &History, sabotage: Sabotage) -> Self {
        let words = Arc::<Words>::default();
        let policy = match history.is_lenient {
            true => minute().stale_while_revalidate(seconds(100)),
            false => minute(),
        };
        let policy = policy.vary([ACCEPT_LANGUAGE]);
        let policy = match history.bodies {
            Bodies::Kept => policy,
            Bodies::Passed => policy.max_body(1),
        };
        let site = Site::built(
            |builder| builder.sabotage(sabotage),
            |pool| {
                let service = Service {
                    pool: pool.clone(),
                    words: words.clone(),
                    plans: history.plans.clone().into(),
                };
                let handler = move |Path(path): Path<usize>, request: HttpRequest| {
                    let service = service.clone();
                    async move {
                        let variant = seen(request.headers(), "accept-language");
                        service.give(path, &variant).await
                    }
                };
                Router::new()
                    .route("/{path}", get(handler))
                    .layer(ResponseCacheLayer::new(pool, policy))
            },
        )
        .await;
        World {
            site,
            bodies: history.bodies,
            cells: Arc::default(),
            words,
            known: Mutex::default(),
        }
    }

    /// Asks, and holds the response against all writes that had returned before.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply, String> {
        let least = self.cells.counts(|cell| &cell.returned);
        let variant = request.variant.to_string();
        let client = (request.path, request.variant);
        let known = self.known.lock().unwrap().get(&client).cloned();
        let known = known.filter(|_| request.conditional);
        let mut headers = vec![("accept-language", &*variant)];
        if let Some((etag, _)) = &known {
            headers.push(("if-none-match", etag));
        }
        let path = format!("/{}", request.path);
        let reply = self.site.get_with(&path, &headers).await;
        let most = self.cells.counts(|cell| &cell.begun);
        let text = match (reply.status, &known) {
            (200, _) => reply.text().to_owned(),
            (304, Some((_, text))) => text.clone(),
            _ => return Err(format!("no response: {reply:?}")),
        };
        let wrong = |what: &str| Err(format!("{what}: {text:?} {reply:?}"));
        let Some(list) = text.strip_suffix(&format!("in {variant}")) else {
            return wrong("it is for another");
        };
        for item in list.split_whitespace() {
            let (cell, version) = item.split_once(':').unwrap();
            let (cell, version): (usize, u64) = (cell.parse().unwrap(), version.parse().unwrap());
            if version < least[cell] {
                return wrong("it is older than a write that had returned");
            }
            if version > most[cell] {
                return wrong("it is newer than any write");
            }
        }
        if let Some(etag) = reply.header("etag") {
            self.known.lock().unwrap().insert(client, (etag, text));
        }
        Ok(reply)
    }

    pub(super) async fn write(&self, write: &Write) {
        if let Write::RolledBack(thing) = write {
            let mut tx = self.site.pool.begin().await.unwrap();
            update(&mut *tx, *thing).await;
            return tx.rollback().await.unwrap();
        }
        let cells: Vec<usize> = write
            .things()
            .iter()
            .flat_map(|thing| thing.cells())
            .collect();
        for &cell in &cells {
            self.cells.0[cell].begun.fetch_add(1, Ordering::SeqCst);
        }
        match write {
            Write::Alone(Thing::Word(word)) => {
                self.words[*word].fetch_add(1, Ordering::SeqCst);
                let tag = tag(*word);
                self.site.pool.invalidate_tags([tag]).await.unwrap();
            }
            Write::Alone(thing) => update(&self.site.pool, *thing).await,
            Write::Transaction(things) => {
                let mut tx = self.site.pool.begin().await.unwrap();
                for thing in things {
                    update(&mut *tx, *thing).await;
                }
                tx.commit().await.unwrap();
            }
            Write::RolledBack(_) => {}
        }
        for &cell in &cells {
            self.cells.0[cell].returned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Thing {
    pub(super) fn cells(self) -> Vec<usize> {
        let rows = ROWS as usize;
        match self {
            Thing::Row(table, id) => vec![table as usize * rows + id as usize - 1],
            Thing::Whole(table) => (0..rows).map(|row| table as usize * rows + row).collect(),
            Thing::Word(word) => vec![2 * rows + word],
        }
    }
}

impl Cells {
    fn counts(&self, count: impl Fn(&Cell) -> &AtomicU64) -> Vec<u64> {
        let counts = self.0.iter().map(|cell| count(cell).load(Ordering::SeqCst));
        counts.collect()
    }
}

impl Service {
    async fn give(self, path: usize, variant: &str) -> Response {
        let plan = self.plans[path].clone();
        let mut told = String::new();
        for part in plan.parts {
            tokio::task::yield_now().await;
            told += &match part {
                Part::Read(thing, way) => self.read(thing, way).await,
                Part::Joined(reads) => self.joined(reads).await,
                Part::Carried(reads) => {
                    let service = self.clone();
                    let work = async move { service.joined(reads).await };
                    tokio::spawn(in_scope(work)).await.unwrap()
                }
                Part::Transaction(things) => {
                    let mut tx = self.pool.begin().await.unwrap();
                    let mut told = String::new();
                    for thing in things {
                        told += &plainly(&mut *tx, thing).await;
                    }
                    tx.commit().await.unwrap();
                    told
                }
            };
        }
        let end = format!("in {variant}");
        if plan.in_body.is_empty() {
            return Response::new(Body::from(told + &end));
        }
        let rest = async move { Ok::<_, std::io::Error>(self.joined(plan.in_body).await + &end) };
        let body =
            stream::StreamExt::chain(stream::once(async move { Ok(told) }), stream::once(rest));
        Response::new(Body::from_stream(body))
    }

    async fn joined(&self, reads: Vec<(Thing, Way)>) -> String {
        let reads = reads.into_iter().map(|(thing, way)| self.read(thing, way));
        join_all(reads).await.concat()
    }

    async fn read(&self, thing: Thing, way: Way) -> String {
        match (thing, way) {
            (Thing::Word(word), _) => {
                depends_on_tag(tag(word)).await;
                tokio::task::yield_now().await;
                let version = self.words[word].load(Ordering::SeqCst);
                format!("{}:{version} ", thing.cells()[0])
            }
            (_, Way::Cached) => {
                let rows = select(thing).cached(&self.pool).fetch_all().await;
                told(thing, rows.unwrap())
            }
            (_, Way::Plain) => plainly(&self.pool, thing).await,
            (_, Way::Connection) => {
                let mut connection = self.pool.acquire().await.unwrap();
                plainly(&mut *connection, thing).await
            }
        }
    }
}

type Row = (i64, i64);
type Select = sqlx::query::QueryAs<'static, Sqlite, Row, sqlx::sqlite::SqliteArguments>;

fn select(thing: Thing) -> Select {
    match thing {
        Thing::Row(table, id) => sqlx::query_as(match table {
            Table::Pages => "SELECT id, version FROM pages WHERE id = ?",
            Table::Notes => "SELECT id, version FROM notes WHERE id = ?",
        })
        .bind(id),
        Thing::Whole(Table::Pages) => sqlx::query_as("SELECT id, version FROM pages ORDER BY id"),
        Thing::Whole(Table::Notes) => sqlx::query_as("SELECT id, version FROM notes ORDER BY id"),
        Thing::Word(_) => unreachable!("a word is not in the database"),
    }
}

async fn plainly<'e>(executor: impl Executor<'e, Database = Sqlite>, thing: Thing) -> String {
    told(thing, select(thing).fetch_all(executor).await.unwrap())
}

/// Each cell with how often it has been written: rows begin with version 1.
fn told(thing: Thing, rows: Vec<Row>) -> String {
    let cells = thing.cells();
    assert_eq!(cells.len(), rows.len());
    let items = cells.iter().zip(rows);
    items
        .map(|(cell, (_, version))| format!("{cell}:{} ", version - 1))
        .collect()
}

async fn update<'e>(executor: impl Executor<'e, Database = Sqlite>, thing: Thing) {
    let query = match thing {
        Thing::Row(table, id) => sqlx::query(match table {
            Table::Pages => "UPDATE pages SET version = version + 1 WHERE id = ?",
            Table::Notes => "UPDATE notes SET version = version + 1 WHERE id = ?",
        })
        .bind(id),
        Thing::Whole(Table::Pages) => sqlx::query("UPDATE pages SET version = version + 1"),
        Thing::Whole(Table::Notes) => sqlx::query("UPDATE notes SET version = version + 1"),
        Thing::Word(_) => unreachable!("a word is not in the database"),
    };
    query.execute(executor).await.unwrap();
}

fn tag(word: usize) -> String {
    format!("word-{word}")
}
