use std::pin::pin;

use super::{super::*, *};
use crate::cache::{Cause, Consistency, Mode, Source};

#[tokio::test]
async fn concurrent_misses_load_once() {
    let (engine, _hand) = engine();
    let (answer, load) = held();
    let mut first = pin!(read(&engine, terms(), load));
    let mut second = pin!(read(&engine, terms(), never()));
    assert!(poll_once(&mut first).is_none() && poll_once(&mut second).is_none());
    answer.send(Ok(vec![7])).unwrap();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert!(std::ptr::eq(&*first, &*second), "they share one value");
    assert_eq!(second.source(), Source::Database);
    let stats = engine.stats();
    assert_eq!((stats.loads, stats.coalesced, stats.in_flight), (1, 1, 0));
    assert_eq!(hit(&engine, &terms()), Some(vec![7]));
}

#[tokio::test]
async fn a_reader_that_starts_after_a_write_does_not_join_a_load_from_before() {
    let (engine, _hand) = engine();
    let (before, load) = held();
    let mut first = pin!(read(&engine, terms(), load));
    assert!(poll_once(&mut first).is_none());
    engine.write(users()).committed();
    let second = read(&engine, terms(), async { Ok(vec![8]) }).await.unwrap();
    assert_eq!(*second, [8]);
    before.send(Ok(vec![7])).unwrap();
    assert_eq!(
        *first.await.unwrap(),
        [7],
        "the first began before the write"
    );
    assert_eq!(hit(&engine, &terms()), Some(vec![8]));
}

#[tokio::test]
async fn an_error_reaches_its_own_reader_only_and_the_others_load_for_themselves() {
    let (engine, _hand) = engine();
    let (answer, load) = held();
    let (second_answer, second_load) = held();
    let mut first = pin!(read(&engine, terms(), load));
    let mut second = pin!(read(&engine, terms(), second_load));
    let mut third = pin!(read(&engine, terms(), async { Ok(vec![3]) }));
    assert!(
        poll_once(&mut first).is_none()
            && poll_once(&mut second).is_none()
            && poll_once(&mut third).is_none()
    );
    answer.send(Err(Failure::Refused)).unwrap();
    assert_eq!(first.await.unwrap_err(), Failure::Refused);
    assert!(poll_once(&mut second).is_none(), "the second loads now");
    assert_eq!(
        *third.await.unwrap(),
        [3],
        "and the third does not wait for it"
    );
    second_answer.send(Ok(vec![2])).unwrap();
    assert_eq!(*second.await.unwrap(), [2]);
    assert_eq!((engine.stats().loads, engine.stats().load_failures), (3, 1));
}

#[tokio::test]
async fn a_strict_reader_beside_a_write_neither_joins_nor_shares() {
    let (engine, _hand) = engine();
    let strict = Terms {
        consistency: Consistency::Strict,
        ..terms()
    };
    let (answer, load) = held();
    let write = engine.write(users());
    let mut bounded = pin!(read(&engine, terms(), load));
    assert!(poll_once(&mut bounded).is_none());
    assert_eq!(
        *read(&engine, strict, async { Ok(vec![1]) }).await.unwrap(),
        [1]
    );
    write.committed();
    assert_eq!(
        *read(&engine, strict, async { Ok(vec![2]) }).await.unwrap(),
        [2]
    );
    answer.send(Ok(vec![0])).unwrap();
    bounded.await.unwrap();
    assert_eq!(hit(&engine, &strict), Some(vec![2]));
}

#[tokio::test]
async fn in_quarantine_everyone_loads_alone() {
    let (engine, _hand) = engine();
    engine.write(users()).unknown();
    let (answer, load) = held();
    let mut first = pin!(read(&engine, terms(), load));
    assert!(poll_once(&mut first).is_none());
    assert_eq!(
        *read(&engine, terms(), async { Ok(vec![2]) }).await.unwrap(),
        [2]
    );
    answer.send(Ok(vec![1])).unwrap();
    assert_eq!(*first.await.unwrap(), [1]);
    assert_eq!(hit(&engine, &terms()), None);
}

#[tokio::test]
async fn a_forced_refresh_does_not_join_and_its_result_is_kept() {
    let (engine, hand) = engine();
    let forced = Terms {
        mode: Mode::Refresh,
        ..terms()
    };
    let (answer, load) = held();
    let mut slow = pin!(read(&engine, terms(), load));
    assert!(poll_once(&mut slow).is_none());
    hand.advance(SECOND);
    assert_eq!(
        *read(&engine, forced, async { Ok(vec![2]) }).await.unwrap(),
        [2]
    );
    answer.send(Ok(vec![1])).unwrap();
    assert_eq!(*slow.await.unwrap(), [1]);
    assert_eq!(
        hit(&engine, &terms()),
        Some(vec![2]),
        "the older load must not undo the refresh"
    );
}

