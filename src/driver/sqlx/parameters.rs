//! Bound arguments as key bytes, with sqlx's public API alone.
//!
//! sqlx offers no getter for the arguments of a query. Two doors are open: `Arguments::add` hands its whole buffer to
//! the `Encode` of the value that is added, and undoes the addition when that returns an error; and every `Arguments`
//! is `Debug`, which names the parameter types. Both are relied upon only as far as the canary of `build()` has proved
//! for the sqlx that was linked.

use std::fmt::{self, Write};

use sqlx::{Arguments, Database, Encode, Type};

use crate::cache::Params;

/// Prints the elements of a derived `Debug` into a key: what comes between the first `[` and the field `stop_at`.
///
/// A derived `Debug` writes the name of each struct, field and variant and each piece of punctuation by itself. Those
/// that are the same for all arguments say nothing and are left out: everything before the first `[`, and the name of
/// the type that wraps each element. Both that name and a field's are looked for only right after `[` or `", "`: a
/// *string* of the same spelling among the printed values comes after a quotation mark or an escape.
struct Printer<'a> {
    key: &'a mut Params,
    wrapper: &'static str,
    stop_at: Option<&'static str>,
    at: At,
    /// The printed pieces are tiny: put together here, they reach the key in one copy.
    pieces: [u8; PIECES],
    filled: usize,
}

const PIECES: usize = 64;

/// Where the printing is.
#[derive(Clone, Copy)]
enum At {
    /// Before the list.
    Names,
    /// Where an element or a field begins.
    Start,
    /// Inside an element.
    Inside,
}

/// Prints the elements of the first list in `value`, each wrapped in the tuple struct `wrapper`, up to the field
/// `stop_at` if that is named.
#[inline]
pub(crate) fn print_list(
    wrapper: &'static str,
    stop_at: Option<&'static str>,
    value: &impl fmt::Debug,
    key: &mut Params,
) {
    let mut printer = Printer {
        key,
        wrapper,
        stop_at,
        at: At::Names,
        pieces: [0; PIECES],
        filled: 0,
    };
    // Writing into memory does not fail: an error is the early stop.
    let _ = write!(printer, "{value:?}");
    printer.flush();
}

impl Printer<'_> {
    #[inline]
    fn flush(&mut self) {
        self.key.extend_from_slice(&self.pieces[..self.filled]);
        self.filled = 0;
    }
}

impl Write for Printer<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match self.at {
            At::Names => {
                if text == "[" {
                    self.at = At::Start;
                }
                return Ok(());
            }
            At::Start if self.stop_at == Some(text) => return Err(fmt::Error),
            At::Start if text == self.wrapper => {
                self.at = At::Inside;
                return Ok(());
            }
            At::Start | At::Inside => {}
        }
        self.at = if text == ", " { At::Start } else { At::Inside };
        if self.filled + text.len() > PIECES {
            self.flush();
        }
        match self.pieces.get_mut(self.filled..self.filled + text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                self.filled += text.len();
            }
            None => self.key.extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }
}

/// A value to bind.
#[derive(Clone, Copy)]
enum Value {
    Int(i64),
    Float(f64),
    Text(&'static str),
    Bytes(&'static [u8]),
    NoInt,
    NoText,
}

/// Bound arguments that must all give different keys: the same bytes under different types, NULL against zero and
/// empty, other orders, other borders between values, and text that looks like the printed form.
pub(crate) fn canaries<DB>() -> Vec<DB::Arguments>
where
    DB: Database,
    i64: Encode<'static, DB> + Type<DB>,
    f64: Encode<'static, DB> + Type<DB>,
    &'static str: Encode<'static, DB> + Type<DB>,
    &'static [u8]: Encode<'static, DB> + Type<DB>,
    Option<i64>: Encode<'static, DB> + Type<DB>,
    Option<&'static str>: Encode<'static, DB> + Type<DB>,
{
    use Value::*;
    let lists: [&[Value]; 19] = [
        &[],
        &[Int(0)],
        &[Int(7)],
        &[Float(f64::from_bits(7))],
        &[Float(7.0)],
        &[Text("7")],
        &[Bytes(b"7")],
        &[Int(7), Int(0)],
        &[Int(0), Int(7)],
        &[NoInt],
        &[NoInt, NoInt],
        &[NoInt, Int(0)],
        &[Int(0), NoInt],
        &[Text("")],
        &[Text("a"), Text("bc")],
        &[Text("ab"), Text("c")],
        &[Bytes(b"ab"), Text("c")],
        &[Text("buffer"), NoText],
        &[Text(", buffer: "), NoText],
    ];
    let bind = |list: &&[Value]| {
        let mut arguments = DB::Arguments::default();
        for value in *list {
            match *value {
                Int(value) => arguments.add(value),
                Float(value) => arguments.add(value),
                Text(value) => arguments.add(value),
                Bytes(value) => arguments.add(value),
                NoInt => arguments.add(None::<i64>),
                NoText => arguments.add(None::<&'static str>),
            }
            .expect("plain values encode");
        }
        arguments
    };
    lists.iter().map(bind).collect()
}
