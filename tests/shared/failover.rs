//! Replicas, and sentinels that promote them.

use std::time::Duration;

use cachedpool::tier::{Redis, RedisTier};
use cachedpool_test_support::{OwnRedis, wait_until};

use crate::kit::{NO_SILENCE, Process, Told};

/// For a sentinel to notice and to act.
const FAILOVER: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_replica_is_refused() {
    let master = OwnRedis::start(&["--save", ""]);
    let replica = OwnRedis::replica_of(&master);
    let tier = RedisTier::new(Redis::new(replica.url()), None).unwrap();
    let error = tier.check(NO_SILENCE).await.unwrap_err();
    assert!(error.to_string().contains("replica"), "{error}");
    assert!(!error.is_lasting(), "it may be promoted");
}

#[tokio::test]
async fn a_server_that_becomes_a_replica_is_given_up() {
    let (master, other) = (
        OwnRedis::start(&["--save", ""]),
        OwnRedis::start(&["--save", ""]),
    );
    let process = Process::linked(Redis::new(master.url())).await;
    let session = process.beat().await.unwrap();
    let port = other.address().port().to_string();
    master.tell(&["REPLICAOF", "127.0.0.1", &port]);
    wait_until(FAILOVER, "the beat fails", async || {
        process.beat().await.is_err()
    })
    .await;
    assert!(process.diary.take().contains(&Told::Lost(session)));
}

#[tokio::test]
async fn a_replica_that_is_promoted_after_losing_steps_never_brings_an_old_word_back() {
    let master = OwnRedis::start(&["--save", "", "--repl-diskless-sync-delay", "0"]);
    let replica = OwnRedis::replica_of(&master);
    let sentinel = OwnRedis::sentinel_of(&master);
    let settings = Redis::sentinel([sentinel.url()], "master");
    let process = Process::linked(settings).await;
    let session = process.beat().await.unwrap();
    process.advance(&[7]).await;
    let replicated = process.word(7).await;
    wait_until(FAILOVER, "the sentinel knows the replica", async || {
        sentinel
            .answer(&["SENTINEL", "REPLICAS", "master"])
            .contains(&replica.address().port().to_string())
    })
    .await;
    assert_eq!(master.answer(&["WAIT", "1", "5000"]).trim(), "1");
    // What was sent to it would still be read after the thaw: it must have no connection before the step.
    replica.freeze();
    master.tell(&["CLIENT", "KILL", "TYPE", "replica"]);
    process.advance(&[7]).await;
    let lost = process.word(7).await;
    master.kill();
    replica.thaw();
    wait_until(FAILOVER, "the replica is promoted", async || {
        let beat = tokio::time::timeout(Duration::from_secs(1), process.beat());
        beat.await.is_ok_and(|beat| beat.is_ok())
    })
    .await;
    assert_ne!(process.beat().await.unwrap(), session);
    let word = process.word(7).await;
    assert_eq!(word.version, replicated.version, "the second step is lost");
    assert_ne!(word.epoch, lost.epoch);
    process.advance(&[7]).await;
    assert_ne!(process.word(7).await, lost);
}

#[tokio::test]
async fn a_sentinel_that_does_not_know_the_master_says_so() {
    let master = OwnRedis::start(&["--save", ""]);
    let sentinel = OwnRedis::sentinel_of(&master);
    for (url, name, expected) in [
        (sentinel.url(), "other", "no master by the name"),
        (master.url(), "master", "SENTINEL"),
    ] {
        let tier = RedisTier::new(Redis::sentinel([url], name), None).unwrap();
        let error = tier.check(NO_SILENCE).await.unwrap_err();
        assert!(error.is_lasting(), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let direct = RedisTier::new(Redis::new(sentinel.url()), None).unwrap();
    let error = direct.check(NO_SILENCE).await.unwrap_err();
    assert!(error.to_string().contains("sentinel"), "{error}");
}
