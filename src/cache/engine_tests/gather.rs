use super::*;
use crate::cache::{Cause, Errand, Gathered, Made, Scope};

fn errand() -> Errand {
    Errand {
        key: key(9),
        whole: None,
        terms: terms(),
    }
}

/// Makes a value of what `reads` reads, inside a scope.
async fn made(
    engine: &Arc<Engine>,
    value: u64,
    reads: impl Future<Output = ()> + Send,
) -> Made<Rows, &'static str> {
    let scope = Scope::new(engine);
    scope.run(reads).await;
    match scope.found() {
        Ok(found) => Made::Kept {
            value: vec![value],
            stamp: found.stamp,
        },
        Err(why) => Made::Passed(why.0),
    }
}

/// A read of a table, as a front-end tells its scope of it.
async fn reads(engine: &Engine, table: &'static str) {
    let stamp = engine.stamp(&tables([table]));
    Scope::current()
        .expect("it runs in a scope")
        .read(engine, stamp);
}

async fn gather(
    engine: &Arc<Engine>,
    tables: &[&'static str],
) -> Result<Gathered<Rows>, &'static str> {
    let work = made(engine, 1, async {
        for table in tables {
            reads(engine, table).await;
        }
    });
    engine.gather(&errand(), work).await
}

/// A reader who has read users and leads until it is released.
async fn leader_of_users(
    engine: &Arc<Engine>,
) -> (
    oneshot::Sender<()>,
    tokio::task::JoinHandle<Result<Gathered<Rows>, &'static str>>,
) {
    let (release, held) = oneshot::channel::<()>();
    let leader = engine.clone();
    let leading = tokio::spawn(async move {
        let work = made(&leader, 1, async {
            reads(&leader, "users").await;
            let _ = held.await;
        });
        leader.gather(&errand(), work).await
    });
    while engine.stats().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    (release, leading)
}

fn found(engine: &Engine) -> bool {
    matches!(
        engine.lookup::<Rows>(&errand().key, &errand().terms),
        Lookup::Fresh(_)
    )
}

#[tokio::test]
async fn what_was_made_is_kept_until_something_that_was_read_moves() {
    let (engine, _hand) = engine();
    for written in ["users", "orders"] {
        let answer = gather(&engine, &["users", "orders"]).await;
        assert!(matches!(answer, Ok(Gathered::Made(_))));
        engine.write(tables(["audit"])).committed();
        assert!(found(&engine));
        engine.write(tables([written])).committed();
        assert!(!found(&engine));
    }
}

#[tokio::test]
async fn reads_on_either_side_of_a_write_make_nothing_that_is_kept() {
    let (engine, _hand) = engine();
    let work = made(&engine, 1, async {
        reads(&engine, "users").await;
        engine.write(users()).committed();
        reads(&engine, "users").await;
    });
    let answer = engine.gather(&errand(), work).await;
    assert_eq!(answer.err(), Some("a write came between two reads"));
    // Of different tables, each read is true for itself, and the older one no more.
    let work = made(&engine, 1, async {
        reads(&engine, "users").await;
        engine.write(users()).committed();
        reads(&engine, "orders").await;
    });
    assert!(engine.gather(&errand(), work).await.is_ok());
    assert!(!found(&engine));
}

#[tokio::test]
async fn a_transaction_s_read_counts_only_if_nothing_moved_since_it_began() {
    let (engine, _hand) = engine();
    for (write, kept) in [(None, true), (Some("orders"), false)] {
        let work = made(&engine, 1, async {
            let era = engine.clock().era();
            if let Some(table) = write {
                engine.write(tables([table])).committed();
            }
            let stamp = engine.stamp(&tables(["orders"]));
            let scope = Scope::current().expect("it runs in a scope");
            scope.read_since(&engine, &era, stamp);
        });
        assert_eq!(engine.gather(&errand(), work).await.is_ok(), kept);
        engine.invalidate_all();
    }
}

