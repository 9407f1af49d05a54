use super::{super::*, *};
use crate::{cache::Consistency, observe::Event};

#[tokio::test]
async fn a_load_that_began_before_the_write_is_not_stored() {
    let (engine, _hand) = engine();
    let stamp = engine.stamp(&users());
    engine.write(users()).committed();
    let cached = engine.store(question(1, users(), terms()), stamp, vec![7_u64]);
    assert_eq!(*cached, [7]);
    assert_eq!(hit(&engine, &terms()), None);
    assert_eq!(engine.stats().stores_skipped["raced"], 1);
}

#[tokio::test]
async fn with_the_stamp_noted_after_the_load_a_raced_load_would_be_stored() {
    let settings = EngineSettings {
        sabotage: Sabotage::StampAfterLoad,
        ..EngineSettings::default()
    };
    let (engine, _hand) = engine_with(settings);
    let stamp = engine.stamp(&users());
    engine.write(users()).committed();
    engine.store(question(1, users(), terms()), stamp, vec![7_u64]);
    assert_eq!(
        hit(&engine, &terms()),
        Some(vec![7]),
        "the switch is there for tests to notice"
    );
}

#[tokio::test]
async fn an_older_load_does_not_replace_a_younger_one() {
    let (engine, hand) = engine();
    let older = engine.stamp(&users());
    hand.advance(SECOND);
    put(&engine, &terms(), vec![2]);
    engine.store(question(1, users(), terms()), older.clone(), vec![1_u64]);
    assert_eq!(hit(&engine, &terms()), Some(vec![2]));
    assert_eq!(engine.stats().stores_skipped["superseded"], 1);
}

#[tokio::test]
async fn too_much_is_returned_and_not_stored() {
    let (engine, _hand) = engine();
    let few = Terms {
        max_rows: 2,
        ..terms()
    };
    assert_eq!(*put(&engine, &few, vec![1, 2, 3]), [1, 2, 3]);
    let small = Terms {
        max_bytes: 2,
        ..terms()
    };
    assert_eq!(*put(&engine, &small, vec![1, 2, 3]), [1, 2, 3]);
    assert_eq!(hit(&engine, &terms()), None);
    let skipped = engine.stats().stores_skipped;
    assert_eq!(
        (skipped["too many rows"], skipped["too many bytes"]),
        (1, 1)
    );
    put(
        &engine,
        &Terms {
            max_rows: 3,
            max_bytes: 4,
            ..terms()
        },
        vec![1, 2, 3],
    );
    assert_eq!(hit(&engine, &terms()), Some(vec![1, 2, 3]));
}

#[tokio::test]
async fn what_could_never_be_answered_is_not_stored() {
    let (engine, _hand) = engine();
    put(
        &engine,
        &Terms {
            ttl: Duration::ZERO,
            ..terms()
        },
        vec![7],
    );
    assert_eq!(engine.stats().stores_skipped["no life"], 1);
    engine.store(
        question(1, Tags::everything(), terms()),
        engine.stamp(&Tags::everything()),
        vec![7_u64],
    );
    assert_eq!(engine.stats().stores_skipped["depends on everything"], 1);
    assert_eq!(engine.stats().entries, 0);
}

#[tokio::test]
async fn a_strict_load_beside_a_write_is_not_stored() {
    let (engine, _hand) = engine();
    let write = engine.write(users());
    put(
        &engine,
        &Terms {
            consistency: Consistency::Strict,
            ..terms()
        },
        vec![7],
    );
    assert_eq!(engine.stats().stores_skipped["writer in flight"], 1);
    write.undone();
    assert_eq!(hit(&engine, &terms()), None);
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_returned_and_its_type_is_told() {
    #[derive(serde::Deserialize)]
    struct Opaque;
    impl serde::Serialize for Opaque {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secret 4711"))
        }
    }
    let (engine, _hand) = engine();
    let mut events = engine.events().subscribe();
    let cached = engine.store(
        question(1, users(), terms()),
        engine.stamp(&users()),
        vec![Opaque],
    );
    assert_eq!(cached.len(), 1);
    assert_ne!(cached.etag(), cached.etag(), "it validates nothing");
    let Some(event @ Event::EncodeFailed { .. }) = events.try_next() else {
        panic!("it is told")
    };
    assert!(event.to_string().contains("Opaque") && !event.to_string().contains("4711"));
    assert_eq!(engine.stats().stores_skipped["encode failed"], 1);
}

#[tokio::test]
async fn a_serialize_that_panics_does_not_take_the_answer_away() {
    #[derive(serde::Deserialize)]
    struct Panics;
    impl serde::Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("a fault of the row type")
        }
    }
    let (engine, _hand) = engine();
    let cached = engine.store(
        question(1, users(), terms()),
        engine.stamp(&users()),
        vec![Panics],
    );
    assert_eq!(cached.len(), 1);
    assert_eq!(engine.stats().stores_skipped["encode failed"], 1);
}

#[tokio::test]
async fn what_is_taken_is_gone_and_only_taken_while_true() {
    let (engine, _hand) = engine();
    put(&engine, &terms(), vec![7]);
    let taken = engine.take::<Rows>(&question(1, users(), terms()));
    assert_eq!(
        taken.as_ref().map(|entry| entry.value().clone()),
        Some(vec![7])
    );
    assert!(
        engine
            .take::<Rows>(&question(1, users(), terms()))
            .is_none()
    );

    // What is made of it is stored under the stamp of its load, and dies with it.
    let stamp = taken
        .map(|entry| entry.meta().stamp().clone())
        .expect("it was taken");
    engine.store(question(2, users(), terms()), stamp, vec![70_u64]);
    assert!(matches!(
        engine.lookup::<Rows>(&key(2), &terms()),
        Lookup::Fresh(_)
    ));
    engine.invalidate(&users());
    assert!(matches!(
        engine.lookup::<Rows>(&key(2), &terms()),
        Lookup::Miss(_)
    ));

    put(&engine, &terms(), vec![8]);
    engine.write(users()).committed();
    assert!(
        engine
            .take::<Rows>(&question(1, users(), terms()))
            .is_none()
    );
}
