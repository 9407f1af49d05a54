//! Readers that are dropped at every point where they can be.

use super::{super::*, *};

/// A load that asks to be polled `steps` times before it is done.
async fn stepping(steps: usize, value: u64) -> Result<Rows, Failure> {
    for _ in 0..steps {
        let mut polled = false;
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut polled, true) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
    Ok(vec![value])
}

#[tokio::test]
async fn a_leader_that_is_dropped_after_any_number_of_polls_leaves_nobody_hanging() {
    for polls in 0..6 {
        let (engine, _hand) = engine();
        let mut leader = Box::pin(read(&engine, terms(), stepping(4, 1)));
        let mut ended = None;
        for _ in 0..polls {
            ended = poll_once(&mut leader);
        }
        assert_eq!(ended.is_some(), polls == 5);
        let mut waiter =
            (ended.is_none()).then(|| Box::pin(read(&engine, terms(), stepping(2, 2))));
        let early = waiter.as_mut().and_then(poll_once);
        assert!(early.is_none());
        drop(leader);
        if let Some(waiter) = waiter {
            let answered = tokio::time::timeout(10 * SECOND, waiter)
                .await
                .expect("the lead has come to the waiter");
            assert_eq!(*answered.unwrap(), [2]);
        }
        assert_eq!(engine.stats().in_flight, 0, "after {polls} polls");
    }
}

#[tokio::test]
async fn waiters_that_are_dropped_after_the_hand_over_pass_the_lead_on() {
    for dropped in 1..=4 {
        let (engine, _hand) = engine();
        let (_answer, load) = held();
        let mut leader = Box::pin(read(&engine, terms(), load));
        assert!(poll_once(&mut leader).is_none());
        let mut waiters: Vec<_> = (0..5)
            .map(|n| Box::pin(read(&engine, terms(), stepping(3, n))))
            .collect();
        assert!(waiters.iter_mut().all(|waiter| poll_once(waiter).is_none()));
        drop(leader);
        for (polls, mut waiter) in waiters.drain(..dropped).enumerate() {
            // Each is dropped a little further on its way: just woken, then leading.
            for _ in 0..polls {
                assert!(poll_once(&mut waiter).is_none());
            }
        }
        for waiter in waiters {
            let answered = tokio::time::timeout(10 * SECOND, waiter)
                .await
                .expect("no waiter hangs");
            assert_eq!(
                *answered.unwrap(),
                [dropped as u64],
                "the first who was left has loaded for all"
            );
        }
        assert_eq!(engine.stats().in_flight, 0);
    }
}

#[tokio::test]
async fn a_reader_that_is_dropped_leaves_nothing_in_the_store() {
    let (engine, _hand) = engine();
    let mut reader = Box::pin(read(&engine, terms(), stepping(3, 1)));
    assert!(poll_once(&mut reader).is_none() && poll_once(&mut reader).is_none());
    drop(reader);
    assert_eq!(hit(&engine, &terms()), None);
    assert_eq!(engine.stats().entries, 0);
}

#[tokio::test]
async fn a_panic_in_a_load_hands_over() {
    let (engine, _hand) = engine();
    let (answer, load) = held();
    let engine_of_leader = engine.clone();
    let leader = tokio::spawn(async move {
        read(&engine_of_leader, terms(), load)
            .await
            .map(Cached::into_owned)
    });
    while engine.stats().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let mut waiter = std::pin::pin!(read(&engine, terms(), async { Ok(vec![2]) }));
    assert!(poll_once(&mut waiter).is_none());
    drop(answer);
    assert!(leader.await.unwrap_err().is_panic());
    assert_eq!(*waiter.await.unwrap(), [2]);
}

#[tokio::test]
async fn a_write_that_is_dropped_at_any_point_loses_no_invalidation() {
    // A commit in three steps; the guard lives from before the first.
    async fn commit(engine: &Engine) {
        let guard = engine.write(users());
        let _ = stepping(3, 0).await;
        guard.committed();
    }
    for polls in 1..5 {
        let (engine, _hand) = engine();
        put(&engine, &terms(), vec![7]);
        let mut write = Box::pin(commit(&engine));
        for _ in 0..polls {
            poll_once(&mut write);
        }
        drop(write);
        assert_eq!(hit(&engine, &terms()), None, "after {polls} polls");
    }
}