#[tokio::test]
async fn what_is_stale_or_runs_out_limits_what_is_made_of_it() {
    let (engine, hand) = engine();
    let swr = Terms {
        stale_while_revalidate: 100 * SECOND,
        ..terms()
    };
    put(&engine, &swr, vec![7]);
    for (later, left) in [(3 * SECOND, 7 * SECOND), (20 * SECOND, Duration::ZERO)] {
        hand.advance(later);
        let scope = Scope::new(&engine);
        scope
            .run(async {
                let (Lookup::Fresh(cached) | Lookup::Stale(cached, Cause::Expired)) =
                    look(&engine, &swr)
                else {
                    panic!("it is there");
                };
                let scope = Scope::current().expect("it runs in a scope");
                scope.answer(&engine, &cached);
            })
            .await;
        let found = scope.found().expect("all was followed");
        assert_eq!(found.fresh_for, Some(left));
    }
}

#[tokio::test]
async fn another_engine_s_reads_and_writes_of_unknown_outcome_are_refused() {
    let (engine, _hand) = engine();
    let (other, _) = super::engine();
    let scope = Scope::new(&engine);
    scope.run(reads(&other, "users")).await;
    assert_eq!(
        scope.found().err().map(|why| why.0),
        Some("read through another pool")
    );
    drop(engine.write(users()));
    let scope = Scope::new(&engine);
    scope.run(reads(&engine, "users")).await;
    assert_eq!(
        scope.found().err().map(|why| why.0),
        Some("a write of unknown outcome")
    );
}

#[tokio::test]
async fn a_scope_inside_another_tells_it_of_what_is_read_then_or_later() {
    let (engine, _hand) = engine();
    let outer = Scope::new(&engine);
    let inner = outer.run(async { Scope::new(&engine) }).await;
    inner.run(reads(&engine, "users")).await;
    inner.limit_to_some();
    let found = outer.found().expect("all was followed");
    assert!(found.scoped);
    assert_eq!(found.stamp.tags().names().collect::<Vec<_>>(), ["users"]);
    inner.refuse("for a test");
    assert_eq!(outer.found().err().map(|why| why.0), Some("for a test"));
}

#[tokio::test]
async fn those_who_wait_share_what_is_valid_when_it_lands() {
    let (engine, _hand) = engine();
    let (release, leading) = leader_of_users(&engine).await;
    // This one came before the write, the other after it.
    let work = made(&engine, 2, async { panic!("it waits for the other") });
    let errand = errand();
    let mut early = Box::pin(engine.gather(&errand, work));
    assert!(poll_once(&mut early).is_none());
    release.send(()).expect("the leader waits");
    leading
        .await
        .expect("it does not panic")
        .expect("it is kept");
    assert!(matches!(early.await, Ok(Gathered::Collapsed(_))));
}

#[tokio::test]
async fn nobody_who_came_after_a_write_gets_what_was_made_before_it() {
    let (engine, _hand) = engine();
    let (release, leading) = leader_of_users(&engine).await;
    engine.write(users()).committed();
    let errand = errand();
    let work = made(&engine, 2, reads(&engine, "users"));
    let mut late = Box::pin(engine.gather(&errand, work));
    assert!(poll_once(&mut late).is_none());
    release.send(()).expect("the leader waits");
    leading
        .await
        .expect("it does not panic")
        .expect("it answers its caller");
    let Ok(Gathered::Made(cached)) = late.await else {
        panic!("it makes its own");
    };
    assert_eq!(*cached, [2]);
}

#[tokio::test]
async fn a_leader_that_is_dropped_or_passes_wakes_those_who_wait() {
    let (engine, _hand) = engine();
    let errand = errand();
    for passes in [true, false] {
        let (release, held) = oneshot::channel::<()>();
        let work = made(&engine, 1, async {
            let _ = held.await;
            Scope::writes();
        });
        let mut leading = Box::pin(engine.gather(&errand, work));
        assert!(poll_once(&mut leading).is_none());
        let work = made(&engine, 2, reads(&engine, "users"));
        let mut waiting = Box::pin(engine.gather(&errand, work));
        assert!(poll_once(&mut waiting).is_none());
        if passes {
            release.send(()).expect("the leader waits");
            assert_eq!(leading.await.err(), Some("write"));
        } else {
            drop(leading);
        }
        let Ok(Gathered::Made(cached)) = waiting.await else {
            panic!("it makes its own");
        };
        assert_eq!(*cached, [2]);
        engine.invalidate_all();
    }
}
