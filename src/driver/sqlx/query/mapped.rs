//! What the macros and `.map()` return: the row mapping is a closure inside sqlx's `Map`, which runs only while sqlx
//! reads rows from an executor.
//!
//! So the query is given to an executor of ours, the [`Probe`]. Polled once, sqlx hands it text and arguments and waits
//! for rows. If the cache has the answer, the waiting future is dropped; if not, the probe is fed from the database.
//!
//! The closure is told from others by its type. That says everything about it only if it captures nothing, which holds
//! for what the macros make; a closure that captures something is never cached.

use std::{
    any, fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, poll, stream};
use sqlx::{Describe, Either, Error, Execute, Executor, IntoArguments, SqlStr, query::Map};
use std::{pin::pin, task::Poll};

use super::{
    super::{Backend, backend::Item, owned::OwnedQuery},
    CacheValue, Gather, Mapped,
};
use crate::{
    cache::{
        Cached, Codec, EncodeError, Key, Loaded, Lookup, Mode, Question, Shape, Tags, Value, Weight,
    },
    driver::{
        CachePolicy,
        ask::{Ask, Refusal},
        front::Front,
        whole::RowIdentity,
    },
    pool::{CachedPool, Core},
};

impl<'q, DB, F, O, A> Mapped<DB> for Map<'q, DB, F, A>
where
    DB: Backend,
    F: FnMut(DB::Row) -> Result<O, Error> + Send,
    O: CacheValue,
    A: 'q + Send + IntoArguments<DB>,
{
    type Row = O;

    async fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: Option<Box<CachePolicy>>,
    ) -> Result<Cached<V>, Error> {
        let core = pool.core();
        let probe = Probe::<DB>::default();
        let mut rows = pin!(self.fetch(&probe).try_collect::<Vec<O>>());
        if let Poll::Ready(ended) = poll!(&mut rows) {
            // The arguments could not be encoded: sqlx ends before it asks for rows.
            let stamp = core.engine.stamp(&Tags::everything());
            return ended.map(|rows| core.engine.pass(stamp, V::gather(rows)));
        }
        let mut query = probe
            .asked()
            .expect("sqlx can only be waiting for the probe, which it has asked");
        let mapping = (mem::size_of::<F>() == 0).then(|| typeid::of::<F>());
        let ask = match Ask::new(core, &mut query, policy.as_deref(), V::SHAPE, mapping) {
            Ok(ask) => ask,
            Err(Refusal::NotCached) => return Err(crate::error::not_cached()),
            Err(Refusal::Database(stamp)) => {
                probe.feed(core.rows(query, V::SHAPE));
                return Ok(core.engine.pass(*stamp, V::gather(rows.await?)));
            }
        };
        let found = match core.engine.lookup::<V>(&ask.key, ask.terms()) {
            Lookup::Fresh(cached) => return Ok(cached),
            found => found,
        };
        let question = ask.into_question(core, &mut query, || {
            Some(RowIdentity::Closure(
                typeid::of::<F>(),
                any::type_name::<F>(),
            ))
        });
        match (found, question.terms.mode) {
            (Lookup::Fresh(cached), _) | (Lookup::Stale(cached, _), Mode::OnlyIfCached) => {
                Ok(cached)
            }
            (Lookup::Miss(_), Mode::OnlyIfCached) => core
                .engine
                .recall(&question)
                .await
                .ok_or_else(crate::error::not_cached),
            (Lookup::Stale(cached, _), _) => {
                let rows_question = rows_of::<F, V>(&question);
                if let Some(fetched) = core.engine.take::<Fetched<DB>>(&rows_question)
                    && let Some(fetched_rows) = fetched.value().take()
                {
                    let stamp = fetched.meta().stamp().clone();
                    probe.feed(stream::iter(fetched_rows.into_iter().map(Ok)).boxed());
                    let value = V::gather(rows.await?);
                    return Ok(core.engine.store(question, stamp, value));
                }
                refresh_rows(core, rows_question, query, V::SHAPE, &cached);
                Ok(cached)
            }
            (Lookup::Miss(fallback), _) => {
                let again = core.may_be_stale(&question).then(|| query.clone());
                let rows_question = rows_of::<F, V>(&question);
                let load = async {
                    probe.feed(core.rows(query, V::SHAPE));
                    Ok(V::gather(rows.await?))
                };
                let load = core
                    .engine
                    .load(question, fallback, <DB as Front>::is_outage, load);
                // Boxed, so that a hit does not carry the room that a miss needs.
                Ok(match Box::pin(load).await? {
                    Loaded::Answer(cached) => cached,
                    Loaded::Stale(cached) => {
                        if let Some(query) = again {
                            refresh_rows(core, rows_question, query, V::SHAPE, &cached);
                        }
                        cached
                    }
                })
            }
        }
    }
}

