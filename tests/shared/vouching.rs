//! What one process says to all of how far the clock has moved.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use cachedpool::{
    cache::shared::{EVERYTHING, SharedTier},
    tier::Redis,
};
use cachedpool_test_support::{OwnRedis, Victim, wait_until};

use crate::kit::{Process, SOON, namespace, settings};

const TOPIC: &str = "0123456789abcdef";

/// Moments are whole milliseconds on both ends.
const ROUNDED: Duration = Duration::from_millis(3);

impl Process {
    async fn vouch(&self, since: Duration) {
        let since = move || Some(since);
        self.tier.vouch(TOPIC, &since).await.unwrap();
    }

    async fn vouched(&self) -> Option<Duration> {
        self.tier.vouched(TOPIC).await.unwrap()
    }
}

async fn pair() -> [Process; 2] {
    let settings = settings().await;
    [
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    ]
}

#[tokio::test]
async fn what_one_says_all_hear_with_its_age() {
    let [one, other] = pair().await;
    assert_eq!(other.vouched().await, None);
    let (begun, since) = (Instant::now(), Duration::from_millis(200));
    one.vouch(since).await;
    let said = Instant::now();
    for _ in 0..10 {
        let asked = said.elapsed();
        let age = other.vouched().await.unwrap();
        assert!(age <= since + begun.elapsed() + ROUNDED, "{age:?}");
        assert!(age + ROUNDED >= since + asked, "{age:?}");
        assert!(age >= since);
        sleep(Duration::from_millis(20));
    }
    assert_eq!(other.tier.vouched("another").await.unwrap(), None);
    one.tier.vouch(TOPIC, &|| None).await.unwrap();
    assert_eq!(other.vouched().await, None);
}

#[tokio::test]
async fn a_word_that_is_held_up_on_its_way_is_older_by_as_much() {
    let [one, other] = pair().await;
    let held_up = Duration::from_millis(300);
    let since = || {
        sleep(held_up);
        Some(Duration::ZERO)
    };
    one.tier.vouch(TOPIC, &since).await.unwrap();
    assert!(other.vouched().await.unwrap() >= held_up);
}

#[tokio::test]
async fn it_stands_when_everything_moves_and_falls_with_the_memory_of_the_clock() {
    let [one, other] = pair().await;
    one.vouch(Duration::ZERO).await;
    one.advance(&[EVERYTHING]).await;
    assert!(other.vouched().await.is_some());
    // Nobody has beaten for as long as that.
    sleep(Duration::from_millis(60));
    other.tier.beat(Duration::from_millis(50)).await.unwrap();
    assert_eq!(one.vouched().await, None);
    one.vouch(Duration::ZERO).await;
    assert!(other.vouched().await.is_some());
}

#[tokio::test]
async fn a_clock_without_an_epoch_takes_no_word() {
    let server = Victim::redis(&[]).await;
    let settings = Redis::new(format!("redis://{}", server.address()));
    let one = Process::linked(settings).await;
    one.vouch(Duration::ZERO).await;
    server.run(&["redis-cli", "FLUSHALL"]).await;
    assert_eq!(one.vouched().await, None);
    one.vouch(Duration::ZERO).await;
    assert_eq!(one.vouched().await, None);
    one.beat().await.unwrap();
    assert_eq!(one.vouched().await, None);
    one.vouch(Duration::ZERO).await;
    assert!(one.vouched().await.is_some());
}

#[tokio::test]
async fn a_restart_from_an_old_dump_forgets_it_and_is_another_memory() {
    let server = Victim::redis(&[]).await;
    let settings = Redis::new(format!("redis://{}", server.address()));
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    let memory = one.tier.memory();
    assert!(memory.is_some());
    assert_eq!(other.tier.memory(), memory);
    one.vouch(Duration::ZERO).await;
    server.run(&["redis-cli", "SAVE"]).await;
    server.kill().await;
    wait_until(SOON, "the end is noticed", async || {
        one.tier.memory().is_none()
    })
    .await;
    server.start().await;
    one.recover().await;
    let kept = server.run(&["redis-cli", "KEYS", "*clock"]).await;
    assert!(kept.contains("clock"), "the dump was read");
    assert_eq!(one.vouched().await, None);
    assert_ne!(one.tier.memory(), memory);
}

#[tokio::test]
async fn in_a_cluster_it_must_stand_in_every_shard() {
    let servers = OwnRedis::cluster();
    let namespace = namespace();
    let settings = Redis::cluster(servers.iter().map(OwnRedis::url)).namespace(&namespace);
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    one.vouch(Duration::ZERO).await;
    assert!(other.vouched().await.is_some());
    for shard in [0, 7, 15] {
        one.vouch(Duration::ZERO).await;
        let clock = format!("{namespace}:{{{shard}}}:clock");
        let field = format!("u{TOPIC}");
        let gone = servers[0].answer(&["-c", "HDEL", &clock, &field]);
        assert!(gone.contains('1'), "{gone}");
        assert_eq!(other.vouched().await, None, "{shard}");
    }
}
