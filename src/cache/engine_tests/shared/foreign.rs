//! Types whose own code does not behave.

use std::{cell::Cell, panic::resume_unwind};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::*;

/// Panics when it is read, from when the test says so.
#[derive(Debug, PartialEq)]
struct Trap {
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Armed,
    Never,
}

thread_local! {
    /// Set once the value is where it must not be read. A test and its engines have one thread.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

impl Serialize for Trap {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.when as u64)
    }
}

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let when = match u64::deserialize(from)? {
            0 => When::Armed,
            _ => When::Never,
        };
        if when == When::Armed && ARMED.get() {
            resume_unwind(Box::new("armed"));
        }
        Ok(Trap { when })
    }
}

async fn ask_for_trap(engine: &Engine, when: When) -> Source {
    let load = async { Ok::<_, Failure>(vec![Trap { when }]) };
    let question = shared_question(terms());
    let loaded = engine.load(question, None, |_| true, load).await;
    let loaded = loaded.expect("this load cannot fail");
    loaded.into_cached().source()
}

#[tokio::test]
async fn a_panic_while_an_entry_is_read_is_a_miss() {
    let world = World::new().await;
    ask_for_trap(&world.a, When::Armed).await;
    world.until(|world| world.hub.entries() == 1).await;
    ARMED.set(true);
    assert_eq!(ask_for_trap(&world.b, When::Never).await, Source::Database);
    assert_eq!(world.b.stats().shared_refusals["undecodable"], 1);
}

#[tokio::test]
async fn a_panic_while_an_entry_is_packed_ends_no_other_upload() {
    let world = World::new().await;
    ARMED.set(true);
    ask_for_trap(&world.a, When::Armed).await;
    world
        .until(|world| {
            world
                .a
                .stats()
                .shared_stores_withheld
                .contains_key("panicked")
        })
        .await;
    assert_eq!(ask(&world.b, terms(), 7).await, (7, Source::Database));
    write(&world.a).await;
    ask(&world.a, terms(), 8).await;
    world
        .until(|world| world.a.stats().shared_stores == 1)
        .await;
}
