//! What a server may do to its memory and its connections.

use std::time::Duration;

use cachedpool::{
    cache::shared::{EVERYTHING, Held, HoldReason, SharedTier, Step},
    tier::Redis,
};
use cachedpool_test_support::{Victim, wait_until};
use tokio::time::{sleep, timeout};

use crate::kit::{Process, SOON, Told, moves};

/// A server of the test's own.
async fn server() -> (Victim, Redis) {
    let server = Victim::redis(&[]).await;
    let settings = Redis::new(format!("redis://{}", server.address())).namespace("app");
    (server, settings)
}

#[tokio::test]
async fn a_flush_ends_the_epoch_and_the_next_step_tells_everything() {
    let (server, settings) = server().await;
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    let before = one.word(7).await;
    server.run(&["redis-cli", "FLUSHALL"]).await;
    assert_eq!(one.advance(&[7]).await, [], "there is no word");
    let mut heard = Vec::new();
    wait_until(SOON, "the other is told", async || {
        heard.extend(other.diary.take());
        !heard.is_empty()
    })
    .await;
    assert_eq!(heard, [Told::Everything]);
    let after = other.word(7).await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.version, 0);
    assert_eq!(one.told().await, [Told::Everything]);
    assert_eq!(one.word(7).await, after);
}

#[tokio::test]
async fn a_clock_that_was_evicted_comes_back_with_a_new_epoch_and_all_hear_of_it() {
    let (server, settings) = server().await;
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    let session = other.beat().await.unwrap();
    let before = one.word(7).await;
    server.run(&["redis-cli", "DEL", "app:{0}:clock"]).await;
    let after = one.word(7).await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(other.told().await, [Told::Everything]);
    assert_eq!(other.beat().await.unwrap(), session, "nothing was missed");
}

#[tokio::test]
async fn a_clock_that_was_replaced_in_silence_begins_a_new_session() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    server
        .run(&["redis-cli", "HSET", "app:{0}:clock", "e", "42"])
        .await;
    assert_ne!(process.beat().await.unwrap(), session);
    assert_eq!(process.diary.take(), [Told::Everything]);
}

#[tokio::test]
async fn a_restart_with_an_empty_memory_ends_session_and_epoch() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    let before = process.word(7).await;
    server.kill().await;
    wait_until(SOON, "the end is told", async || {
        process.diary.take() == [Told::Lost(session)]
    })
    .await;
    assert!(process.tier.read(&[7]).await.is_err());
    server.start().await;
    assert_ne!(process.recover().await, session);
    assert_ne!(process.word(7).await.epoch, before.epoch);
}

#[tokio::test]
async fn a_restart_from_an_old_dump_ends_the_epoch() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    process.advance(&[7]).await;
    let saved = process.word(7).await;
    server.run(&["redis-cli", "SAVE"]).await;
    process.advance(&[7]).await;
    server.kill().await;
    server.start().await;
    process.recover().await;
    let restored = process.word(7).await;
    assert_eq!(restored.version, saved.version, "the dump was read");
    assert_ne!(restored.epoch, saved.epoch);
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_at_once() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    let before = process.word(7).await;
    server
        .run(&["redis-cli", "CLIENT", "KILL", "TYPE", "pubsub"])
        .await;
    wait_until(SOON, "the end is told", async || {
        process.diary.take() == [Told::Lost(session)]
    })
    .await;
    assert_ne!(process.recover().await, session);
    assert_eq!(process.word(7).await, before, "the clock is the same");
}

#[tokio::test]
async fn a_beat_that_is_given_up_gives_up_the_link() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    server.pause().await;
    let beat = timeout(Duration::from_millis(100), process.beat()).await;
    assert!(beat.is_err(), "a server that stands still does not answer");
    assert_eq!(process.diary.take(), [Told::Lost(session)]);
    assert!(process.tier.read(&[7]).await.is_err(), "fails at once");
    let connecting = timeout(Duration::from_millis(100), process.beat()).await;
    assert!(connecting.is_err());
    server.unpause().await;
    assert_ne!(process.recover().await, session);
}

#[tokio::test]
async fn a_silence_of_all_processes_moves_every_slot() {
    let (_server, settings) = server().await;
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    let silence = Duration::from_secs(2);
    let before = one.word(7).await;
    one.tier.beat(silence).await.unwrap();
    assert_eq!(one.word(7).await, before, "there was no silence");
    sleep(2 * silence).await;
    one.tier.beat(silence).await.unwrap();
    assert_ne!(one.word(7).await.epoch, before.epoch);
    assert_eq!(other.told().await, [Told::Everything]);
}

