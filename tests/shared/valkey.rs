//! Valkey speaks the same language.

use std::time::Duration;

use cachedpool::{
    cache::shared::{EVERYTHING, Held, HoldReason, SharedTier},
    tier::Redis,
};
use cachedpool_test_support::OwnRedis;

use crate::kit::{NO_SILENCE, Process, Told};

#[tokio::test]
async fn the_tier_works_on_valkey() {
    let server = OwnRedis::start_valkey(&["--save", ""]);
    let settings = Redis::new(server.url());
    let one = Process::linked(settings.clone()).await;
    let other = Process::linked(settings).await;
    other.tier.check(NO_SILENCE).await.unwrap();
    other.told().await;
    let long = Duration::from_secs(60);
    let words = one.advance(&[7]).await;
    assert_eq!(other.told().await, [Told::Moved(words)]);
    one.tier.store("k", vec![1], long).await.unwrap();
    assert_eq!(other.fetch("k", &[7]).await.entry, Some(vec![1]));
    one.hold(&[8], 1, long, HoldReason::Doubt).await;
    assert_eq!(other.held(8).await, Held::Doubt);
    let before = other.word(7).await;
    one.advance(&[EVERYTHING]).await;
    assert_ne!(other.word(7).await.epoch, before.epoch);
}
