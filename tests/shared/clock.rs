//! Steps, and who hears of them.

use cachedpool::{
    cache::shared::{EVERYTHING, SharedTier, Step, Word},
    tier::Redis,
};
use cachedpool_test_support::redis;

use crate::kit::{Process, Told, moves, namespace, settings};

#[tokio::test]
async fn steps_are_heard_by_others_in_order_and_not_by_who_took_them() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let epoch = one.word(7).await.epoch;
    let mut expected = Vec::new();
    for version in 1..=50 {
        let words = one.advance(&[7, 65535]).await;
        let word = Word { epoch, version };
        assert_eq!(words, [(7, word), (65535, word)]);
        expected.push(Told::Moved(words));
    }
    assert_eq!(other.told().await, expected);
    assert_eq!(one.told().await, []);
    assert_eq!(other.word(7).await, Word { epoch, version: 50 });
}

#[tokio::test]
async fn words_come_in_the_order_in_which_they_were_asked_for() {
    let process = Process::linked(settings().await).await;
    process.advance(&[9, 9, 9, 5]).await;
    let versions = |slots| {
        let process = &process;
        async move {
            let words = process.read(slots).await.words;
            words.iter().map(|word| word.version).collect::<Vec<_>>()
        }
    };
    assert_eq!(versions(&[5, 6, 9]).await, [1, 0, 3]);
    assert_eq!(versions(&[9, 5]).await, [3, 1]);
}

#[tokio::test]
async fn a_step_of_everything_gives_every_slot_an_epoch_that_was_never_used() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let before = one.word(7).await;
    let words = one.advance(&[7, EVERYTHING]).await;
    assert_eq!(other.told().await, [Told::Everything]);
    let after = one.word(7).await;
    assert_ne!(after.epoch, before.epoch);
    let everything = Word {
        epoch: after.epoch,
        version: 0,
    };
    assert_eq!(words, [(7, after), (EVERYTHING, everything)]);
}

#[tokio::test]
async fn a_session_lasts_while_everything_is_heard() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let (first, of_other) = (one.beat().await.unwrap(), other.beat().await.unwrap());
    one.advance(&[3]).await;
    one.advance(&[EVERYTHING]).await;
    other.advance(&[EVERYTHING]).await;
    assert_eq!(one.beat().await.unwrap(), first);
    assert_eq!(other.beat().await.unwrap(), of_other);
}

#[tokio::test]
async fn a_step_that_does_not_move_is_not_told() {
    let settings = settings().await;
    let (one, other) = (
        Process::linked(settings.clone()).await,
        Process::linked(settings).await,
    );
    let stays = Step {
        slot: 7,
        moves: false,
        releases: Some(1),
    };
    let words = one.tier.advance(&[stays, moves(8)]).await.unwrap();
    assert_eq!(words.len(), 1);
    assert_eq!(other.told().await, [Told::Moved(words)]);
}

#[tokio::test]
async fn namespaces_and_databases_of_one_server_do_not_hear_of_each_other() {
    let url = redis().await.url();
    let name = namespace();
    let places = [
        Redis::new(&url).namespace(&name),
        Redis::new(&url).namespace(namespace()),
        Redis::new(format!("{url}/1")).namespace(&name),
    ];
    let mut processes = Vec::new();
    for place in places {
        processes.push(Process::linked(place).await);
    }
    processes[0].advance(&[7, EVERYTHING]).await;
    for other in &processes[1..] {
        assert_eq!(other.told().await, []);
        assert_eq!(other.word(7).await.version, 0);
    }
}
