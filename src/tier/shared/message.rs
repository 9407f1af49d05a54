//! The message that tells of steps: `<origin> <epoch or -> <ms in doubt> [<slot>=<version> …]`.

use std::time::Duration;

use crate::cache::shared::EVERYTHING;

/// Steps of one shard of the clock.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Whose steps; 0 is nobody's.
    pub(super) origin: u64,
    /// The epoch after them; `None` if the shard has none, so that nothing is valid.
    pub(super) epoch: Option<u64>,
    /// For how long the outcome of a write on these slots is unknown.
    pub(super) doubt: Option<Duration>,
    /// Slots and their versions.
    pub(super) steps: Vec<(u16, u64)>,
}

impl Message {
    /// `None` for what this version does not understand.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let origin = words.next()?.parse().ok()?;
        let epoch = match words.next()? {
            "-" => None,
            epoch => Some(epoch.parse().ok()?),
        };
        let doubt = match words.next()?.parse().ok()? {
            0 => None,
            span => Some(Duration::from_millis(span)),
        };
        let steps = words
            .map(|step| {
                let (slot, version) = step.split_once('=')?;
                Some((slot.parse().ok()?, version.parse().ok()?))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            origin,
            epoch,
            doubt,
            steps,
        })
    }

    /// Whether every slot has moved.
    pub(super) fn is_everything(&self) -> bool {
        self.epoch.is_none() || self.steps.iter().any(|&(slot, _)| slot == EVERYTHING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_all_bits_of_their_numbers() {
        let message = Message::parse(b"18446744073709551615 18446744073709551614 0 7=3 65535=1");
        assert_eq!(
            message,
            Some(Message {
                origin: u64::MAX,
                epoch: Some(u64::MAX - 1),
                doubt: None,
                steps: vec![(7, 3), (65535, 1)],
            })
        );
    }

    #[test]
    fn everything_is_slot_0_or_a_clock_without_an_epoch() {
        let everything = |text: &[u8]| Message::parse(text).unwrap().is_everything();
        assert!(everything(b"1 2 0 0=0"));
        assert!(everything(b"1 - 500 9=0"));
        assert!(!everything(b"1 2 500 9=4"));
    }

    #[test]
    fn what_is_not_a_message_is_not_guessed_at() {
        for text in [
            &b""[..],
            b"1",
            b"1 2",
            b"1 2 x",
            b"1 2 0 7",
            b"1 2 0 70000=1",
            b"1 2 0  7=1",
            b"\xff 2 0",
        ] {
            assert_eq!(Message::parse(text), None, "{text:?}");
        }
    }
}
