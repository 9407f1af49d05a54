//! Holds: how they are seen, how they end, and what a strict process makes of a clock that lost them.

use std::time::Duration;

use cachedpool::cache::shared::{EVERYTHING, Held, HoldReason, SharedTier, Step};
use cachedpool_test_support::wait_until;

use crate::kit::{Process, SOON, Told, settings};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn releases(slot: u16, id: u64, moves: bool) -> Step {
    Step {
        slot,
        moves,
        releases: Some(id),
    }
}

#[tokio::test]
async fn a_hold_is_seen_by_all_until_its_step_releases_it() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    one.hold(&[7, 8], 1, LONG, HoldReason::Write).await;
    one.hold(&[8], 2, LONG, HoldReason::Write).await;
    assert_eq!(other.held(7).await, Held::Write);
    assert_eq!(other.held(9).await, Held::Free);
    let before = other.word(7).await;
    one.tier
        .advance(&[releases(7, 1, true), releases(8, 1, false)])
        .await
        .unwrap();
    assert_eq!(other.held(7).await, Held::Free);
    assert_eq!(other.word(7).await.version, before.version + 1);
    assert_eq!(
        other.held(8).await,
        Held::Write,
        "the other one's hold stays"
    );
    assert_eq!(other.word(8).await.version, 0);
}

#[tokio::test]
async fn a_hold_of_everything_holds_each_slot() {
    let process = Process::linked(settings().await).await;
    process
        .hold(&[EVERYTHING], 1, LONG, HoldReason::Write)
        .await;
    assert_eq!(process.held(7).await, Held::Write);
    process
        .tier
        .advance(&[releases(EVERYTHING, 1, false)])
        .await
        .unwrap();
    assert_eq!(process.held(7).await, Held::Free);
}

#[tokio::test]
async fn a_hold_is_prolonged_under_its_id() {
    let process = Process::linked(settings().await).await;
    process.hold(&[7], 1, SHORT, HoldReason::Write).await;
    process.hold(&[7], 1, LONG, HoldReason::Write).await;
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(process.held(7).await, Held::Write);
    assert_eq!(process.word(7).await.version, 0);
}

#[tokio::test]
async fn a_hold_that_expires_moves_its_slot_before_it_is_seen_as_free() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let before = other.word(7).await;
    one.hold(&[7], 1, SHORT, HoldReason::Write).await;
    wait_until(SOON, "the hold expires", async || {
        let reading = other.read(&[7]).await;
        let moved = reading.words[0].version == before.version + 1;
        assert_eq!(moved, reading.held == Held::Free);
        moved
    })
    .await;
    let moved = [Told::Moved(vec![(7, other.word(7).await)])];
    assert_eq!(other.told().await, moved, "who healed hears of it");
    assert_eq!(one.told().await, moved);
}

#[tokio::test]
async fn a_hold_of_everything_that_expires_moves_every_slot() {
    let process = Process::linked(settings().await).await;
    let before = process.word(7).await;
    process
        .hold(&[EVERYTHING], 1, SHORT, HoldReason::Write)
        .await;
    wait_until(SOON, "the hold expires", async || {
        process.held(7).await == Held::Free
    })
    .await;
    assert_ne!(process.word(7).await.epoch, before.epoch);
    assert_eq!(process.told().await, [Told::Everything]);
}

#[tokio::test]
async fn doubt_moves_the_slots_and_is_told_with_its_span() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    one.hold(&[7, 8], 1, LONG, HoldReason::Doubt).await;
    assert_eq!(other.held(7).await, Held::Doubt);
    let words = other.read(&[7, 8]).await.words;
    assert_eq!((words[0].version, words[1].version), (1, 1));
    let moved = vec![(7, words[0]), (8, words[1])];
    let expected = [Told::Moved(moved), Told::Doubtful(vec![7, 8], LONG)];
    assert_eq!(other.told().await, expected);
    assert_eq!(one.told().await, []);
    one.hold(&[EVERYTHING], 2, LONG, HoldReason::Doubt).await;
    let expected = [Told::Everything, Told::Doubtful(vec![EVERYTHING], LONG)];
    assert_eq!(other.told().await, expected);
    assert_ne!(other.word(7).await.epoch, words[0].epoch);
}

#[tokio::test]
async fn a_strict_process_sees_a_new_clock_as_held_until_a_span_has_passed() {
    let settings = settings().await;
    let span = Duration::from_secs(3);
    let plain = Process::linked(settings.clone()).await;
    let strict = Process::new(settings, Some(span));
    strict.beat().await.unwrap();
    assert_eq!(strict.held(7).await, Held::Write);
    let before = plain.word(7).await;
    wait_until(SOON, "the span passes", async || {
        strict.held(7).await == Held::Free
    })
    .await;
    assert_ne!(plain.word(7).await.epoch, before.epoch);
    plain.advance(&[EVERYTHING]).await;
    strict.beat().await.unwrap();
    assert_eq!(
        strict.held(7).await,
        Held::Free,
        "known before, known after"
    );
}
