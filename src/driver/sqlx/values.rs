//! Bound arguments as values, with sqlx's public API alone.
//!
//! Promises that a value is either the one that the server will compare and store, or unknown. The doors are those of
//! [`parameters`](super::parameters): the `Debug` of the arguments, which names the types, and an addition that fails.
//! `build()` proves on the linked sqlx that what comes out of them is right. One file a database reads what they show.

use std::fmt::{self, Write};

use smallvec::SmallVec;
use sqlx::{Arguments, Database, Encode, Type};

use crate::{
    driver::front::{LONGEST, Values},
    schema::Canonical,
};

#[cfg(feature = "mysql")]
pub(super) mod mysql;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;

/// After so many printed bytes the rest is left unknown: each byte of a blob is printed as a number.
const MOST_PRINTED: usize = 16 << 10;

/// Gives each element of the lists in the `Debug` of `value` to `each`, with the number of its list, up to and with list
/// `last`. An element that is too long is cut off, so that it has lost its closing bracket.
fn elements(value: &impl fmt::Debug, last: usize, each: impl FnMut(usize, &[u8])) {
    let mut reader = Elements {
        each,
        last,
        list: 0,
        depth: 0,
        text: Text::Outside,
        element: SmallVec::new(),
        printed: 0,
    };
    // An error is the early stop.
    let _ = write!(reader, "{value:?}");
}

/// Reads a derived `Debug` as it is printed.
struct Elements<F> {
    each: F,
    last: usize,
    list: usize,
    /// Brackets that are open, from that of the list; 0 outside of lists.
    depth: usize,
    text: Text,
    element: SmallVec<[u8; 2 * LONGEST]>,
    printed: usize,
}

/// Where in a printed string the reader is.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    Outside,
    Inside,
    Escaped,
}

impl<F: FnMut(usize, &[u8])> Elements<F> {
    fn byte(&mut self, byte: u8) -> fmt::Result {
        if self.depth == 0 {
            self.depth = usize::from(byte == b'[');
            return Ok(());
        }
        let outside = self.text == Text::Outside;
        self.text = match (self.text, byte) {
            (Text::Outside, b'"') | (Text::Escaped, _) => Text::Inside,
            (Text::Inside, b'"') => Text::Outside,
            (Text::Inside, b'\\') => Text::Escaped,
            (same, _) => same,
        };
        if outside {
            match byte {
                b'(' | b'[' | b'{' => self.depth += 1,
                b')' | b']' | b'}' => self.depth -= 1,
                b',' if self.depth == 1 => {
                    self.settle();
                    return Ok(());
                }
                b' ' if self.element.is_empty() => return Ok(()),
                _ => {}
            }
            if self.depth == 0 {
                if byte != b']' {
                    return Err(fmt::Error);
                }
                if !self.element.is_empty() {
                    self.settle();
                }
                self.list += 1;
                return if self.list > self.last {
                    Err(fmt::Error)
                } else {
                    Ok(())
                };
            }
        }
        if self.element.len() < self.element.inline_size() {
            self.element.push(byte);
        }
        Ok(())
    }

    fn settle(&mut self) {
        (self.each)(self.list, &self.element);
        self.element.clear();
    }
}

impl<F: FnMut(usize, &[u8])> Write for Elements<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.printed += text.len();
        if self.printed > MOST_PRINTED {
            return Err(fmt::Error);
        }
        text.bytes().try_for_each(|byte| self.byte(byte))
    }
}

/// Bound arguments and what must come out of them; `truth` is what `true` is to the database.
pub(crate) fn canaries<DB>(truth: Canonical) -> Vec<(DB::Arguments, Values)>
where
    DB: Database,
    i16: Encode<'static, DB> + Type<DB>,
    i32: Encode<'static, DB> + Type<DB>,
    i64: Encode<'static, DB> + Type<DB>,
    f64: Encode<'static, DB> + Type<DB>,
    bool: Encode<'static, DB> + Type<DB>,
    &'static str: Encode<'static, DB> + Type<DB>,
    &'static [u8]: Encode<'static, DB> + Type<DB>,
    Option<i64>: Encode<'static, DB> + Type<DB>,
    Option<&'static str>: Encode<'static, DB> + Type<DB>,
{
    const WORDS: &str = "], types: [Int64(7), (\u{fc}";
    let text = |text: &str| Some(Canonical::Text(text.into()));
    let bind = || {
        let mut bound = DB::Arguments::default();
        bound.add(i64::MIN)?;
        bound.add(None::<i64>)?;
        bound.add(-7_i16)?;
        bound.add(WORDS)?;
        bound.add(7.0_f64)?;
        bound.add(&b"7, 8"[..])?;
        bound.add(7_i32)?;
        bound.add(None::<&'static str>)?;
        bound.add("")?;
        bound.add(true)?;
        Ok::<_, sqlx::error::BoxDynError>(bound)
    };
    let values = vec![
        Some(Canonical::Integer(i64::MIN)),
        None,
        Some(Canonical::Integer(-7)),
        text(WORDS),
        None,
        None,
        Some(Canonical::Integer(7)),
        None,
        text(""),
        Some(truth),
    ];
    let none = (DB::Arguments::default(), Values::new());
    vec![none, (bind().expect("plain values encode"), values)]
}

#[cfg(all(test, feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod tests {
    use crate::driver::sqlx::backend::Driver;

    fn holds<DB: Driver>() {
        for (mut arguments, values) in DB::value_canaries() {
            for look in ["first", "second"] {
                assert_eq!(DB::values(&mut arguments), values, "{} {look}", DB::NAME);
            }
        }
    }

    #[test]
    fn the_linked_sqlx_shows_what_was_bound_as_often_as_one_looks() {
        holds::<sqlx::Postgres>();
        holds::<sqlx::MySql>();
        holds::<sqlx::Sqlite>();
    }
}
