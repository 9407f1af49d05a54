//! A cluster of three masters.

use std::time::Duration;

use cachedpool::{
    cache::shared::{Claim, EVERYTHING, Held, HoldReason, SharedTier},
    tier::Redis,
};
use cachedpool_test_support::{OwnRedis, wait_until};

use crate::kit::{Process, Told, namespace};

const LONG: Duration = Duration::from_secs(60);

/// Slots of all shards of the clock.
const SLOTS: [u16; 16] = [
    16, 33, 50, 67, 84, 101, 118, 135, 152, 169, 186, 203, 220, 237, 254, 271,
];

fn settings(servers: &[OwnRedis]) -> Redis {
    Redis::cluster(servers.iter().map(OwnRedis::url)).namespace(namespace())
}

#[tokio::test]
async fn clock_and_entries_are_spread_and_keep_their_promises() {
    let servers = OwnRedis::cluster();
    let settings = settings(&servers);
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    let before = one.read(&SLOTS).await.words;
    let words = one.advance(&SLOTS).await;
    let told = other.told().await;
    for (&(slot, word), before) in words.iter().zip(&before) {
        assert_eq!((word.epoch, word.version), (before.epoch, 1));
        assert!(told.contains(&Told::Moved(vec![(slot, word)])), "{slot}");
    }
    assert_eq!(one.told().await, []);
    assert_eq!(other.read(&SLOTS).await.words, one.read(&SLOTS).await.words);
    for number in 0..20_u8 {
        let key = format!("entry-{number}");
        one.tier.store(&key, vec![number], LONG).await.unwrap();
        let found = other.fetch(&key, &SLOTS).await;
        assert_eq!(found.entry, Some(vec![number]));
        assert!(found.reading.words.iter().all(|word| word.version == 1));
    }
    for server in &servers {
        assert_ne!(server.answer(&["DBSIZE"]).trim(), "0", "each keeps some");
    }
    assert_eq!(one.tier.claim("k", 1, LONG).await.unwrap(), Claim::Granted);
    assert_eq!(other.tier.claim("k", 2, LONG).await.unwrap(), Claim::Taken);
    one.tier.release("k", 1).await.unwrap();
    assert_eq!(
        other.tier.claim("k", 2, LONG).await.unwrap(),
        Claim::Granted
    );

    let session = other.beat().await.unwrap();
    one.advance(&[EVERYTHING]).await;
    assert!(other.told().await.contains(&Told::Everything));
    assert_eq!(other.beat().await.unwrap(), session);
    for (word, before) in other.read(&SLOTS).await.words.iter().zip(&before) {
        assert_ne!(word.epoch, before.epoch);
    }
    one.hold(&[EVERYTHING], 1, LONG, HoldReason::Write).await;
    for slot in SLOTS {
        assert_eq!(other.held(slot).await, Held::Write);
    }
}

#[tokio::test]
async fn a_master_that_dies_ends_the_session_and_comes_back_with_new_epochs() {
    let servers = OwnRedis::cluster();
    let process = Process::linked(settings(&servers)).await;
    let session = process.beat().await.unwrap();
    process.advance(&SLOTS).await;
    let before = process.read(&SLOTS).await.words;
    servers[1].kill();
    wait_until(LONG, "the end is told", async || {
        process.diary.take().contains(&Told::Lost(session))
    })
    .await;
    assert!(process.tier.read(&SLOTS).await.is_err());
    assert!(
        process.beat().await.is_err(),
        "a third of the clock is away"
    );
    servers[1].revive();
    wait_until(LONG, "the cluster is whole again", async || {
        process.beat().await.is_ok()
    })
    .await;
    assert_ne!(process.beat().await.unwrap(), session);
    let after = process.read(&SLOTS).await.words;
    let mut lost = 0;
    for (after, before) in after.iter().zip(&before) {
        if after.version == 0 {
            lost += 1;
            assert_ne!(after.epoch, before.epoch);
        } else {
            assert_eq!(after, before);
        }
    }
    assert!(
        (1..16).contains(&lost),
        "{lost} shards were on the dead master"
    );
}

