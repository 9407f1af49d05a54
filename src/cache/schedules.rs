//! Interleavings of readers, writers and cancels, explored by shuttle.
//!
//! The database is one number that writers raise. `acknowledged` is what the last writer was told before its caller
//! went on: whoever starts to read after that must not see less.

use std::sync::{Arc, OnceLock};

use shuttle::{
    Config, Runner,
    future::{block_on, yield_now},
    rand::{Rng, thread_rng},
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

use super::{
    Consistency, Engine, EngineSettings, Lookup, Sabotage, Tags, Terms,
    flight::{Boarding, Flights, Landing},
    testkit::{self, key, question, stamp, tables},
};

const SCHEDULES: usize = 3_000;

fn check_random(world: impl Fn() + Send + Sync + 'static, schedules: usize) {
    check(RandomScheduler::new(schedules), world);
}

fn check_pct(world: impl Fn() + Send + Sync + 'static, schedules: usize, depth: usize) {
    check(PctScheduler::new(depth, schedules), world);
}

fn check(scheduler: impl Scheduler + 'static, world: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // A read that misses, unoptimised, does not fit on the stack that shuttle gives by itself.
    config.stack_size = 1 << 18;
    Runner::new(scheduler, config).run(world);
}

struct World {
    engine: Arc<Engine>,
    hand: super::ManualTime,
    database: AtomicU64,
    acknowledged: AtomicU64,
}

/// When a reader is dropped.
#[derive(Clone, Copy)]
enum Patience {
    ToTheEnd,
    /// After a number of polls that the schedule picks.
    Cancelled,
}

/// How a write ends, as its client sees it.
#[derive(Clone, Copy)]
enum Ending {
    Committed,
    RolledBack,
    /// The client is dropped while COMMIT is on its way; the server applies it later.
    AppliedLate,
}

fn users() -> Tags {
    tables(["users"])
}

fn strict() -> Terms {
    Terms {
        consistency: Consistency::Strict,
        ..Terms::default()
    }
}

impl World {
    fn new(sabotage: Sabotage) -> Arc<Self> {
        // Never run: nothing here refreshes in the background.
        static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime can be built")
        });
        let settings = EngineSettings {
            sabotage,
            ..EngineSettings::default()
        };
        let (engine, hand) = testkit::engine(settings, runtime.handle().clone());
        let (database, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self {
            engine,
            hand,
            database,
            acknowledged,
        })
    }

    /// One cached read. Gives what it saw.
    async fn read(&self, terms: Terms) -> u64 {
        let rows = match self.engine.lookup::<Vec<u64>>(&key(1), &terms) {
            Lookup::Fresh(cached) | Lookup::Stale(cached, _) => cached,
            Lookup::Miss(fallback) => {
                let load = async {
                    yield_now().await;
                    let seen = self.database.load(SeqCst);
                    yield_now().await;
                    Ok::<_, ()>(vec![seen])
                };
                let read =
                    self.engine
                        .load(question(1, users(), terms), fallback, |()| false, load);
                read.await.expect("this load cannot fail").into_cached()
            }
        };
        rows[0]
    }

    fn write(&self, ending: Ending) {
        let guard = self.engine.write(users());
        match ending {
            Ending::Committed => {
                let written = self.database.fetch_add(1, SeqCst) + 1;
                guard.committed();
                self.acknowledged.fetch_max(written, SeqCst);
            }
            Ending::RolledBack => guard.undone(),
            Ending::AppliedLate => {
                drop(guard);
                self.database.fetch_add(1, SeqCst);
            }
        }
    }
}

fn reader(world: &Arc<World>, patience: Patience, terms: Terms) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || {
        let polls = match patience {
            Patience::ToTheEnd => usize::MAX,
            Patience::Cancelled => thread_rng().gen_range(0..5),
        };
        // Strict readers must not see less than anybody has seen; bounded ones no less than was acknowledged.
        let least = match terms.consistency {
            Consistency::Strict => world.database.load(SeqCst),
            Consistency::Bounded => world.acknowledged.load(SeqCst),
        };
        if let Some(seen) = block_on(at_most(polls, world.read(terms))) {
            assert!(seen >= least, "read {seen} after {least}");
        }
    })
}

fn writer(world: &Arc<World>, ending: Ending) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || world.write(ending))
}

/// Polls at most so often, then drops the future.
async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// The end of each history: all have come home, and what is stored as valid is what the database has.
fn settle(world: &World, tasks: Vec<thread::JoinHandle<()>>) {
    for task in tasks {
        task.join().expect("no task panics");
    }
    assert_eq!(
        world.engine.stats().in_flight,
        0,
        "a flight without a leader was left behind"
    );
    for _ in 0..2 {
        if let Lookup::Fresh(cached) = world.engine.lookup::<Vec<u64>>(&key(1), &Terms::default()) {
            assert_eq!(
                cached[0],
                world.database.load(SeqCst),
                "a raced load was stored as valid"
            );
        }
        // Once more after every quarantine: the late writes have long been applied.
        world.hand.advance(std::time::Duration::from_secs(61));
        block_on(world.read(Terms {
            ttl: std::time::Duration::from_secs(3600),
            ..Terms::default()
        }));
    }
}

