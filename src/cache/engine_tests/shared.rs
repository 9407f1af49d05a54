//! Several engines on one shared tier.

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
            Engine::new(settings, shared, store, time.clone(), Handle::current())
        };
        let world = Self {
            a: engine(),
            b: engine(),
            hub,
            hand,
        };
        world
            .until(|world| world.a.stats().shared_live && world.b.stats().shared_live)
            .await;
        world
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
    let found = engine.lookup::<Rows>(&key(1), &users(), &terms);
    let cached = match found {
        Lookup::Fresh(cached) | Lookup::Stale(cached, _) => cached,
        Lookup::Miss(fallback) => {
            let load = async { Ok::<_, Failure>(vec![value]) };
            let question = shared_question(terms);
            let loaded = engine.load(question, fallback, |_| true, load).await;
            loaded.unwrap().into_cached()
        }
    };
    (cached[0], cached.source())
}

async fn write(engine: &Engine) -> Token {
    engine.write(users()).committed().delivered().await
}

#[tokio::test]
async fn what_one_process_loaded_another_finds() {
    let world = World::new().await;
    assert_eq!(ask(&world.a, terms(), 7).await, (7, Source::Database));
    world.until(|world| world.hub.entries() == 1).await;
    assert_eq!(ask(&world.b, terms(), 8).await, (7, Source::Shared));
    assert_eq!(ask(&world.b, terms(), 8).await, (7, Source::Local));
    let stats = world.b.stats();
    assert_eq!(
        (stats.hits_shared, stats.hits_local, stats.loads),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_write_in_one_process_ends_what_the_others_hold() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    ask(&world.b, terms(), 7).await;
    write(&world.a).await;
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
    world.rest().await;
    assert_eq!(ask(&world.a, terms(), 9).await, (8, Source::Shared));
}

#[tokio::test]
async fn a_result_that_a_write_overtook_is_valid_nowhere() {
    let world = World::new().await;
    let (answer, load) = held();
    let mut reader = std::pin::pin!(world.a.load(
        shared_question(terms()),
        None,
        |_: &Failure| true,
        load
    ));
    assert!(poll_once(&mut reader).is_none());
    // Elsewhere, and heard here only after the load: its words were read before.
    write(&world.b).await;
    answer.send(Ok(vec![7])).unwrap();
    reader.await.unwrap();
    world.rest().await;
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
    world.rest().await;
    assert_eq!(ask(&world.a, terms(), 9).await, (8, Source::Shared));
}

#[tokio::test]
async fn memory_is_silent_while_the_others_are_not_heard() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.hub.silence(Call::Beat);
    world.hub.silence(Call::Fetch);
    world.hand.advance(STALENESS);
    assert_eq!(ask(&world.a, terms(), 8).await, (7, Source::Local));
    world.hand.advance(Duration::from_nanos(1));
    assert_eq!(ask(&world.a, terms(), 8).await, (8, Source::Database));
    assert!(!world.a.stats().shared_live);
    assert_eq!(
        ask(&world.a, terms(), 9).await,
        (9, Source::Database),
        "nor what was loaded since"
    );
}

#[tokio::test]
async fn after_a_gap_in_hearing_memory_begins_anew() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.hub.cut();
    world.until(|world| world.a.stats().shared_live).await;
    world.hub.silence(Call::Fetch);
    let asked = ask(&world.a, terms(), 8);
    let mut asked = std::pin::pin!(asked);
    assert!(poll_once(&mut asked).is_none(), "it asks the tier first");
    world.hand.advance(BUDGET);
    assert_eq!(asked.await, (8, Source::Database));
}

#[tokio::test]
async fn the_words_of_another_epoch_are_not_equal() {
    for (sabotage, seen) in [(Sabotage::None, 8), (Sabotage::IgnoreEpoch, 7)] {
        let world = World::with(|_| {}, sabotage).await;
        ask(&world.a, terms(), 7).await;
        world.until(|world| world.hub.entries() == 1).await;
        world.hub.forget_clock();
        assert_eq!(ask(&world.b, terms(), 8).await.0, seen, "{sabotage:?}");
    }
}

#[tokio::test]
async fn a_process_does_not_take_what_its_own_write_has_not_ended_yet() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.hub.silence(Call::Advance);
    // Nobody waits for the delivery, as where a future was dropped.
    drop(world.a.write(users()).committed());
    world.rest().await;
    assert_eq!(ask(&world.a, terms(), 8).await, (8, Source::Database));
    assert_eq!(world.a.stats().pending_invalidations, 1);
    assert_eq!(
        ask(&world.b, terms(), 9).await,
        (7, Source::Shared),
        "it cannot know"
    );
}

