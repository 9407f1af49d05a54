//! What happens while the tier is away, forgets or answers nonsense.

use super::*;

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
    world.rest().await;
    world.pass(Duration::from_millis(10)).await;
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

#[tokio::test]
async fn a_pool_that_outlives_its_runtime_goes_on_where_it_is_used() {
    let built_on = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let world = World::on(built_on.handle(), |_| {}, Sabotage::None);
    // It never ran anything, and is gone.
    built_on.shutdown_background();
    let guard = world.a.announce(users()).await.unwrap();
    drop(guard.committed());
    assert_eq!(world.a.stats().pending_invalidations, 1);
    let guard = world.a.announce(users()).await.unwrap();
    drop(guard.committed());
    world
        .until(|world| world.a.stats().pending_invalidations == 0)
        .await;
    ask(&world.b, terms(), 7).await;
    world.until(|world| world.b.stats().shared_live).await;
}

#[tokio::test]
async fn neither_memory_nor_the_tier_answers_while_writers_from_outside_are_not_heard() {
    let world = World::new().await;
    ask(&world.a, terms(), 7).await;
    world.until(|world| world.hub.entries() == 1).await;
    world.b.rely_on_changes();
    assert_eq!(ask(&world.b, terms(), 8).await, (8, Source::Database));
    assert!(!world.b.stats().changes_live);
    let heard = world.b.now().plus(STALENESS / 4);
    world.b.changes_heard(heard);
    assert!(world.b.stats().changes_live);
    assert_eq!(ask(&world.b, terms(), 9).await, (8, Source::Local));
    world.hand.advance(STALENESS / 4 + Duration::from_nanos(1));
    assert_eq!(ask(&world.b, terms(), 9).await, (9, Source::Database));
    world.b.changes_heard(world.b.now().plus(STALENESS / 4));
    world.b.changes_lost();
    assert_eq!(ask(&world.b, terms(), 10).await, (10, Source::Database));
    // Who relies on nobody from outside goes on.
    assert_eq!(ask(&world.a, terms(), 11).await, (7, Source::Local));
}
