//! The holds of a slot, as they stand in the clock: `id:expiry:kind;…`.

use redis::Value;

use crate::cache::shared::{Held, HoldReason};

/// How a reason is written.
pub(super) fn kind(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Write => "w",
        HoldReason::Doubt => "d",
    }
}

/// Whether the slot is held at `now`, in the server's milliseconds, and whether a hold has expired without being released.
/// `None` for what this version does not understand.
pub(super) fn read(field: &Value, now: u64) -> Option<(Held, bool)> {
    let text = match field {
        Value::Nil => return Some((Held::Free, false)),
        Value::BulkString(text) => std::str::from_utf8(text).ok()?,
        _ => return None,
    };
    let (mut held, mut expired) = (Held::Free, false);
    for hold in text.split(';') {
        let (rest, kind) = hold.rsplit_once(':')?;
        let (_, expiry) = rest.split_once(':')?;
        if expiry.parse::<u64>().ok()? <= now {
            expired = true;
            continue;
        }
        held = held.max(match kind {
            "w" => Held::Write,
            "d" => Held::Doubt,
            _ => return None,
        });
    }
    Some((held, expired))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(field: &str) -> Value {
        Value::BulkString(field.into())
    }

    #[test]
    fn the_gravest_of_the_live_holds_counts() {
        assert_eq!(read(&Value::Nil, 5), Some((Held::Free, false)));
        assert_eq!(read(&text("1:9:w"), 5), Some((Held::Write, false)));
        assert_eq!(read(&text("1:9:d;2:9:w"), 5), Some((Held::Doubt, false)));
        assert_eq!(read(&text("1:5:d;2:9:w"), 5), Some((Held::Write, true)));
        assert_eq!(read(&text("1:4:w"), 5), Some((Held::Free, true)));
    }

    #[test]
    fn what_is_not_a_hold_is_not_guessed_at() {
        for field in ["", "1", "1:2", "1:x:w", "1:9:q", "1:9:w;"] {
            assert_eq!(read(&text(field), 5), None, "{field:?}");
        }
    }
}
