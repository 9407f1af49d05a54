//! Tools to wait for a state and to cut a future off.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Polls `condition` until it holds.
///
/// Uses tokio's clock: where a test has paused it, waiting costs no real time.
///
/// # Panics
///
/// When the condition does not hold within `deadline`; the message names `what` was waited for.
pub async fn wait_until(deadline: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !condition().await {
        assert!(Instant::now() < end, "waited {deadline:?} in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Polls `future` at most `polls` times, then drops it: a caller who lost interest at that await.
///
/// Returns the future's output if it was ready by then. A test that counts `polls` up from 0 until it gets `Some` has
/// cancelled the future at each of its awaits.
pub async fn poll_at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // Not one more wake-up is waited for: the drop belongs right behind the last poll.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_future_is_dropped_at_the_await_where_its_polls_ran_out() {
        let steps = AtomicUsize::new(0);
        let work = async || {
            for _ in 0..3 {
                steps.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
            "done"
        };
        let mut seen = Vec::new();
        for polls in 0..=4 {
            steps.store(0, Ordering::Relaxed);
            let output = poll_at_most(polls, work()).await;
            seen.push((steps.load(Ordering::Relaxed), output));
        }
        assert_eq!(
            seen,
            [
                (0, None),
                (1, None),
                (2, None),
                (3, None),
                (3, Some("done"))
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_the_condition_holds() {
        let mut asked = 0;
        wait_until(Duration::from_secs(60), "three questions", async || {
            asked += 1;
            asked == 3
        })
        .await;
        assert_eq!(asked, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 2s in vain: pigs fly")]
    async fn waiting_in_vain_panics_and_says_for_what() {
        wait_until(Duration::from_secs(2), "pigs fly", async || false).await;
    }
}
