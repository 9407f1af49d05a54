//! One engine follows the writes of those who bypass the pools, and vouches for it to the other.

use super::*;

const TOPIC: &str = "a database";

/// A world in which both engines rely on what one of them hears.
async fn world(sabotage: Sabotage) -> World {
    let world = World::with(|_| {}, sabotage).await;
    for engine in [&world.a, &world.b] {
        engine.rely_on_changes();
        engine.share_changes(TOPIC, STALENESS);
    }
    world
}

/// Says on behalf of `a` that it has heard everything until now.
fn hears(world: &World) {
    let until = world.a.now().plus(STALENESS);
    world.a.changes_heard(until);
}

async fn is_vouched(world: &World) {
    while !world.b.changes_are_vouched() {
        world.pass(STALENESS / 8).await;
    }
}

#[tokio::test]
async fn a_follower_answers_only_while_somebody_vouches() {
    for (sabotage, seen) in [(Sabotage::None, 8), (Sabotage::IgnoreOutsiders, 7)] {
        let world = world(sabotage).await;
        ask(&world.b, terms(), 7).await;
        let unheard = ask(&world.b, terms(), 8).await.0;
        assert_eq!(unheard, seen, "{sabotage:?}: nobody has said anything");
        world.a.lead_changes();
        hears(&world);
        is_vouched(&world).await;
        world.b.invalidate(&users()).delivered().await;
        ask(&world.b, terms(), 7).await;
        assert_eq!(ask(&world.b, terms(), 8).await, (7, Source::Local));
        assert!(world.b.stats().changes_live && !world.b.stats().changes_leader);
        assert!(world.a.stats().changes_leader);
        // The leader has died: it says nothing any more.
        world.pass(2 * STALENESS).await;
        assert!(world.b.stats().shared_live);
        assert!(!world.b.stats().changes_live);
        assert_eq!(ask(&world.b, terms(), 8).await.0, seen, "{sabotage:?}");
    }
}

#[tokio::test]
async fn what_is_vouched_for_is_as_old_as_what_the_leader_has_heard() {
    let world = world(Sabotage::None).await;
    world.a.lead_changes();
    // Half of it has passed when it is said.
    world.a.changes_heard(world.a.now().plus(STALENESS / 2));
    let said = world.a.now();
    is_vouched(&world).await;
    while world.b.changes_are_vouched() {
        world.pass(STALENESS / 8).await;
    }
    let lasted = world.b.now().since(said);
    assert!(lasted <= STALENESS / 2 + STALENESS / 8, "{lasted:?}");
}

#[tokio::test]
async fn nobody_vouches_for_what_the_shared_clock_has_not_been_told() {
    for (sabotage, seen) in [(Sabotage::None, 8), (Sabotage::VouchEarly, 7)] {
        let world = world(sabotage).await;
        world.a.lead_changes();
        hears(&world);
        is_vouched(&world).await;
        ask(&world.b, terms(), 7).await;
        assert_eq!(ask(&world.b, terms(), 7).await.1, Source::Local);
        // Somebody else writes 8: the leader hears of it, and cannot tell.
        world.hub.break_(Call::Advance);
        drop(world.a.invalidate(&users()));
        for _ in 0..16 {
            hears(&world);
            world.pass(STALENESS / 8).await;
        }
        assert!(world.b.stats().shared_live);
        assert_eq!(ask(&world.b, terms(), 8).await.0, seen, "{sabotage:?}");
    }
}

#[tokio::test]
async fn a_follower_has_heard_what_it_is_vouched_for() {
    let world = world(Sabotage::None).await;
    world.a.lead_changes();
    hears(&world);
    is_vouched(&world).await;
    ask(&world.b, terms(), 7).await;
    world.hub.break_(Call::Advance);
    drop(world.a.invalidate(&users()));
    world.pass(2 * STALENESS).await;
    assert!(!world.b.changes_are_vouched());
    world.hub.mend();
    hears(&world);
    is_vouched(&world).await;
    assert_eq!(ask(&world.b, terms(), 8).await.0, 8);
}

#[tokio::test]
async fn a_leader_that_hears_no_more_says_so() {
    let world = world(Sabotage::None).await;
    world.a.lead_changes();
    hears(&world);
    is_vouched(&world).await;
    world.pass(STALENESS / 8).await;
    world.a.changes_lost();
    assert!(!world.a.stats().changes_leader && !world.a.stats().changes_live);
    world.pass(STALENESS / 2).await;
    assert!(!world.b.changes_are_vouched());
}

#[tokio::test]
async fn a_follower_that_hears_nothing_does_not_take_back_what_another_says() {
    let world = world(Sabotage::None).await;
    world.a.lead_changes();
    hears(&world);
    is_vouched(&world).await;
    let said = world.hub.calls(Call::Vouch);
    world.b.changes_lost();
    world.rest().await;
    assert!(world.b.changes_are_vouched());
    assert_eq!(world.hub.calls(Call::Vouch), said);
}

#[tokio::test]
async fn a_clock_that_has_forgotten_vouches_for_nothing() {
    let world = world(Sabotage::None).await;
    world.a.lead_changes();
    hears(&world);
    is_vouched(&world).await;
    world.hub.forget_clock();
    world.pass(STALENESS / 2).await;
    assert!(world.b.stats().shared_live && !world.b.changes_are_vouched());
    hears(&world);
    is_vouched(&world).await;
}
