//! What a trigger says, as its function spells it (`pool/changes/notify/triggers.rs`).

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    /// A table; of its rows nothing is known.
    Table { schema: &'a str, name: &'a str },
    /// Whatever there is.
    Everything,
}

impl<'a> Payload<'a> {
    /// Of `6 publicusers`: how many characters of what follows are the schema. Names may hold any character, so none could stand
    /// between them. `None` if it is no such thing.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Everything);
        }
        let (count, names) = text.split_once(' ')?;
        let count: usize = count.parse().ok()?;
        let (at, _) = names.char_indices().nth(count)?;
        let (schema, name) = names.split_at(at);
        (!schema.is_empty()).then_some(Self::Table { schema, name })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_characters_come_apart_again() {
        for (schema, name) in [
            ("public", "users"),
            ("a.b", "c d"),
            ("Grüße", "日本"),
            ("1 2", "3 4"),
        ] {
            let text = format!("{} {schema}{name}", schema.chars().count());
            let payload = Payload::parse(&text);
            assert_eq!(payload, Some(Payload::Table { schema, name }), "{text}");
        }
        assert_eq!(Payload::parse(""), Some(Payload::Everything));
    }

    #[test]
    fn what_is_none_is_not_taken_for_one() {
        for text in [" ", "x", "6", "6 public", "7 public", "0 t", "-1 ab", "1ab"] {
            assert_eq!(Payload::parse(text), None, "{text}");
        }
    }
}
