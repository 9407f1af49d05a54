//! The deserializer that notes what it is asked for and answers with samples.

use serde::de::{self, Deserializer, Visitor};

use super::{
    access::{Elements, Entries, Fields, Variant},
    samples::{ANY, Any, BYTES, CHARS, ELEMENTS, ENTRIES, FLOATS, NUMBERS, STRINGS},
    walk::{Named, Refusal, Walk},
};

pub(super) struct Probe<'w, 's>(pub(super) &'w mut Walk<'s>);

macro_rules! scalars {
    ($($method:ident $visit:ident $samples:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            // The method's name is as good as any for the kind.
            self.0.note(format_args!("{}", stringify!($visit)))?;
            visitor.$visit(self.0.sample(&$samples).into())
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_, '_> {
    type Error = Refusal;

    /// As the encoding that payloads are in: some types have another form for people to read.
    fn is_human_readable(&self) -> bool {
        false
    }

    scalars! {
        deserialize_i16 visit_i16 NUMBERS,
        deserialize_i32 visit_i32 NUMBERS,
        deserialize_i64 visit_i64 NUMBERS,
        deserialize_i128 visit_i128 NUMBERS,
        deserialize_u8 visit_u8 NUMBERS,
        deserialize_u16 visit_u16 NUMBERS,
        deserialize_u32 visit_u32 NUMBERS,
        deserialize_u64 visit_u64 NUMBERS,
        deserialize_u128 visit_u128 NUMBERS,
        deserialize_f32 visit_f32 FLOATS,
        deserialize_f64 visit_f64 FLOATS,
        deserialize_char visit_char CHARS,
        deserialize_str visit_str STRINGS,
        deserialize_string visit_string STRINGS,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("any"))?;
        match self.0.sample(&ANY) {
            Any::Number(number) => visitor.visit_u64(number),
            Any::String(string) => visitor.visit_str(string),
            Any::Unit => visitor.visit_unit(),
            Any::Bool => visitor.visit_bool(true),
            Any::Float => visitor.visit_f64(0.5),
            Any::Map => Entries::visit(self.0, 0, visitor),
            Any::Sequence => visitor.visit_seq(Elements::new(self.0, 0)),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("visit_i8"))?;
        visitor.visit_i8(self.0.sample(&NUMBERS).cast_signed())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("bool"))?;
        visitor.visit_bool(self.0.sample(&[true, false]))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("bytes"))?;
        visitor.visit_bytes(&vec![0; self.0.sample(&BYTES)])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("byte_buf"))?;
        visitor.visit_byte_buf(vec![0; self.0.sample(&BYTES)])
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("option"))?;
        if self.0.is_done() {
            return visitor.visit_none();
        }
        self.0
            .down(format_args!("some"), |walk| visitor.visit_some(Probe(walk)))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("unit"))?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("unit struct {name}"))?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("newtype struct {name}"))?;
        self.0.inside(name, &[], |walk| {
            walk.down(format_args!("0"), |walk| {
                visitor.visit_newtype_struct(Probe(walk))
            })
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("sequence"))?;
        let chosen = self.0.sample(&ELEMENTS);
        let count = if self.0.is_done() { 0 } else { chosen };
        visitor.visit_seq(Elements::new(self.0, count))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("tuple of {count}"))?;
        visitor.visit_seq(Elements::new(self.0, count))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0
            .note(format_args!("tuple struct {name} of {count}"))?;
        self.0.inside(name, &[], |walk| {
            visitor.visit_seq(Elements::new(walk, count))
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("map"))?;
        let chosen = self.0.sample(&ENTRIES);
        let count = if self.0.is_done() { 0 } else { chosen };
        Entries::visit(self.0, count, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("struct {name} {fields:?}"))?;
        // The second way is for types that were not derived.
        let by_name = self.0.sample(&[ByName::Yes, ByName::No]);
        self.0.inside(name, fields, |walk| match by_name {
            ByName::Yes => {
                let named = Named { name, variant: "" };
                visitor.visit_map(Fields::new(walk, named, fields))
            }
            ByName::No => visitor.visit_seq(Elements::new(walk, fields.len())),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("enum {name} {variants:?}"))?;
        if variants.is_empty() {
            return Err(de::Error::custom("an enum without variants has no values"));
        }
        let variant = variants[self.0.variant(name, variants)];
        self.0.inside(name, variants, |walk| {
            walk.down(format_args!("{variant}"), |walk| {
                visitor.visit_enum(Variant::new(walk, Named { name, variant }))
            })
        })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("identifier"))?;
        visitor.visit_str(self.0.identifier())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.0.note(format_args!("ignored"))?;
        visitor.visit_unit()
    }
}

/// How a struct gets its fields.
#[derive(Clone, Copy)]
enum ByName {
    Yes,
    No,
}