#[tokio::test]
async fn a_message_that_is_not_understood_moves_everything() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    server
        .run(&["redis-cli", "PUBLISH", "app:{0}:push:0", "what?"])
        .await;
    // The answer to a beat comes behind what was told before it.
    assert_eq!(process.beat().await.unwrap(), session);
    assert_eq!(process.diary.take(), [Told::Everything]);
}

#[tokio::test]
async fn a_server_that_takes_no_writes_gives_no_beat_and_forgets_no_hold() {
    let (server, settings) = server().await;
    let process = Process::linked(settings).await;
    let long = Duration::from_secs(60);
    process.hold(&[7], 1, long, HoldReason::Write).await;
    let before = process.word(7).await;
    server
        .run(&["redis-cli", "CONFIG", "SET", "maxmemory", "1"])
        .await;
    let error = process.beat().await.unwrap_err();
    assert!(error.to_string().contains("maxmemory"), "{error}");
    assert!(!error.is_lasting(), "{error}");
    let step = Step {
        releases: Some(1),
        ..moves(7)
    };
    assert!(process.tier.advance(&[step]).await.is_err());
    assert_eq!(process.held(7).await, Held::Write);
    assert_eq!(process.word(7).await, before);
    server
        .run(&["redis-cli", "CONFIG", "SET", "maxmemory", "0"])
        .await;
    process.beat().await.unwrap();
    process.tier.advance(&[step]).await.unwrap();
    assert_eq!(process.held(7).await, Held::Free);
}

#[tokio::test]
async fn fences_that_a_server_forgot_are_waited_for_by_strict_processes() {
    let (server, settings) = server().await;
    let span = Duration::from_secs(3);
    let writer = Process::linked(settings.clone()).await;
    let strict = Process::new(settings, Some(span));
    strict.beat().await.unwrap();
    wait_until(SOON, "the first clock is settled", async || {
        strict.held(7).await == Held::Free
    })
    .await;
    writer.hold(&[7], 1, span, HoldReason::Write).await;
    server.run(&["redis-cli", "FLUSHALL"]).await;
    // Another process makes the new clock first: it knows nothing of fences.
    writer.word(7).await;
    assert_eq!(strict.held(7).await, Held::Write, "not known yet");
    strict.beat().await.unwrap();
    assert_eq!(strict.held(7).await, Held::Write);
    let before = strict.word(7).await;
    wait_until(SOON, "the span passes", async || {
        strict.held(7).await == Held::Free
    })
    .await;
    assert_ne!(strict.word(7).await.epoch, before.epoch);
}

#[tokio::test]
async fn a_step_of_everything_forgets_no_fence_and_a_silence_waits_for_all() {
    let (_server, settings) = server().await;
    let strict = Process::new(settings, Some(Duration::from_secs(2)));
    strict.beat().await.unwrap();
    wait_until(SOON, "the first clock is settled", async || {
        strict.held(7).await == Held::Free
    })
    .await;
    strict.advance(&[EVERYTHING]).await;
    assert_eq!(strict.held(7).await, Held::Free);
    let before = strict.word(7).await;
    sleep(Duration::from_millis(100)).await;
    strict.tier.beat(Duration::from_millis(10)).await.unwrap();
    assert_ne!(strict.word(7).await.epoch, before.epoch);
    // The server's clock may have jumped, and fences have ended too early.
    assert_eq!(strict.held(7).await, Held::Write);
    wait_until(SOON, "they would have ended by now", async || {
        strict.held(7).await == Held::Free
    })
    .await;
}

#[tokio::test]
async fn the_shortest_silence_that_anybody_was_promised_counts() {
    let (_server, settings) = server().await;
    let patient = Process::linked(settings.clone()).await;
    let hasty = Process::new(settings, None);
    hasty.tier.beat(Duration::from_millis(10)).await.unwrap();
    let before = patient.word(7).await;
    sleep(Duration::from_millis(100)).await;
    patient.beat().await.unwrap();
    assert_ne!(patient.word(7).await.epoch, before.epoch);
    // Whoever it was promised to is not there any more, and it does not count a second time.
    let before = patient.word(7).await;
    sleep(Duration::from_millis(100)).await;
    patient.beat().await.unwrap();
    assert_eq!(patient.word(7).await.epoch, before.epoch);
}
