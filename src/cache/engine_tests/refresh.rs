use super::{super::*, *};
use crate::observe::{Event, EventStream};

fn lenient() -> Terms {
    Terms {
        stale_while_revalidate: 60 * SECOND,
        ..terms()
    }
}

/// Waits for the first event that `wanted` picks.
async fn told(events: &mut EventStream, wanted: Event) {
    let found = tokio::time::timeout(10 * SECOND, async {
        while let Some(event) = events.next().await {
            if event == wanted {
                return;
            }
        }
        panic!("the engine is gone");
    });
    found
        .await
        .unwrap_or_else(|_| panic!("never told: {wanted}"));
}

#[tokio::test]
async fn a_stale_answer_is_replaced_in_the_background() {
    let (engine, hand) = engine();
    let mut events = engine.events().subscribe();
    put(&engine, &lenient(), vec![7]);
    hand.advance(20 * SECOND);
    assert!(matches!(
        look(&engine, &lenient()),
        Lookup::Stale(_, Cause::Expired)
    ));
    engine.refresh(question(1, users(), lenient()), async {
        Ok::<_, Failure>(vec![8_u64])
    });
    told(&mut events, Event::Refreshed).await;
    assert_eq!(hit(&engine, &lenient()), Some(vec![8]));
}

#[tokio::test]
async fn a_refresh_that_a_write_overtakes_is_not_stored() {
    let (engine, hand) = engine();
    let mut events = engine.events().subscribe();
    put(&engine, &lenient(), vec![7]);
    hand.advance(20 * SECOND);
    let (answer, load) = held();
    engine.refresh(question(1, users(), lenient()), load);
    engine.write(users()).committed();
    answer.send(Ok(vec![7])).unwrap();
    told(
        &mut events,
        Event::StoreSkipped {
            why: crate::observe::Skip::Raced,
        },
    )
    .await;
    assert!(matches!(look(&engine, &lenient()), Lookup::Miss(None)));
}

#[tokio::test]
async fn a_key_is_refreshed_once_at_a_time_and_readers_join() {
    let (engine, _hand) = engine();
    let (answer, load) = held();
    engine.refresh(question(1, users(), lenient()), load);
    engine.refresh(question(1, users(), lenient()), never());
    let mut reader = std::pin::pin!(read(&engine, terms(), never()));
    assert!(poll_once(&mut reader).is_none());
    answer.send(Ok(vec![8])).unwrap();
    assert_eq!(*reader.await.unwrap(), [8]);
    assert_eq!(engine.stats().refreshes_started, 1);
}

#[tokio::test]
async fn a_refresh_that_found_its_work_done_does_not_load() {
    let (engine, _hand) = engine();
    put(&engine, &lenient(), vec![7]);
    engine.refresh(question(1, users(), lenient()), never());
    assert_eq!(engine.stats().refreshes_started, 0);
    assert_eq!(engine.stats().in_flight, 0);
}

#[tokio::test]
async fn over_the_bound_a_refresh_is_skipped() {
    let (engine, _hand) = engine_with(EngineSettings {
        max_refreshes: 1,
        ..EngineSettings::default()
    });
    let (_answer, load) = held();
    engine.refresh(question(1, users(), lenient()), load);
    engine.refresh(question(2, users(), lenient()), never());
    let stats = engine.stats();
    assert_eq!((stats.refreshes_started, stats.refreshes_skipped), (1, 1));
}

#[tokio::test]
async fn in_quarantine_nothing_is_refreshed() {
    let (engine, _hand) = engine();
    engine.write(users()).unknown();
    engine.refresh(question(1, users(), lenient()), never());
    assert_eq!(engine.stats().refreshes_skipped, 1);
}

#[tokio::test]
async fn a_panic_in_a_refresh_is_counted_and_hands_over() {
    let (engine, _hand) = engine();
    let mut events = engine.events().subscribe();
    let (answer, load) = held();
    engine.refresh(question(1, users(), lenient()), load);
    let mut reader = std::pin::pin!(read(&engine, terms(), async { Ok(vec![9]) }));
    assert!(poll_once(&mut reader).is_none());
    // The load expects an answer and panics without one.
    drop(answer);
    told(&mut events, Event::RefreshFailed).await;
    assert_eq!(*reader.await.unwrap(), [9]);
    assert_eq!(engine.stats().refreshes_failed, 1);
    // The permit is free again.
    engine.invalidate(&users());
    engine.refresh(question(1, users(), lenient()), async {
        Ok::<_, Failure>(vec![8_u64])
    });
    told(&mut events, Event::Refreshed).await;
}

#[tokio::test]
async fn a_failing_refresh_leaves_the_stale_entry_where_it_is() {
    let (engine, hand) = engine();
    let mut events = engine.events().subscribe();
    put(&engine, &lenient(), vec![7]);
    hand.advance(20 * SECOND);
    engine.refresh(question(1, users(), lenient()), async {
        Err::<Rows, _>(Failure::Outage)
    });
    told(&mut events, Event::RefreshFailed).await;
    assert!(matches!(
        look(&engine, &lenient()),
        Lookup::Stale(_, Cause::Expired)
    ));
}

#[test]
fn a_runtime_that_shuts_down_leaves_no_reader_waiting() {
    let background = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (engine, _hand) = testkit::engine(EngineSettings::default(), background.handle().clone());
    let (_answer, load) = held();
    engine.refresh(question(1, users(), lenient()), load);
    let mut reader = std::pin::pin!(read(&engine, terms(), async { Ok(vec![9]) }));
    assert!(poll_once(&mut reader).is_none());
    background.shutdown_timeout(10 * SECOND);
    let answered = poll_once(&mut reader).expect("the lead has come to the reader");
    assert_eq!(*answered.unwrap(), [9]);
    // And a refresh on a runtime that is gone gives its lead back.
    engine.invalidate(&users());
    engine.refresh(question(1, users(), lenient()), never());
    assert_eq!(engine.stats().in_flight, 0);
}

#[tokio::test]
async fn an_early_refresh_answers_fresh_and_loads() {
    let settings = EngineSettings {
        early_refresh: Some(0.5),
        ttl_jitter: 0.0,
        ..EngineSettings::default()
    };
    let (engine, hand) = engine_with(settings);
    let mut events = engine.events().subscribe();
    put(&engine, &terms(), vec![7]);
    hand.advance(6 * SECOND);
    let Lookup::Stale(cached, Cause::Early) = look(&engine, &terms()) else {
        panic!("a refresh is due")
    };
    assert_eq!(cached.freshness(), Freshness::Fresh);
    engine.refresh(question(1, users(), terms()), async {
        Ok::<_, Failure>(vec![8_u64])
    });
    told(&mut events, Event::Refreshed).await;
    assert_eq!(hit(&engine, &terms()), Some(vec![8]));
    assert_eq!(engine.stats().stale_hits, 0);
}