#[tokio::test]
async fn a_write_waits_for_its_delivery_one_budget_at_most_and_it_is_tried_until_it_is_done() {
    let world = World::new().await;
    world.hub.break_(Call::Advance);
    let mut delivered = std::pin::pin!(write(&world.a));
    assert!(poll_once(&mut delivered).is_none());
    world.rest().await;
    world.hand.advance(BUDGET);
    let token = delivered.await;
    assert!(!world.b.covers(&token), "nobody can tell");
    world.hub.mend();
    world.pass(STALENESS).await;
    world
        .until(|world| world.a.stats().pending_invalidations == 0)
        .await;
    assert!(world.b.stats().steps_heard > 0);
}

#[tokio::test]
async fn a_tier_that_does_not_answer_costs_one_budget_and_then_nothing() {
    let world = World::new().await;
    world.hub.silence(Call::Fetch);
    let mut asked = std::pin::pin!(ask(&world.a, terms(), 7));
    assert!(poll_once(&mut asked).is_none());
    world.hand.advance(BUDGET);
    assert_eq!(asked.await, (7, Source::Database));
    let asked_once = world.hub.calls(Call::Fetch);
    drop(world.a.invalidate(&users()));
    let mut asked = std::pin::pin!(ask(&world.a, terms(), 8));
    assert_eq!(poll_once(&mut asked), Some((8, Source::Database)));
    assert_eq!(world.hub.calls(Call::Fetch), asked_once);
    // A beat that comes back in time opens the way again.
    world.hub.mend();
    world.pass(STALENESS / 2).await;
    write(&world.a).await;
    ask(&world.a, terms(), 9).await;
    assert_eq!(world.hub.calls(Call::Fetch), asked_once + 1);
}

#[tokio::test]
async fn an_entry_that_was_tampered_with_is_a_miss_and_told() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.hub.spoil(|bytes| *bytes.last_mut().unwrap() ^= 1);
    let mut events = world.b.events().subscribe();
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
    assert!(matches!(
        events.try_next(),
        Some(Event::SharedEntryRefused { .. })
    ));
    assert_eq!(world.b.stats().shared_refusals.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn ages_count_from_the_load_wherever_it_was() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.pass(6 * SECOND).await;
    assert_eq!(ask(&world.b, terms(), 8).await, (7, Source::Shared));
    world.pass(4 * SECOND).await;
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
}