/// The closure cannot be run in the background, so a refresh leaves rows, under this, and the next caller maps them.
fn rows_of<F, V: 'static>(question: &Question) -> Question {
    Question {
        key: Key {
            shape: Shape::Rows,
            row: typeid::of::<(F, V)>(),
            ..question.key.clone()
        },
        whole: None,
        ..question.clone()
    }
}

fn refresh_rows<DB: Backend, V>(
    core: &Arc<Core<DB>>,
    rows_question: Question,
    query: OwnedQuery<DB>,
    shape: Shape,
    replaced: &Cached<V>,
) {
    // What is replaced tells best what the rows may weigh.
    let at_least = replaced.bytes();
    let rows = core.rows(query, shape);
    let fetch =
        async move { Ok::<_, Error>(Fetched::<DB>::new(rows.try_collect().await?, at_least)) };
    core.engine.refresh(rows_question, fetch);
}

/// An executor that keeps what it is asked and answers when it is fed.
struct Probe<DB: Backend>(Mutex<Exchange<DB>>);

struct Exchange<DB: Backend> {
    asked: Option<OwnedQuery<DB>>,
    rows: Option<BoxStream<'static, Result<DB::Row, Error>>>,
}

impl<DB: Backend> Default for Probe<DB> {
    fn default() -> Self {
        Probe(Mutex::new(Exchange {
            asked: None,
            rows: None,
        }))
    }
}

impl<DB: Backend> Probe<DB> {
    fn asked(&self) -> Option<OwnedQuery<DB>> {
        self.exchange(|exchange| exchange.asked.take())
    }

    fn feed(&self, rows: BoxStream<'static, Result<DB::Row, Error>>) {
        self.exchange(|exchange| exchange.rows = Some(rows));
    }

    /// One task alone uses a probe, so the lock is never waited for; it is there because executors are shared by `&`.
    fn exchange<R>(&self, with: impl FnOnce(&mut Exchange<DB>) -> R) -> R {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<'c, DB: Backend> Executor<'c> for &'c Probe<DB> {
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        match OwnedQuery::take(query) {
            Ok(query) => self.exchange(|exchange| exchange.asked = Some(query)),
            Err(error) => return stream::once(future::ready(Err(error))).boxed(),
        }
        let mut rows = None;
        stream::poll_fn(move |context| {
            if rows.is_none() {
                rows = self.exchange(|exchange| exchange.rows.take());
            }
            match &mut rows {
                Some(rows) => rows.poll_next_unpin(context).map_ok(Either::Right),
                // Whoever feeds the probe polls again right after.
                None => Poll::Pending,
            }
        })
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let mut items = self.fetch_many(query);
        async move { Ok(items.try_next().await?.and_then(Either::right)) }.boxed()
    }

    fn prepare_with<'e>(
        self,
        _: SqlStr,
        _: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        not_asked_for()
    }

    fn describe<'e>(self, _: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        not_asked_for()
    }
}

/// `Map` only fetches.
fn not_asked_for<'e, T: Send + 'e>() -> BoxFuture<'e, Result<T, Error>> {
    future::ready(Err(Error::Protocol("a row mapping only fetches".into()))).boxed()
}

impl<DB: Backend> fmt::Debug for Probe<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").finish_non_exhaustive()
    }
}

/// Rows that a background refresh has fetched, for the next caller's closure.
struct Fetched<DB: Backend> {
    rows: Mutex<Option<Vec<DB::Row>>>,
    count: usize,
    bytes: usize,
}

impl<DB: Backend> Fetched<DB> {
    fn new(rows: Vec<DB::Row>, at_least: usize) -> Self {
        /// What a value in a driver's row takes, about: no driver-independent API tells it.
        const VALUE: usize = 64;
        let columns = rows.first().map_or(0, sqlx::Row::len);
        Fetched {
            count: rows.len(),
            bytes: at_least.max(rows.len() * columns * VALUE),
            rows: Mutex::new(Some(rows)),
        }
    }

    /// The rows, to the first who asks.
    fn take(&self) -> Option<Vec<DB::Row>> {
        self.rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl<DB: Backend> Value for Fetched<DB> {
    fn rows(&self) -> usize {
        self.count
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        // Never handed out, so nobody asks for its ETag.
        Ok(Weight {
            bytes: self.bytes,
            digest: 0,
        })
    }

    fn codec() -> Option<Codec<Self>> {
        None
    }
}