#[tokio::test]
async fn a_shard_that_wanders_to_another_master_gets_a_new_epoch_and_loses_nothing() {
    let servers = OwnRedis::cluster();
    let process = Process::linked(settings(&servers)).await;
    let session = process.beat().await.unwrap();
    process.advance(&SLOTS).await;
    let before = process.read(&SLOTS).await.words;

    let slot = servers[0].answer(&["CLUSTER", "KEYSLOT", "{3}"]);
    let slot = slot.trim();
    let keeps = |server: &&OwnRedis| {
        let keys = server.answer(&["CLUSTER", "COUNTKEYSINSLOT", slot]);
        keys.trim() == "1"
    };
    let from = servers.iter().find(keeps).unwrap();
    let to = servers.iter().find(|server| !keeps(server)).unwrap();
    let [from_id, to_id] = [from, to].map(|server| server.answer(&["CLUSTER", "MYID"]));
    let (from_id, to_id) = (from_id.trim(), to_id.trim());
    to.tell(&["CLUSTER", "SETSLOT", slot, "IMPORTING", from_id]);
    from.tell(&["CLUSTER", "SETSLOT", slot, "MIGRATING", to_id]);
    let key = from.answer(&["CLUSTER", "GETKEYSINSLOT", slot, "1"]);
    let port = to.address().port().to_string();
    from.tell(&["MIGRATE", "127.0.0.1", &port, key.trim(), "0", "5000"]);

    let error = process.tier.read(&[3]).await.unwrap_err();
    assert!(error.to_string().contains("ASK"), "{error}");
    assert!(process.beat().await.is_err());
    process.read(&[4]).await;

    to.tell(&["CLUSTER", "SETSLOT", slot, "NODE", to_id]);
    from.tell(&["CLUSTER", "SETSLOT", slot, "NODE", to_id]);
    wait_until(LONG, "the shard is found again", async || {
        process.beat().await.is_ok()
    })
    .await;
    assert_ne!(process.beat().await.unwrap(), session);
    for (slot, (after, before)) in SLOTS
        .iter()
        .zip(process.read(&SLOTS).await.words.iter().zip(&before))
    {
        assert_eq!(after.version, 1);
        assert_eq!(after.epoch != before.epoch, slot % 16 == 3, "{slot}");
    }
}

#[tokio::test]
async fn entries_that_wander_to_another_master_are_found_without_an_end_of_the_session() {
    let servers = OwnRedis::cluster();
    let process = Process::linked(settings(&servers)).await;
    let session = process.beat().await.unwrap();
    // A slot with neither an entry nor a shard of the clock.
    let slot = servers[0].answer(&["CLUSTER", "KEYSLOT", "{wanderer}"]);
    let slot = slot.trim();
    assert_eq!(process.fetch("{wanderer}", &[7]).await.entry, None);
    let number: u16 = slot.parse().unwrap();
    let (from, to) = (
        usize::from(number / 5462),
        usize::from(number / 5462 + 1) % 3,
    );
    let id = servers[to].answer(&["CLUSTER", "MYID"]);
    for server in [&servers[to], &servers[from]] {
        server.tell(&["CLUSTER", "SETSLOT", slot, "NODE", id.trim()]);
    }
    let error = process
        .tier
        .store("{wanderer}", vec![1], LONG)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("MOVED"), "{error}");
    wait_until(LONG, "the entry is found", async || {
        assert_eq!(process.beat().await.unwrap(), session);
        process
            .tier
            .store("{wanderer}", vec![1], LONG)
            .await
            .is_ok()
    })
    .await;
    assert_eq!(process.fetch("{wanderer}", &[7]).await.entry, Some(vec![1]));
}
