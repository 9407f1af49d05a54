//! Whatever a server sends for a change: reading it neither panics, nor takes memory without bound, nor loses a change of a
//! transaction that it takes for committed.

#![no_main]

use std::sync::{Arc, LazyLock};

use cachedpool::{
    cache::{Engine, EngineSettings, Stamp, Tags, Time},
    cdc::play::play,
    tier::LocalTier,
};
use libfuzzer_sys::fuzz_target;

static DEFINITIONS: LazyLock<Stamp> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be started");
    let store = Arc::new(LocalTier::new(1));
    let handle = runtime.handle().clone();
    let engine = Engine::new(EngineSettings::default(), None, store, Time::real(), handle);
    engine.stamp(&Tags::definitions())
});

fuzz_target!(|input: &[u8]| {
    // That it is refused is as good as that it is read.
    let _ = play(input, &DEFINITIONS);
});
