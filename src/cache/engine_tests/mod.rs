//! The engine as a whole, on a plain store and with time turned by hand.

mod cancel;
mod gather;
pub(crate) mod hub;
mod load;
mod lookup;
mod refresh;
mod shared;
mod store;
mod threads;

use std::{future::Future, sync::Arc, task::Context, time::Duration};

use futures_util::task::noop_waker_ref;
use tokio::{runtime::Handle, sync::oneshot};

use super::{
    Cached, Engine, EngineSettings, Loaded, Lookup, ManualTime, Tag, Tags, Terms,
    testkit::{self, key, question, tables},
};

const SECOND: Duration = Duration::from_secs(1);

type Rows = Vec<u64>;

/// How a load of these tests fails.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Outage,
    Refused,
}

fn engine() -> (Arc<Engine>, ManualTime) {
    engine_with(EngineSettings {
        ttl_jitter: 0.0,
        ..EngineSettings::default()
    })
}

fn engine_with(settings: EngineSettings) -> (Arc<Engine>, ManualTime) {
    testkit::engine(settings, Handle::current())
}

fn users() -> Tags {
    tables(["users"])
}

fn terms() -> Terms {
    Terms {
        ttl: 10 * SECOND,
        empty_ttl: 10 * SECOND,
        ..Terms::default()
    }
}

fn look(engine: &Engine, terms: &Terms) -> Lookup<Rows> {
    engine.lookup(&key(1), terms)
}

/// The value if the cache answers fresh.
fn hit(engine: &Engine, terms: &Terms) -> Option<Rows> {
    match look(engine, terms) {
        Lookup::Fresh(cached) => Some(cached.into_owned()),
        Lookup::Stale(..) | Lookup::Miss(_) => None,
    }
}

/// Puts a value in by a load of its own.
fn put(engine: &Engine, terms: &Terms, value: Rows) -> Cached<Rows> {
    engine.store(question(1, users(), *terms), engine.stamp(&users()), value)
}

/// A whole read: lookup, then load.
async fn read(
    engine: &Engine,
    terms: Terms,
    load: impl Future<Output = Result<Rows, Failure>> + Send,
) -> Result<Cached<Rows>, Failure> {
    match look(engine, &terms) {
        Lookup::Fresh(cached) | Lookup::Stale(cached, _) => Ok(cached),
        Lookup::Miss(fallback) => engine
            .load(
                question(1, users(), terms),
                fallback,
                |error| *error == Failure::Outage,
                load,
            )
            .await
            .map(Loaded::into_cached),
    }
}

/// A load that ends when its sender says so.
fn held() -> (
    oneshot::Sender<Result<Rows, Failure>>,
    impl Future<Output = Result<Rows, Failure>> + Send,
) {
    let (sender, receiver) = oneshot::channel();
    (sender, async {
        receiver.await.expect("the test answers the load")
    })
}

/// Polls once, without waiting to be woken.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match std::pin::Pin::new(future).poll(&mut Context::from_waker(noop_waker_ref())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// A load that must not run.
async fn never() -> Result<Rows, Failure> {
    panic!("this reader must not load")
}
