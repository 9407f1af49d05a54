use std::any::TypeId;

use tokio::runtime::Handle;

use super::*;
use crate::cache::{Engine, EngineSettings, Lookup, Question, Shape, Tags, Terms, Time, Value};

fn engine(capacity: u64) -> (Arc<Engine>, Arc<LocalTier>) {
    let tier = Arc::new(LocalTier::new(capacity));
    let engine = Engine::new(
        EngineSettings::default(),
        None,
        tier.clone(),
        Time::real(),
        Handle::current(),
    );
    (engine, tier)
}

fn key(statement: u64, params: &[u8]) -> Key {
    Key {
        statement,
        row: TypeId::of::<u8>(),
        shape: Shape::All,
        params: params.into(),
    }
}

fn question(key: Key, terms: Terms) -> Question {
    Question {
        key,
        tags: Tags::none(),
        terms,
        whole: None,
    }
}

fn put<T: Value>(engine: &Engine, key: Key, value: T) {
    let question = question(key, Terms::default());
    engine.store(question, engine.stamp(&Tags::none()), value);
}

fn holds(engine: &Engine, key: &Key) -> bool {
    matches!(
        engine.lookup::<Vec<u8>>(key, &Terms::default()),
        Lookup::Fresh(_)
    )
}

#[tokio::test]
async fn keys_are_compared_whole() {
    let (engine, _tier) = engine(1 << 20);
    put(&engine, key(1, b"a"), vec![1_u8]);
    assert!(holds(&engine, &key(1, b"a")));
    assert!(!holds(&engine, &key(1, b"b")));
    assert!(!holds(&engine, &key(2, b"a")));
    assert!(!holds(
        &engine,
        &Key {
            shape: Shape::First,
            ..key(1, b"a")
        }
    ));
    assert!(!holds(
        &engine,
        &Key {
            row: TypeId::of::<i8>(),
            ..key(1, b"a")
        }
    ));
}

#[tokio::test]
async fn memory_stays_within_the_capacity() {
    let (engine, tier) = engine(100_000);
    for statement in 0..1000 {
        put(&engine, key(statement, b""), vec![7_u8; 1000]);
    }
    tier.sync();
    assert!(tier.bytes() <= 100_000, "{} bytes", tier.bytes());
    assert!(
        (10..100).contains(&tier.entries()),
        "{} entries",
        tier.entries()
    );
}

#[tokio::test]
async fn a_long_key_costs_what_it_takes() {
    let (engine, tier) = engine(1 << 20);
    put(&engine, key(1, b""), vec![7_u8]);
    let bytes = tier_bytes(&tier);
    put(&engine, key(1, &[0; 5000]), vec![7_u8]);
    assert!(tier_bytes(&tier) >= 2 * bytes + 5000);
}

#[tokio::test]
async fn one_that_would_wash_out_the_others_is_not_stored() {
    let (engine, tier) = engine(80_000);
    put(&engine, key(1, b""), vec![7_u8; 20_000]);
    assert!(!holds(&engine, &key(1, b"")));
    assert_eq!(tier_bytes(&tier), 0);
    assert_eq!(engine.stats().stores_skipped["too large for tier"], 1);
}

#[tokio::test]
async fn a_replaced_entry_is_weighed_anew() {
    let (engine, tier) = engine(1 << 20);
    put(&engine, key(1, b""), vec![7_u8; 10_000]);
    let large = tier_bytes(&tier);
    put(&engine, key(1, b""), vec![7_u8; 10]);
    assert!(tier_bytes(&tier) < large - 9_000);
    assert_eq!(tier.entries(), 1);
}

#[tokio::test]
async fn what_must_stay_stays() {
    let (engine, tier) = engine(1 << 20);
    put(&engine, key(1, b""), vec![1_u8]);
    let present = tier.get(&key(1, b"")).expect("it was put in");
    let stored = tier.insert(key(1, b""), present.clone(), &|_| true);
    assert_eq!(stored, Stored::Superseded);
    assert_eq!(
        tier.insert(key(1, b""), present.clone(), &|_| false),
        Stored::Inserted
    );
    assert_eq!(
        tier.insert(key(2, b""), present, &|_| panic!("nothing is there")),
        Stored::Inserted
    );
}

#[tokio::test]
async fn an_entry_is_kept_as_long_as_it_is_of_use_and_not_for_ever() {
    let (engine, tier) = engine(1 << 20);
    let minute = Duration::from_secs(60);
    let terms = Terms {
        ttl: minute,
        stale_if_error: minute,
        ..Terms::default()
    };
    for (statement, terms) in [
        (1, terms),
        (
            2,
            Terms {
                ttl: Duration::MAX,
                ..terms
            },
        ),
    ] {
        engine.store(
            question(key(statement, b""), terms),
            engine.stamp(&Tags::none()),
            vec![1_u8],
        );
    }
    let life = |statement| {
        let key = key(statement, b"");
        let entry = tier.get(&key).expect("it was put in");
        Life.expire_after_create(&key, &entry, Instant::now())
    };
    assert_eq!(life(1), Some(2 * minute));
    assert_eq!(life(2), Some(LONGEST));
}

fn tier_bytes(tier: &LocalTier) -> u64 {
    tier.sync();
    tier.bytes()
}
