//! The tier that every scene is given, if the suite is run with one: `CACHEDPOOL_TEST_SHARED=memory`, `redis` or `cluster`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cachedpool::{
    Builder,
    cache::{
        Tick, Time,
        shared::{
            Answer, Fetched, Hold, HoldReason, Reading, Session, SharedTier, Step, TierError,
            Watcher, Word,
        },
    },
    tier::{Redis, RedisTier},
};
use cachedpool_test_support::{OwnRedis, redis};
use tokio::sync::OnceCell;

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
        Some("memory") => builder.shared_tier(Turned::new(Tier::new(), time)),
        Some("redis") => {
            let redis = Redis::new(redis().await.url());
            builder.shared_tier(Turned::new(on(redis), time))
        }
        Some("cluster") => {
            let cluster = Redis::cluster(cluster().await.each_ref().map(OwnRedis::url));
            builder.shared_tier(Turned::new(on(cluster), time))
        }
        Some(other) => panic!("CACHEDPOOL_TEST_SHARED={other}: nobody knows this tier"),
    }
}

fn on(redis: Redis) -> RedisTier {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let namespace = format!("scene_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    RedisTier::new(redis.namespace(namespace), None).unwrap()
}

/// The binary's cluster. Nobody drops it: the reaper does.
async fn cluster() -> &'static [OwnRedis; 3] {
    static SERVERS: OnceCell<[OwnRedis; 3]> = OnceCell::const_new();
    let start = || async {
        let started = tokio::task::spawn_blocking(OwnRedis::cluster);
        started.await.unwrap()
    };
    SERVERS.get_or_init(start).await
}

/// A tier whose time is turned with the pool's.
struct Turned<T> {
    tier: T,
    time: Time,
    /// The doubts that end when the time is turned, with the slots that each holds.
    doubts: Mutex<Vec<(Tick, Vec<Step>)>>,
}

impl<T: SharedTier> Turned<T> {
    fn new(tier: T, time: &Time) -> Self {
        Turned {
            tier,
            time: time.clone(),
            doubts: Mutex::default(),
        }
    }

    /// Ends the doubts whose time has come: the tier's own time goes on too slowly for that.
    async fn end_doubts(&self) -> Result<(), TierError> {
        let now = self.time.now();
        let ended: Vec<_> = {
            let mut doubts = self.doubts.lock().unwrap();
            doubts.extract_if(.., |doubt| doubt.0 <= now).collect()
        };
        for (_, steps) in ended {
            self.tier.advance(&steps).await?;
        }
        Ok(())
    }

    fn turn(&self, reading: Reading) -> Reading {
        let turned = self.time.now().since(Tick::BEGIN);
        Reading {
            at: reading.at + u64::try_from(turned.as_millis()).unwrap(),
            ..reading
        }
    }
}

impl<T: SharedTier> SharedTier for Turned<T> {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        self.tier.attach(watcher);
    }

    fn beat(&self, max_silence: Duration) -> Answer<'_, Session> {
        self.tier.beat(max_silence)
    }

    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched> {
        Box::pin(async move {
            self.end_doubts().await?;
            let fetched = self.tier.fetch(key, slots).await?;
            Ok(Fetched {
                reading: self.turn(fetched.reading),
                ..fetched
            })
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading> {
        Box::pin(async move {
            self.end_doubts().await?;
            Ok(self.turn(self.tier.read(slots).await?))
        })
    }

    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, life: Duration) -> Answer<'a, ()> {
        self.tier.store(key, entry, life)
    }

    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>> {
        self.tier.advance(steps)
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        if hold.reason == HoldReason::Doubt {
            let end = |&slot| Step {
                slot,
                moves: true,
                releases: Some(hold.id),
            };
            let until = self.time.now().plus(hold.span);
            let ends = slots.iter().map(end).collect();
            self.doubts.lock().unwrap().push((until, ends));
        }
        self.tier.hold(slots, hold)
    }
}
