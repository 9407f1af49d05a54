//! The tier that every scene is given, if the suite is run with one: `CACHEDPOOL_TEST_SHARED=memory` or `redis`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cachedpool::{
    Builder,
    cache::{
        Tick, Time,
        shared::{Answer, Fetched, Hold, Reading, Session, SharedTier, Step, Watcher, Word},
    },
    tier::{Redis, RedisTier},
};
use cachedpool_test_support::redis;

use super::{TestDatabase, Tier};

/// Which tier it is.
fn wanted() -> Option<String> {
    std::env::var("CACHEDPOOL_TEST_SHARED").ok()
}

/// Whether scenes have a tier.
pub(crate) fn is_shared() -> bool {
    wanted().is_some()
}

/// Gives a pool the tier of the run, which nobody else shares.
pub(crate) async fn share<DB: TestDatabase>(builder: Builder<DB>, time: &Time) -> Builder<DB> {
    // A test turns the clock by hours at once, and no beat comes in between.
    let builder = builder.max_staleness(Duration::from_secs(100 * 365 * 24 * 60 * 60));
    match wanted().as_deref() {
        None => builder,
        Some("memory") => builder.shared_tier(Turned(Tier::new(), time.clone())),
        Some("redis") => {
            let redis = Redis::new(redis().await.url()).namespace(fresh_namespace());
            let tier = RedisTier::new(redis, None).unwrap();
            builder.shared_tier(Turned(tier, time.clone()))
        }
        Some(other) => panic!("CACHEDPOOL_TEST_SHARED={other}: nobody knows this tier"),
    }
}

fn fresh_namespace() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("scene_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A tier whose time is turned with the pool's.
struct Turned<T>(T, Time);

impl<T> Turned<T> {
    fn turn(&self, reading: Reading) -> Reading {
        let turned = self.1.now().since(Tick::BEGIN);
        Reading {
            at: reading.at + u64::try_from(turned.as_millis()).unwrap(),
            ..reading
        }
    }
}

impl<T: SharedTier> SharedTier for Turned<T> {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        self.0.attach(watcher);
    }

    fn beat(&self, max_silence: Duration) -> Answer<'_, Session> {
        self.0.beat(max_silence)
    }

    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched> {
        Box::pin(async move {
            let fetched = self.0.fetch(key, slots).await?;
            Ok(Fetched {
                reading: self.turn(fetched.reading),
                ..fetched
            })
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading> {
        Box::pin(async move { Ok(self.turn(self.0.read(slots).await?)) })
    }

    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, life: Duration) -> Answer<'a, ()> {
        self.0.store(key, entry, life)
    }

    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>> {
        self.0.advance(steps)
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        self.0.hold(slots, hold)
    }
}
