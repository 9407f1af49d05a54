//! Results made of several reads, with a tier that works.

use super::*;
use crate::cache::{Errand, Gathered, Made, Scope};

/// How the one read inside gets its answer.
#[derive(Clone, Copy)]
enum By {
    TheCache,
    TheDatabase,
}

fn errand(terms: Terms) -> Errand {
    Errand {
        key: key(9),
        whole: Some(WholeKey(Box::from(&b"GET /users"[..]))),
        terms,
    }
}

/// A whole request for what is made of one read of users, whose rows are `value` in the database.
async fn request(engine: &Arc<Engine>, terms: Terms, by: By, value: u64) -> (u64, Source) {
    if let Lookup::Fresh(cached) = engine.lookup::<Rows>(&errand(terms).key, &terms) {
        return (cached[0], cached.source());
    }
    let make = async {
        let scope = Scope::new(engine);
        let made = match by {
            By::TheDatabase => {
                scope.read(engine, engine.stamp(&users()));
                value
            }
            By::TheCache => {
                let load = async { Ok::<_, Failure>(vec![value]) };
                let loaded = engine
                    .load(shared_question(terms), None, |_| true, load)
                    .await;
                let cached = loaded.expect("this load cannot fail").into_cached();
                scope.answer(engine, &cached);
                cached[0]
            }
        };
        let stamp = scope.found().expect("all was followed").stamp;
        Made::<_, ()>::Kept {
            value: vec![made],
            stamp,
        }
    };
    match engine.gather(&errand(terms), make).await {
        Ok(Gathered::Made(cached) | Gathered::Collapsed(cached) | Gathered::Found(cached)) => {
            (cached[0], cached.source())
        }
        Ok(Gathered::Stale(..)) | Err(()) => panic!("nothing is stale or passed here"),
    }
}

#[tokio::test]
async fn what_one_process_made_another_finds_until_either_writes() {
    let world = World::new().await;
    for (writer, value) in [(&world.a, 7), (&world.b, 8)] {
        let entries = world.hub.entries();
        let made = request(&world.a, terms(), By::TheCache, value).await;
        assert_eq!(made, (value, Source::Database));
        world
            .until(|world| world.hub.entries() >= 2.max(entries))
            .await;
        world.rest().await;
        let found = request(&world.b, terms(), By::TheCache, 0).await;
        assert_eq!(found, (value, Source::Shared));
        let again = request(&world.b, terms(), By::TheCache, 0).await;
        assert_eq!(again, (value, Source::Local));
        write(writer).await;
        world.rest().await;
    }
    assert_eq!(request(&world.b, terms(), By::TheCache, 9).await.0, 9);
}

#[tokio::test]
async fn what_was_read_past_the_cache_stays_in_its_process() {
    let world = World::new().await;
    request(&world.a, terms(), By::TheDatabase, 7).await;
    world.rest().await;
    assert_eq!(world.hub.entries(), 0);
    let here = request(&world.a, terms(), By::TheDatabase, 8).await;
    assert_eq!(here, (7, Source::Local));
    let there = request(&world.b, terms(), By::TheDatabase, 9).await;
    assert_eq!(there, (9, Source::Database));
}

#[tokio::test]
async fn a_strict_request_takes_nothing_that_the_tier_does_not_confirm() {
    let world = World::new().await;
    let ask = |value| request(&world.a, strict_terms(), By::TheCache, value);
    assert_eq!(ask(7).await, (7, Source::Database));
    assert_eq!(ask(8).await, (7, Source::Local));
    // A step that nobody was told of: only the words in the tier show it.
    world.hub.state_moves(&users());
    assert_eq!(ask(8).await, (8, Source::Database));
}

#[tokio::test]
async fn a_tier_that_says_nothing_costs_one_budget() {
    let world = World::new().await;
    world.hub.silence(Call::Fetch);
    let mut asked = std::pin::pin!(request(&world.a, terms(), By::TheDatabase, 7));
    assert!(poll_once(&mut asked).is_none());
    world.hand.advance(BUDGET);
    assert_eq!(asked.await, (7, Source::Database));
}
