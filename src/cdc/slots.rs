//! What becomes of a slot that outlives its sessions: made where it is missing, made anew where the server has given its log
//! up, watched for the log that it holds back.

use std::time::Duration;

use super::{
    trouble::Trouble,
    wire::{Line as _, Slot},
};
use crate::cache::Tick;

/// How often the server is asked how much of its log it keeps.
const LOOK: Duration = Duration::from_secs(10);

/// The longest name that the server takes for a slot (`NAMEDATALEN`).
const LONGEST: usize = 63;

/// Where a durable slot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was there, or nobody had made it yet.
    Usual,
    /// It takes the place of one whose log the server had given up.
    Replacement,
}

/// Sees to it that there is a slot of this name which can be started.
///
/// # Cancel safety
/// Dropping the future leaves a slot, or none.
pub(super) async fn prepare(slot: &mut Slot) -> Result<Origin, Trouble> {
    let name = slot.name().to_owned();
    fits(&name)?;
    let found = slot
        .ask(&format!(
            "SELECT slot_type = 'logical' AND plugin = 'pgoutput' AND NOT temporary \
                    AND database = pg_catalog.current_database(), wal_status = 'lost' \
             FROM pg_catalog.pg_replication_slots WHERE slot_name = '{name}'"
        ))
        .await?;
    let is = |column: usize| {
        let value = found.first().and_then(|row| row.get(column));
        value.and_then(Option::as_deref) == Some(b"t")
    };
    // The old grammar: servers of every version read it.
    let make = format!("CREATE_REPLICATION_SLOT {name} LOGICAL pgoutput NOEXPORT_SNAPSHOT");
    if found.is_empty() {
        slot.make(&make).await?;
        return Ok(Origin::Usual);
    }
    if !is(0) {
        return Err(Trouble::lasting(
            format!("the replication slot `{name}` is of another kind or database"),
            format!("another name, or SELECT pg_drop_replication_slot('{name}')"),
        ));
    }
    if !is(1) {
        return Ok(Origin::Usual);
    }
    slot.ask(&format!("DROP_REPLICATION_SLOT {name}")).await?;
    slot.make(&make).await?;
    Ok(Origin::Replacement)
}

/// Whether the server takes it for a name, which also stands in its commands as it is.
fn fits(name: &str) -> Result<(), Trouble> {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    match (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Trouble::lasting(
            format!("`{name}` is no name of a replication slot"),
            format!("a name of at most {LONGEST} lower-case letters, digits and underscores"),
        )),
    }
}

/// How much of its log the server keeps for a slot, as somebody should know.
#[derive(Debug)]
pub(super) struct Retained {
    /// The most that is nothing to tell of.
    most: u64,
    last: Option<Tick>,
    level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Low,
    High,
}

impl Retained {
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            last: None,
            level: Level::Low,
        }
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.last.is_none_or(|last| now.since(last) >= LOOK)
    }

    /// The server keeps so much at `now`. Returns it if it has become too much since the last look.
    pub(super) fn note(&mut self, now: Tick, bytes: u64) -> Option<u64> {
        self.last = Some(now);
        let before = self.level;
        self.level = match bytes > self.most {
            true => Level::High,
            false => Level::Low,
        };
        (before != self.level && self.level == Level::High).then_some(bytes)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_more_than_a_name_is_refused() {
        for name in ["a", "cachedpool_7", &"x".repeat(63)] {
            assert_eq!(fits(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "Upper",
            "with space",
            "a;b",
            "a'b",
            "ä",
            &"x".repeat(64),
        ] {
            assert!(fits(name).is_err(), "{name}");
        }
    }

    #[test]
    fn too_much_log_is_told_when_it_becomes_so_and_not_with_every_look() {
        let mut retained = Retained::new(100);
        let at = |seconds| Tick::BEGIN.plus(Duration::from_secs(seconds));
        assert!(retained.is_due(at(0)));
        assert_eq!(retained.note(at(0), 100), None);
        assert!(!retained.is_due(at(9)));
        assert!(retained.is_due(at(10)));
        assert_eq!(retained.note(at(10), 101), Some(101));
        assert_eq!(retained.note(at(20), 200), None);
        assert_eq!(retained.note(at(30), 99), None);
        assert_eq!(retained.note(at(40), 300), Some(300));
    }
}
