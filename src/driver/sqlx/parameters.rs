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
/// the type that wraps each element. A field's name comes right after `", "`; a *string* of the same spelling among the
/// printed values comes after a quotation mark.
struct Printer<'a> {
    key: &'a mut Params,
    wrapper: &'static str,
    stop_at: Option<&'static str>,
    begun: bool,
    between_fields: bool,
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
    let printer = Printer {
        key,
        wrapper,
        stop_at,
        begun: false,
        between_fields: false,
    };
    // An error is the early stop itself.
    let _ = write!({ printer }, "{value:?}");
}

impl Write for Printer<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.begun {
            self.begun = text == "[";
            return Ok(());
        }
        if self.between_fields && self.stop_at == Some(text) {
            return Err(fmt::Error);
        }
        self.between_fields = text == ", ";
        match *text.as_bytes() {
            [byte] => self.key.push(byte),
            _ if text == self.wrapper => {}
            ref bytes => self.key.extend_from_slice(bytes),
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
