use super::{super::*, *};
use crate::cache::{Cause, Consistency, Mode, Sabotage, Source, Tag};

#[tokio::test]
async fn what_was_stored_is_answered_until_its_time_is_over() {
    let (engine, hand) = engine();
    let cached = put(&engine, &terms(), vec![7]);
    assert_eq!(
        (cached.source(), cached.freshness()),
        (Source::Database, Freshness::Fresh)
    );
    hand.advance(3 * SECOND);
    let Lookup::Fresh(cached) = look(&engine, &terms()) else {
        panic!("it is fresh")
    };
    assert_eq!(*cached, [7]);
    assert_eq!((cached.source(), cached.age()), (Source::Local, 3 * SECOND));
    assert_eq!(cached.tags().collect::<Vec<_>>(), ["users"]);
    hand.advance(7 * SECOND);
    assert!(matches!(look(&engine, &terms()), Lookup::Miss(None)));
    let stats = engine.stats();
    assert_eq!((stats.hits_local, stats.misses, stats.entries), (1, 1, 1));
}

#[tokio::test]
async fn a_write_invalidates_what_depends_on_it_and_nothing_else() {
    let (engine, _hand) = engine();
    put(&engine, &terms(), vec![7]);
    engine.write(tables(["orders"])).committed();
    engine.invalidate(&[Tag::user("users")].into_iter().collect());
    assert_eq!(hit(&engine, &terms()), Some(vec![7]));
    engine.write(users()).committed();
    assert_eq!(hit(&engine, &terms()), None);
    put(&engine, &terms(), vec![8]);
    engine.invalidate_all();
    assert_eq!(hit(&engine, &terms()), None);
}

#[tokio::test]
async fn an_entry_of_another_type_is_a_miss() {
    let (engine, _hand) = engine();
    put(&engine, &terms(), vec![7]);
    assert!(matches!(
        engine.lookup::<Option<u64>>(&key(1), &terms()),
        Lookup::Miss(None)
    ));
}

#[tokio::test]
async fn a_strict_reader_gets_nothing_while_a_write_is_in_flight() {
    let (engine, _hand) = engine();
    let strict = Terms {
        consistency: Consistency::Strict,
        ..terms()
    };
    put(&engine, &terms(), vec![7]);
    let write = engine.write(users());
    assert_eq!(hit(&engine, &strict), None);
    assert_eq!(hit(&engine, &terms()), Some(vec![7]));
    write.undone();
    assert_eq!(hit(&engine, &strict), Some(vec![7]));
}

#[tokio::test]
async fn nothing_is_answered_while_a_write_of_unknown_outcome_may_still_come() {
    let (engine, hand) = engine();
    put(&engine, &terms(), vec![7]);
    drop(engine.write(users()));
    assert_eq!(hit(&engine, &terms()), None);
    put(&engine, &terms(), vec![7]);
    assert_eq!(hit(&engine, &terms()), None);
    assert_eq!(engine.stats().stores_skipped["quarantined"], 1);
    assert_eq!(engine.stats().quarantined, 1);

    hand.advance(60 * SECOND);
    assert_eq!(hit(&engine, &terms()), None);
    put(&engine, &terms(), vec![8]);
    assert_eq!(hit(&engine, &terms()), Some(vec![8]));
}

#[tokio::test]
async fn a_refresh_is_a_miss_that_keeps_what_may_stand_in() {
    let (engine, _hand) = engine();
    put(&engine, &terms(), vec![7]);
    let forced = Terms {
        mode: Mode::Refresh,
        ..terms()
    };
    assert!(matches!(look(&engine, &forced), Lookup::Miss(None)));
    let covered = Terms {
        stale_if_error: SECOND,
        ..forced
    };
    assert!(matches!(look(&engine, &covered), Lookup::Miss(Some(_))));
    engine.invalidate(&users());
    assert!(matches!(look(&engine, &covered), Lookup::Miss(None)));
}

#[tokio::test]
async fn the_reader_judges_by_its_own_terms() {
    let (engine, hand) = engine();
    put(&engine, &terms(), vec![7]);
    hand.advance(5 * SECOND);
    assert_eq!(
        hit(
            &engine,
            &Terms {
                ttl: 5 * SECOND,
                ..terms()
            }
        ),
        None
    );
    assert_eq!(
        hit(
            &engine,
            &Terms {
                ttl: 6 * SECOND,
                ..terms()
            }
        ),
        Some(vec![7])
    );
}

#[tokio::test]
async fn a_stale_answer_says_why() {
    let (engine, hand) = engine();
    let lenient = Terms {
        stale_while_revalidate: 5 * SECOND,
        tolerate_stale: Some(60 * SECOND),
        ..terms()
    };
    put(&engine, &lenient, vec![7]);
    hand.advance(12 * SECOND);
    let Lookup::Stale(cached, Cause::Expired) = look(&engine, &lenient) else {
        panic!("it has expired")
    };
    assert_eq!(cached.freshness(), Freshness::Stale(Cause::Expired));
    engine.invalidate(&users());
    assert!(matches!(
        look(&engine, &lenient),
        Lookup::Stale(_, Cause::Invalidated)
    ));
    assert_eq!(engine.stats().stale_hits, 2);
}

#[tokio::test]
async fn without_the_stamp_check_a_stale_answer_would_be_given() {
    let settings = EngineSettings {
        sabotage: Sabotage::IgnoreStamps,
        ..EngineSettings::default()
    };
    let (engine, _hand) = engine_with(settings);
    put(&engine, &terms(), vec![7]);
    engine.write(users()).committed();
    assert_eq!(
        hit(&engine, &terms()),
        Some(vec![7]),
        "the switch is there for tests to notice"
    );
}

#[tokio::test]
async fn what_was_noted_in_a_quarantine_never_holds() {
    let (engine, hand) = engine();
    engine.write(users()).unknown();
    let noted = engine.stamp(&users());
    assert!(!engine.still_holds(&noted));
    assert!(!engine.is_settled(&noted));
    hand.advance(60 * SECOND);
    let noted = engine.stamp(&users());
    assert!(engine.still_holds(&noted));
    assert!(engine.is_settled(&noted));
}