#[tokio::test]
async fn an_outage_is_covered_by_what_has_expired_and_no_other_error_is() {
    let (engine, hand) = engine();
    let covered = Terms {
        stale_if_error: 20 * SECOND,
        ..terms()
    };
    put(&engine, &covered, vec![7]);
    hand.advance(15 * SECOND);
    let stale = read(&engine, covered, async { Err(Failure::Outage) })
        .await
        .unwrap();
    assert_eq!(*stale, [7]);
    assert_eq!(
        (stale.freshness(), stale.age()),
        (Freshness::Stale(Cause::LoadFailed), 15 * SECOND)
    );
    assert_eq!(
        read(&engine, covered, async { Err(Failure::Refused) })
            .await
            .unwrap_err(),
        Failure::Refused
    );
    hand.advance(15 * SECOND);
    assert_eq!(
        read(&engine, covered, async { Err(Failure::Outage) })
            .await
            .unwrap_err(),
        Failure::Outage
    );
}

#[tokio::test]
async fn what_a_write_invalidates_during_the_load_does_not_stand_in() {
    let (engine, hand) = engine();
    let covered = Terms {
        stale_if_error: 20 * SECOND,
        ..terms()
    };
    put(&engine, &covered, vec![7]);
    hand.advance(15 * SECOND);
    let (answer, load) = held();
    let mut reader = pin!(read(&engine, covered, load));
    assert!(poll_once(&mut reader).is_none());
    engine.write(users()).committed();
    answer.send(Err(Failure::Outage)).unwrap();
    assert_eq!(reader.await.unwrap_err(), Failure::Outage);
}

#[tokio::test]
async fn a_slow_load_gives_way_to_a_stale_answer() {
    let settings = EngineSettings {
        soft_timeout: Some(SECOND),
        ttl_jitter: 0.0,
        ..EngineSettings::default()
    };
    let (engine, hand) = engine_with(settings);
    let covered = Terms {
        stale_if_error: 20 * SECOND,
        ..terms()
    };
    put(&engine, &covered, vec![7]);
    hand.advance(15 * SECOND);
    let (answer, load) = held();
    let mut reader = pin!(read(&engine, covered, load));
    assert!(poll_once(&mut reader).is_none());
    hand.advance(SECOND);
    let stale = reader.await.unwrap();
    assert_eq!(
        (stale.freshness(), stale.age()),
        (Freshness::Stale(Cause::LoadSlow), 16 * SECOND)
    );
    drop(stale);
    drop(answer);

    // With nothing to give it goes on.
    engine.invalidate(&users());
    let (answer, load) = held();
    let mut reader = pin!(read(&engine, covered, load));
    assert!(poll_once(&mut reader).is_none());
    hand.advance(5 * SECOND);
    assert!(poll_once(&mut reader).is_none());
    answer.send(Ok(vec![8])).unwrap();
    assert_eq!(*reader.await.unwrap(), [8]);
}

#[tokio::test]
async fn one_who_gets_the_lead_late_finds_what_was_stored_meanwhile() {
    let (engine, _hand) = engine();
    let Lookup::Miss(fallback) = look(&engine, &terms()) else {
        panic!("nothing is there yet")
    };
    put(&engine, &terms(), vec![7]);
    let cached = engine
        .load(
            question(1, users(), terms()),
            fallback,
            |_: &Failure| false,
            never(),
        )
        .await
        .unwrap()
        .into_cached();
    assert_eq!((&*cached, cached.source()), (&vec![7], Source::Local));
    assert_eq!(engine.stats().in_flight, 0);
}

#[tokio::test]
async fn one_who_waits_is_not_given_what_is_too_old_for_its_own_terms() {
    let (engine, hand) = engine();
    put(&engine, &terms(), vec![1]);
    hand.advance(5 * SECOND);
    let brief = Terms {
        ttl: SECOND,
        ..terms()
    };
    let (_answer, load) = held();
    let mut first = Box::pin(read(&engine, brief, load));
    assert!(poll_once(&mut first).is_none());
    let mut patient = pin!(engine.load(
        question(1, users(), terms()),
        None,
        |_: &Failure| false,
        never()
    ));
    assert!(poll_once(&mut patient).is_none());
    let mut second = pin!(read(&engine, brief, async { Ok(vec![2]) }));
    assert!(poll_once(&mut second).is_none());
    // The lead goes to the reader with long terms, whom the old entry satisfies; the other must load.
    drop(first);
    assert_eq!(*patient.await.unwrap().into_cached(), [1]);
    assert_eq!(*second.await.unwrap(), [2]);
}

#[tokio::test]
async fn over_the_bound_of_flights_readers_load_alone() {
    let (engine, _hand) = engine_with(EngineSettings {
        max_in_flight: 0,
        ..EngineSettings::default()
    });
    assert_eq!(
        *read(&engine, terms(), async { Ok(vec![7]) }).await.unwrap(),
        [7]
    );
    assert_eq!(engine.stats().uncoalesced, 1);
    assert_eq!(hit(&engine, &terms()), Some(vec![7]));
}
