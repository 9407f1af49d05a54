//! The parts of a trace that have parts themselves: elements, entries and fields.

use std::mem;

use serde::ser::{self, Serialize};

use super::{
    super::fingerprint::Named,
    Stay,
    trace::{Kind, Trace},
};

/// A sequence or tuple.
pub(super) struct Elements<'t, 'a>(&'t mut Trace<'a>);

impl<'t, 'a> Elements<'t, 'a> {
    pub(super) fn new(trace: &'t mut Trace<'a>) -> Self {
        Self(trace)
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident,)*) => {$(
        impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Stay;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stay> {
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<(), Stay> {
                self.0.end();
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// A map: each entry by itself, to be put in order.
pub(super) struct Entries<'t, 'a> {
    trace: &'t mut Trace<'a>,
    before: Vec<u8>,
    entries: Vec<Vec<u8>>,
}

impl<'t, 'a> Entries<'t, 'a> {
    pub(super) fn new(trace: &'t mut Trace<'a>) -> Self {
        Self {
            before: mem::take(&mut trace.bytes),
            trace,
            entries: Vec::new(),
        }
    }
}

impl ser::SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = Stay;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stay> {
        key.serialize(&mut *self.trace)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stay> {
        value.serialize(&mut *self.trace)?;
        self.entries.push(mem::take(&mut self.trace.bytes));
        Ok(())
    }

    fn end(mut self) -> Result<(), Stay> {
        self.entries.sort_unstable();
        self.trace.bytes = self.before;
        self.trace.bytes.extend(self.entries.into_iter().flatten());
        self.trace.end();
        Ok(())
    }
}

/// A struct or a variant with fields.
pub(super) struct Fields<'t, 'a> {
    trace: &'t mut Trace<'a>,
    named: Named,
    /// Written, or left out for the value that they have.
    seen: Vec<&'static str>,
}

impl<'t, 'a> Fields<'t, 'a> {
    pub(super) fn new(trace: &'t mut Trace<'a>, named: Named, len: usize) -> Result<Self, Stay> {
        trace.in_option = false;
        trace.begin(Kind::Fields)?;
        Ok(Self {
            trace,
            named,
            seen: Vec::with_capacity(len),
        })
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stay> {
        self.seen.push(name);
        self.trace.leaf(Kind::Str, name.as_bytes());
        value.serialize(&mut *self.trace)
    }

    fn skip(&mut self, name: &'static str) {
        self.seen.push(name);
        self.trace.leaf(Kind::Skipped, name.as_bytes());
    }

    fn end(self) -> Result<(), Stay> {
        let asked = self.trace.asked.get(&self.named);
        let lacks = |field: &&str| !self.seen.contains(field);
        if asked.is_some_and(|asked| asked.iter().any(lacks)) {
            return Err(Stay::FieldNotWritten);
        }
        self.trace.end();
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident,)*) => {$(
        impl ser::$trait for Fields<'_, '_> {
            type Ok = ();
            type Error = Stay;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stay> {
                self.field(name, value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Stay> {
                self.skip(name);
                Ok(())
            }

            fn end(self) -> Result<(), Stay> {
                self.end()
            }
        }
    )*};
}

fields! {
    SerializeStruct,
    SerializeStructVariant,
}
