//! The same promises on real threads, where orderings are the machine's own.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::{super::*, *};

#[tokio::test]
async fn readers_on_other_threads_never_see_less_than_was_acknowledged() {
    let (engine, _hand) = engine();
    let (database, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    let write = || {
        for _ in 0..2_000 {
            let guard = engine.write(users());
            let written = database.fetch_add(1, SeqCst) + 1;
            guard.committed();
            acknowledged.fetch_max(written, SeqCst);
        }
    };
    let look = |consistency| {
        let terms = Terms {
            consistency,
            ..terms()
        };
        for _ in 0..5_000 {
            let least = match consistency {
                Consistency::Strict => database.load(SeqCst),
                Consistency::Bounded => acknowledged.load(SeqCst),
            };
            let load = async { Ok(vec![database.load(SeqCst)]) };
            let seen = block_on(read(&engine, terms, load)).unwrap()[0];
            assert!(seen >= least, "read {seen} after {least}, {consistency:?}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(write);
        scope.spawn(write);
        scope.spawn(|| look(Consistency::Bounded));
        scope.spawn(|| look(Consistency::Strict));
        scope.spawn(|| look(Consistency::Bounded));
    });
    let last = read(&engine, terms(), async { Ok(vec![database.load(SeqCst)]) })
        .await
        .unwrap();
    assert_eq!(*last, [4_000]);
    assert_eq!(engine.stats().in_flight, 0);
}

/// Runs a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be built")
        .block_on(future)
}
