//! Strict reads and writes, and sessions.

use super::*;

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
async fn a_token_is_covered_where_its_write_was_heard() {
    let world = World::new().await;
    let token = write(&world.a).await;
    assert!(world.a.covers(&token) && world.b.covers(&token));
    world.hub.cut();
    world.rest().await;
    world.pass(Duration::from_millis(10)).await;
    world.until(|world| world.b.stats().shared_live).await;
    assert!(!world.b.covers(&token), "it cannot tell any more");
    assert!(world.a.covers(&token), "read your writes");
}

#[tokio::test]
async fn a_strict_write_that_takes_long_keeps_its_hold_however_seldom_beats_come() {
    let settings = |settings: &mut SharedSettings| {
        settings.fences = true;
        settings.fence = SECOND;
        settings.max_staleness = 60 * SECOND;
    };
    let world = World::with(settings, Sabotage::None).await;
    let guard = world.a.announce(users()).await.unwrap();
    world.pass(5 * SECOND).await;
    for value in 7..9 {
        assert_eq!(
            ask(&world.b, strict_terms(), value).await,
            (value, Source::Database)
        );
    }
    drop(guard.committed());
}

#[tokio::test]
async fn a_strict_write_whose_hold_has_lapsed_is_not_done_before_it_is_told() {
    let world = World::strict().await;
    ask(&world.b, strict_terms(), 7).await;
    let guard = world.a.announce(users()).await.unwrap();
    world.hub.break_(Call::Hold);
    world.hub.break_(Call::Advance);
    world.pass(11 * SECOND).await;
    let mut delivered = std::pin::pin!(guard.committed().delivered());
    assert!(poll_once(&mut delivered).is_none());
    world.pass(11 * SECOND).await;
    assert!(
        poll_once(&mut delivered).is_none(),
        "others may still read what was before"
    );
    world.hub.mend();
    world.pass(STALENESS).await;
    assert!(poll_once(&mut delivered).is_some());
    assert_eq!(
        ask(&world.b, strict_terms(), 8).await,
        (8, Source::Database)
    );
}