#[tokio::test]
async fn an_expired_entry_of_another_process_is_answered_while_it_is_refreshed() {
    let world = World::new().await;
    let patient = Terms {
        stale_while_revalidate: 10 * SECOND,
        ..terms()
    };
    ask(&world.a, patient, 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.pass(11 * SECOND).await;
    let load = async { panic!("it is not awaited") };
    let question = shared_question(patient);
    let loaded = world
        .b
        .load::<Rows, Failure>(question, None, |_| true, load)
        .await;
    let Ok(Loaded::Stale(cached)) = loaded else {
        panic!("stale: {loaded:?}")
    };
    assert_eq!((cached[0], cached.source()), (7, Source::Shared));
}

#[tokio::test]
async fn an_expired_entry_of_another_process_stands_in_for_a_load_that_fails() {
    let world = World::new().await;
    let patient = Terms {
        stale_if_error: 10 * SECOND,
        ..terms()
    };
    ask(&world.a, patient, 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.pass(11 * SECOND).await;
    let load = async { Err(Failure::Outage) };
    let question = shared_question(patient);
    let loaded = world
        .b
        .load::<Rows, _>(question, None, |_| true, load)
        .await;
    assert_eq!(loaded.unwrap().into_cached()[0], 7);
}

#[tokio::test]
async fn a_strict_read_takes_nothing_that_the_tier_does_not_confirm() {
    let world = World::new().await;
    assert_eq!(
        ask(&world.a, strict_terms(), 7).await,
        (7, Source::Database)
    );
    assert_eq!(ask(&world.a, strict_terms(), 8).await, (7, Source::Local));
    // A step that nobody was told of: only the words in the tier show it.
    world.hub.state_moves(&users());
    assert_eq!(
        ask(&world.a, strict_terms(), 8).await,
        (8, Source::Database)
    );
    world.hub.silence(Call::Read);
    let mut asked = std::pin::pin!(ask(&world.a, strict_terms(), 9));
    assert!(poll_once(&mut asked).is_none());
    world.hand.advance(BUDGET);
    assert_eq!(asked.await, (9, Source::Database));
}

#[tokio::test]
async fn a_strict_write_keeps_all_strict_reads_from_the_cache_until_it_is_settled() {
    let world = World::strict().await;
    ask(&world.b, strict_terms(), 7).await;
    let guard = world.a.announce(users()).await.unwrap();
    assert_eq!(
        ask(&world.b, strict_terms(), 8).await,
        (8, Source::Database)
    );
    assert_eq!(
        ask(&world.b, strict_terms(), 9).await,
        (9, Source::Database)
    );
    guard.committed().delivered().await;
    assert_eq!(
        ask(&world.b, strict_terms(), 9).await,
        (9, Source::Database)
    );
    world.rest().await;
    assert_eq!(ask(&world.b, strict_terms(), 10).await.0, 9);
}

#[tokio::test]
async fn a_writer_that_dies_before_it_settles_ends_in_misses_and_then_in_fresh_values() {
    for (sabotage, seen) in [(Sabotage::None, 8), (Sabotage::SkipFence, 7)] {
        let world = World::with(|settings| settings.fences = true, sabotage).await;
        ask(&world.b, strict_terms(), 7).await;
        let guard = world.a.announce(users()).await.unwrap();
        // Killed: it neither settles nor prolongs.
        world.hub.kill(0);
        std::mem::forget(guard);
        assert_eq!(
            ask(&world.b, strict_terms(), 8).await.0,
            seen,
            "{sabotage:?}"
        );
        world.pass(11 * SECOND).await;
        assert_eq!(ask(&world.b, strict_terms(), 9).await.0, 9, "{sabotage:?}");
    }
}

#[tokio::test]
async fn a_strict_write_that_cannot_be_told_fails_before_it_is_sent() {
    for call in [Hub::silence as fn(&Hub, Call), Hub::break_] {
        let world = World::strict().await;
        call(&world.hub, Call::Hold);
        let mut announced = std::pin::pin!(world.a.announce(users()));
        let result: Option<Result<_, FenceError>> = poll_once(&mut announced);
        let result = match result {
            Some(result) => result,
            None => {
                world.hand.advance(BUDGET);
                announced.await
            }
        };
        assert!(result.is_err());
        assert_eq!(hit(&world.a, &terms()), None);
        let stamp = world.a.stamp(&users());
        assert_eq!(stamp, world.a.stamp(&users()), "no write is in flight here");
    }
}

#[tokio::test]
async fn a_hold_that_was_asked_for_in_vain_is_given_up() {
    let world = World::strict().await;
    let guard = world.a.announce(users()).await.unwrap();
    guard.undone();
    world.rest().await;
    ask(&world.b, strict_terms(), 7).await;
    assert_eq!(ask(&world.b, strict_terms(), 8).await, (7, Source::Local));
}

#[tokio::test]
async fn nobody_keeps_what_a_write_of_unknown_outcome_may_still_change() {
    let world = World::new().await;
    ask(&world.b, terms(), 7).await;
    drop(world.a.write(users()).unknown());
    world.rest().await;
    for value in 8..10 {
        assert_eq!(
            ask(&world.b, terms(), value).await,
            (value, Source::Database)
        );
    }
    world.pass(61 * SECOND).await;
    // The end of the hold moves the slots while this one loads.
    ask(&world.b, terms(), 10).await;
    ask(&world.b, terms(), 11).await;
    assert_eq!(ask(&world.b, terms(), 12).await, (11, Source::Local));
}

#[tokio::test]
async fn a_token_is_covered_where_its_write_was_heard() {
    let world = World::new().await;
    let token = write(&world.a).await;
    assert!(world.a.covers(&token) && world.b.covers(&token));
    world.hub.cut();
    world.until(|world| world.b.stats().shared_live).await;
    assert!(!world.b.covers(&token), "it cannot tell any more");
    assert!(world.a.covers(&token), "read your writes");
}

#[tokio::test]
async fn of_all_processes_that_miss_together_one_loads() {
    let world = World::with(|settings| settings.claim = Some(5 * SECOND), Sabotage::None).await;
    let (answer, load) = held();
    let mut first = std::pin::pin!(world.a.load(
        shared_question(terms()),
        None,
        |_: &Failure| true,
        load
    ));
    assert!(poll_once(&mut first).is_none());
    let mut second = std::pin::pin!(ask(&world.b, terms(), 8));
    assert!(poll_once(&mut second).is_none());
    answer.send(Ok(vec![7])).unwrap();
    first.await.unwrap();
    world.rest().await;
    world.hand.advance(Duration::from_millis(100));
    assert_eq!(second.await, (7, Source::Shared));
}

#[tokio::test]
async fn a_claim_of_one_who_gave_up_goes_to_the_next() {
    let world = World::with(|settings| settings.claim = Some(5 * SECOND), Sabotage::None).await;
    {
        let question = shared_question(terms());
        let load = std::future::pending::<Result<Rows, Failure>>();
        let mut first = std::pin::pin!(world.a.load(question, None, |_| true, load));
        assert!(poll_once(&mut first).is_none());
    }
    world.rest().await;
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
}

#[tokio::test]
async fn too_many_steps_that_cannot_be_told_become_one_of_everything() {
    let world = World::new().await;
    world.hub.break_(Call::Advance);
    for n in 0..20_000 {
        drop(
            world
                .a
                .invalidate(&[Tag::user(&n.to_string())].into_iter().collect()),
        );
    }
    assert!(world.a.stats().pending_invalidations < 10_000);
    ask(&world.b, terms(), 7).await;
    world.hub.mend();
    world.pass(STALENESS).await;
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
}
