//! The hot path of the engine beside the bare store, and invalidation at two sizes.

use std::{any::TypeId, hint::black_box, sync::Arc};

use cachedpool::{
    cache::{Engine, EngineSettings, Key, Lookup, Question, Shape, Store, Tag, Tags, Terms, Time},
    tier::LocalTier,
};
use divan::Bencher;
use moka::sync::Cache;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

type Rows = Vec<(i64, String)>;

fn rows() -> Rows {
    (0..10).map(|id| (id, format!("name {id}"))).collect()
}

fn key(statement: u64) -> Key {
    let params = [&b"int8"[..], &statement.to_le_bytes()].concat();
    Key {
        statement,
        row: TypeId::of::<(i64, String)>(),
        shape: Shape::All,
        params: params.into(),
    }
}

fn two_tags() -> Tags {
    [Tag::table("users"), Tag::table("orders")]
        .into_iter()
        .collect()
}

fn question(statement: u64) -> Question {
    Question {
        key: key(statement),
        tags: two_tags(),
        terms: Terms::default(),
        whole: None,
    }
}

/// An engine with `entries` entries that all depend on two tables.
fn engine(entries: u64) -> (Runtime, Arc<LocalTier>, Arc<Engine>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime starts");
    let tier = Arc::new(LocalTier::new(4 << 30));
    let engine = Engine::new(
        EngineSettings::default(),
        None,
        tier.clone(),
        Time::real(),
        runtime.handle().clone(),
    );
    let tags = two_tags();
    for statement in 0..entries {
        let stamp = engine.stamp(&tags);
        engine.store(
            question(statement),
            stamp,
            if entries > 100 { Rows::new() } else { rows() },
        );
    }
    tier.sync();
    (runtime, tier, engine)
}

#[divan::bench(sample_size = 1000)]
fn bare_moka_get(bencher: Bencher<'_, '_>) {
    let cache: Cache<Key, Arc<Rows>, foldhash::quality::RandomState> = Cache::builder()
        .max_capacity(1000)
        .build_with_hasher(Default::default());
    let key = key(7);
    cache.insert(key.clone(), Arc::new(rows()));
    bencher.bench_local(|| cache.get(black_box(&key)));
}

#[divan::bench(sample_size = 1000)]
fn tier_get(bencher: Bencher<'_, '_>) {
    let (_runtime, tier, _engine) = engine(10);
    let key = key(7);
    bencher.bench_local(|| tier.get(black_box(&key)));
}

#[divan::bench(sample_size = 1000)]
fn lookup_hit(bencher: Bencher<'_, '_>) {
    let (_runtime, _tier, engine) = engine(10);
    let (key, terms) = (key(7), Terms::default());
    assert!(matches!(
        engine.lookup::<Rows>(&key, &terms),
        Lookup::Fresh(_)
    ));
    bencher.bench_local(|| engine.lookup::<Rows>(black_box(&key), &terms));
}

#[divan::bench(sample_size = 1000)]
fn now(bencher: Bencher<'_, '_>) {
    let time = Time::real();
    bencher.bench_local(|| black_box(&time).now());
}

#[divan::bench(sample_size = 100)]
fn store(bencher: Bencher<'_, '_>) {
    let (_runtime, _tier, engine) = engine(10);
    let tags = two_tags();
    bencher.with_inputs(rows).bench_local_values(|rows| {
        let stamp = engine.stamp(&tags);
        engine.store(question(7), stamp, rows)
    });
}

#[divan::bench(args = [10, 1_000_000], sample_size = 1000)]
fn invalidate(bencher: Bencher<'_, '_>, entries: u64) {
    let (_runtime, _tier, engine) = engine(entries);
    let users: Tags = [Tag::table("users")].into_iter().collect();
    bencher.bench_local(|| engine.invalidate(black_box(&users)));
}