fn readers_and_writers(sabotage: Sabotage) {
    let world = World::new(sabotage);
    let bounded = Terms {
        ttl: std::time::Duration::from_secs(3600),
        ..Terms::default()
    };
    let tasks = vec![
        reader(&world, Patience::ToTheEnd, bounded),
        writer(&world, Ending::Committed),
        reader(&world, Patience::Cancelled, bounded),
        reader(&world, Patience::ToTheEnd, bounded),
        writer(&world, Ending::Committed),
        writer(&world, Ending::RolledBack),
    ];
    settle(&world, tasks);
}

fn late_writes(sabotage: Sabotage) {
    let world = World::new(sabotage);
    let tasks = vec![
        reader(&world, Patience::ToTheEnd, Terms::default()),
        writer(&world, Ending::AppliedLate),
        reader(&world, Patience::ToTheEnd, Terms::default()),
        writer(&world, Ending::Committed),
    ];
    settle(&world, tasks);
}

fn strict_readers(sabotage: Sabotage) {
    let world = World::new(sabotage);
    let tasks = vec![
        reader(&world, Patience::ToTheEnd, Terms::default()),
        reader(&world, Patience::ToTheEnd, strict()),
        writer(&world, Ending::Committed),
        reader(&world, Patience::Cancelled, strict()),
        reader(&world, Patience::ToTheEnd, strict()),
    ];
    settle(&world, tasks);
}

#[test]
fn no_invalidation_is_lost_and_no_raced_load_is_stored() {
    check_random(|| readers_and_writers(Sabotage::None), SCHEDULES);
    check_pct(|| readers_and_writers(Sabotage::None), SCHEDULES, 3);
}

#[test]
fn a_write_that_is_applied_after_its_client_has_gone_is_never_missed() {
    check_random(|| late_writes(Sabotage::None), SCHEDULES);
    check_pct(|| late_writes(Sabotage::None), SCHEDULES, 3);
}

#[test]
fn a_strict_reader_never_sees_less_than_anybody_before_it() {
    check_random(|| strict_readers(Sabotage::None), SCHEDULES);
    check_pct(|| strict_readers(Sabotage::None), SCHEDULES, 3);
}

#[test]
#[should_panic(expected = "a raced load was stored as valid")]
fn the_exploration_finds_a_stamp_that_is_noted_after_the_load() {
    // By chance a reader may notice first, and says something else.
    let scheduler = PctScheduler::new_from_seed(1, 3, 20 * SCHEDULES);
    check(scheduler, || {
        readers_and_writers(Sabotage::StampAfterLoad);
    });
}

#[test]
#[should_panic]
fn the_exploration_finds_a_missing_stamp_check() {
    check_random(
        || readers_and_writers(Sabotage::IgnoreStamps),
        20 * SCHEDULES,
    );
}

#[test]
fn the_lead_reaches_somebody_whoever_is_dropped() {
    let history = || {
        let flights = Flights::new(8);
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let flights = flights.clone();
                thread::spawn(move || {
                    // The last is patient: it must always get through.
                    let polls = if n == 3 {
                        usize::MAX
                    } else {
                        thread_rng().gen_range(0..3)
                    };
                    block_on(at_most(polls, fly(&flights)));
                })
            })
            .collect();
        for task in tasks {
            task.join().expect("no task panics");
        }
        assert_eq!(flights.len(), 0);
    };
    check_random(history, 2 * SCHEDULES);
    check_pct(history, 2 * SCHEDULES, 3);
}

#[test]
#[should_panic(expected = "deadlock")]
fn the_exploration_finds_a_leader_that_never_lands() {
    check_random(
        || {
            let flights = Flights::new(8);
            let lost = flights.board(&key(1), &stamp(super::Tick::from_nanos(0)));
            std::mem::forget(lost);
            block_on(fly(&flights));
        },
        1,
    );
}

/// Boards, and as the leader fails after a step; goes home when the flight ends.
async fn fly(flights: &Arc<Flights>) {
    let leader = match flights.board(&key(1), &stamp(super::Tick::from_nanos(0))) {
        Boarding::Lead(leader) => leader,
        Boarding::Full => return,
        Boarding::Wait(waiter) => match waiter.await {
            Landing::Lead(leader) => leader,
            Landing::Done(_) | Landing::Failed => return,
        },
    };
    yield_now().await;
    leader.failed();
}
