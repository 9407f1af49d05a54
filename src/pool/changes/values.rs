//! Values as `pgoutput` spells them: the text forms of PostgreSQL's types.

use crate::{
    cdc::pgoutput::Datum,
    schema::{Canonical, ColumnKind},
};

/// The form that a value has in tags: the same that a reader's argument has. `None` if that cannot be told, `Some(None)` for
/// NULL.
pub(super) fn canonical(kind: ColumnKind, value: Datum<'_>) -> Option<Option<Canonical>> {
    let text = match value {
        Datum::Null => return Some(None),
        Datum::Text(text) => std::str::from_utf8(text).ok()?,
        Datum::Unchanged | Datum::Binary(_) => return None,
    };
    let value = match kind {
        ColumnKind::Integer { .. } => Canonical::Integer(text.parse().ok()?),
        ColumnKind::Text { .. } | ColumnKind::PaddedText { .. } => Canonical::Text(text.into()),
        ColumnKind::Uuid => Canonical::Uuid(uuid(text)?),
        ColumnKind::Bool => Canonical::Bool(match text {
            "t" => true,
            "f" => false,
            _ => return None,
        }),
        ColumnKind::Date => Canonical::Date(date(text)?),
        ColumnKind::Other => return None,
    };
    kind.canonical(&value).map(Some)
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.split('-').collect();
    let is_plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_plain.then(|| u128::from_str_radix(&digits, 16).ok())?;
    number.map(u128::to_be_bytes)
}

/// Days since 2000-01-01 of an ISO date. What is not of our era, or infinite, has no such form.
fn date(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let mut number = || -> Option<i64> {
        let part = parts.next()?;
        let is_plain = part.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| part.parse().ok()).flatten()
    };
    let (year, month, day) = (number()?, number()?, number()?);
    let is_date = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then_some(())?;
    // Years that begin in March have their leap day at the end; 365.2425 days a year (Gregory XIII, 1582).
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leaps + (month * 153 + 2) / 5 + day - 1;
    // Of 2000-01-01 by this count.
    i32::try_from(days - 730_425).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_as_the_server_counts_it() {
        let days = [
            ("2000-01-01", 0),
            ("2000-02-29", 59),
            ("2000-03-01", 60),
            ("1999-12-31", -1),
            ("1970-01-01", -10_957),
            ("2024-02-29", 8_825),
            ("0001-01-01", -730_119),
            ("12345-06-07", 3_778_591),
        ];
        for (text, expected) in days {
            assert_eq!(date(text), Some(expected), "{text}");
        }
        for text in [
            "infinity",
            "-infinity",
            "0044-03-15 BC",
            "2000-13-01",
            "01/02/2000",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_has_the_form_that_a_readers_argument_has() {
        let integer = ColumnKind::Integer { min: -9, max: 99 };
        let of = |kind, text: &'static str| canonical(kind, Datum::Text(text.as_bytes()));
        assert_eq!(of(integer, "-7"), Some(Some(Canonical::Integer(-7))));
        assert_eq!(of(integer, "100"), None);
        assert_eq!(of(integer, "x"), None);
        assert_eq!(of(ColumnKind::Bool, "t"), Some(Some(Canonical::Bool(true))));
        let uuid = "00112233-4455-6677-8899-aabbccddeeff";
        let bytes = [
            0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
            0xff,
        ];
        assert_eq!(
            of(ColumnKind::Uuid, uuid),
            Some(Some(Canonical::Uuid(bytes)))
        );
        assert_eq!(
            of(ColumnKind::Uuid, "+0112233445566778899aabbccddeeff"),
            None
        );
        assert_eq!(of(ColumnKind::Other, "1"), None);
        assert_eq!(canonical(integer, Datum::Null), Some(None));
        assert_eq!(canonical(integer, Datum::Unchanged), None);
    }
}
