//! Entries and claims.

use std::time::Duration;

use cachedpool::cache::shared::{Claim, SharedTier};
use cachedpool_test_support::wait_until;

use crate::kit::{Process, SOON, settings};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_entry_is_found_by_others_with_the_words_and_the_time() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let bytes: Vec<u8> = (0..=255).collect();
    let missed = other.fetch("k", &[7]).await;
    assert_eq!(missed.entry, None);
    one.tier.store("k", bytes.clone(), LONG).await.unwrap();
    one.advance(&[7]).await;
    let found = other.fetch("k", &[7, 8]).await;
    assert_eq!(found.entry, Some(bytes));
    assert_eq!(found.reading.words[0], one.word(7).await);
    assert_eq!(found.reading.words.len(), 2);
    assert!(found.reading.at >= missed.reading.at);
}

#[tokio::test]
async fn an_entry_goes_at_the_end_of_its_life() {
    let process = Process::linked(settings().await).await;
    let life = Duration::from_millis(30);
    process.tier.store("k", vec![1], life).await.unwrap();
    wait_until(SOON, "the entry is gone", async || {
        process.fetch("k", &[]).await.entry.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_granted_to_one_until_it_is_given_up_or_its_lease_ends() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    assert_eq!(one.tier.claim("k", 1, LONG).await.unwrap(), Claim::Granted);
    assert_eq!(other.tier.claim("k", 2, LONG).await.unwrap(), Claim::Taken);
    other.tier.release("k", 2).await.unwrap();
    assert_eq!(other.tier.claim("k", 2, LONG).await.unwrap(), Claim::Taken);
    one.tier.release("k", 1).await.unwrap();
    let short = Duration::from_millis(30);
    assert_eq!(
        other.tier.claim("k", 2, short).await.unwrap(),
        Claim::Granted
    );
    wait_until(SOON, "the lease ends", async || {
        one.tier.claim("k", 1, LONG).await.unwrap() == Claim::Granted
    })
    .await;
}

#[tokio::test]
async fn without_a_link_everything_but_a_beat_fails_at_once() {
    let process = Process::new(settings().await, None);
    let error = process.tier.read(&[1]).await.unwrap_err();
    assert!(!error.is_lasting(), "{error}");
    process.beat().await.unwrap();
    process.read(&[1]).await;
}
