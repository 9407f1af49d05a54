//! Reads, writes and ages with a tier that works.

use super::*;

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
