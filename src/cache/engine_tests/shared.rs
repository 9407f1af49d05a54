//! Several engines on one shared tier.

mod away;
mod foreign;
mod gathered;
mod reads;
mod strict;
mod vouched;

use super::{
    hub::{Call, Hub},
    *,
};
use crate::{
    cache::{
        Consistency, Question, Sabotage, SharedSettings, Source, WholeKey,
        shared::{FenceError, Token},
        testkit::PlainStore,
    },
    observe::Event,
};

const STALENESS: Duration = Duration::from_secs(1);
const BUDGET: Duration = Duration::from_millis(50);

/// Two engines, a hub and the time.
struct World {
    hub: Arc<Hub>,
    a: Arc<Engine>,
    b: Arc<Engine>,
    hand: ManualTime,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}, Sabotage::None).await
    }

    async fn strict() -> Self {
        Self::with(|settings| settings.fences = true, Sabotage::None).await
    }

    async fn with(change: impl Fn(&mut SharedSettings), sabotage: Sabotage) -> Self {
        let world = Self::on(&Handle::current(), change, sabotage);
        world
            .until(|world| world.a.stats().shared_live && world.b.stats().shared_live)
            .await;
        world
    }

    /// On this runtime, and not yet heard.
    fn on(handle: &Handle, change: impl Fn(&mut SharedSettings), sabotage: Sabotage) -> Self {
        let (hub, time, hand) = Hub::new();
        let engine = || {
            let mut shared = SharedSettings {
                max_staleness: STALENESS,
                budget: BUDGET,
                ..SharedSettings::default()
            };
            change(&mut shared);
            let settings = EngineSettings {
                ttl_jitter: 0.0,
                sabotage,
                ..EngineSettings::default()
            };
            let store = Arc::new(PlainStore::default());
            let shared = Some((hub.member(), shared));
            Engine::new(settings, shared, store, time.clone(), handle.clone())
        };
        Self {
            a: engine(),
            b: engine(),
            hub,
            hand,
        }
    }

    /// Lets the background work until something is so.
    async fn until(&self, so: impl Fn(&Self) -> bool) {
        for _ in 0..10_000 {
            if so(self) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it did not come about");
    }

    /// Lets the background do whatever it can do now.
    async fn rest(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Turns the time in steps that the beats can follow.
    async fn pass(&self, span: Duration) {
        let step = STALENESS / 8;
        let mut left = span;
        while !left.is_zero() {
            self.hand.advance(step.min(left));
            left = left.saturating_sub(step);
            self.rest().await;
        }
    }
}

fn shared_question(terms: Terms) -> Question {
    Question {
        whole: Some(WholeKey(Box::from(&b"SELECT * FROM users"[..]))),
        ..question(1, users(), terms)
    }
}

fn strict_terms() -> Terms {
    Terms {
        consistency: Consistency::Strict,
        ..terms()
    }
}

/// A whole read with a database that gives `value`.
async fn ask(engine: &Engine, terms: Terms, value: u64) -> (u64, Source) {
    let found = engine.lookup::<Rows>(&key(1), &terms);
    let cached = match found {
        Lookup::Fresh(cached) | Lookup::Stale(cached, _) => cached,
        Lookup::Miss(fallback) => {
            let load = async { Ok::<_, Failure>(vec![value]) };
            let question = shared_question(terms);
            let loaded = engine.load(question, fallback, |_| true, load).await;
            loaded.expect("this load cannot fail").into_cached()
        }
    };
    (cached[0], cached.source())
}

async fn write(engine: &Engine) -> Token {
    engine.write(users()).committed().delivered().await
}
