//! A value as serde sees it, in bytes of which two are equal only if serde cannot tell the values apart.
//!
//! MessagePack is not such: it writes `Some(x)` as `x`, and drops fields without a trace. The entries of a map have no order
//! here, since those of a `HashMap` come back in another one.

use serde::ser::{Serialize, Serializer};

use super::{
    super::fingerprint::{Asked, Named},
    Stay,
    parts::{Elements, Entries, Fields},
};

/// How deep a value may be nested, options and newtypes counted: less than what is read may be.
const MAX_DEPTH: usize = 100;

/// The trace of `value`, unless it is already clear that it does not come back.
pub(super) fn trace<T: Serialize>(value: &T, asked: &Asked) -> Result<Vec<u8>, Stay> {
    let mut trace = Trace {
        asked,
        bytes: Vec::with_capacity(256),
        depth: 0,
        in_option: false,
    };
    value.serialize(&mut trace)?;
    Ok(trace.bytes)
}

/// Each has its bytes behind it, in a number that the kind knows or with their length before them.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float32,
    Float64,
    Char,
    Str,
    Bytes,
    None,
    Some,
    Unit,
    UnitStruct,
    Newtype,
    Variant,
    Sequence,
    Map,
    Fields,
    Skipped,
    End,
}

pub(super) struct Trace<'a> {
    pub(super) asked: &'a Asked,
    pub(super) bytes: Vec<u8>,
    depth: usize,
    /// Nothing was written yet of what an option holds.
    pub(super) in_option: bool,
}

impl Trace<'_> {
    pub(super) fn leaf(&mut self, kind: Kind, bytes: &[u8]) {
        self.in_option = false;
        self.bytes.push(kind as u8);
        self.bytes.extend((bytes.len() as u64).to_le_bytes());
        self.bytes.extend(bytes);
    }

    /// What is encoded like the absence of a value.
    fn nothing(&mut self, kind: Kind) -> Result<(), Stay> {
        if self.in_option {
            return Err(Stay::NothingInOption);
        }
        self.bytes.push(kind as u8);
        Ok(())
    }

    pub(super) fn begin(&mut self, kind: Kind) -> Result<(), Stay> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stay::TooDeep);
        }
        self.bytes.push(kind as u8);
        Ok(())
    }

    pub(super) fn end(&mut self) {
        self.depth -= 1;
        self.bytes.push(Kind::End as u8);
    }

    fn around<T: Serialize + ?Sized>(&mut self, kind: Kind, value: &T) -> Result<(), Stay> {
        self.begin(kind)?;
        value.serialize(&mut *self)?;
        self.end();
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty: $kind:ident,)*) => {$(
        fn $method(self, value: $type) -> Result<(), Stay> {
            self.leaf(Kind::$kind, &value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl<'t, 'a> Serializer for &'t mut Trace<'a> {
    type Ok = ();
    type Error = Stay;
    type SerializeSeq = Elements<'t, 'a>;
    type SerializeTuple = Elements<'t, 'a>;
    type SerializeTupleStruct = Elements<'t, 'a>;
    type SerializeTupleVariant = Elements<'t, 'a>;
    type SerializeMap = Entries<'t, 'a>;
    type SerializeStruct = Fields<'t, 'a>;
    type SerializeStructVariant = Fields<'t, 'a>;

    numbers! {
        serialize_i8 i8: Signed,
        serialize_i16 i16: Signed,
        serialize_i32 i32: Signed,
        serialize_i64 i64: Signed,
        serialize_i128 i128: Signed,
        serialize_u8 u8: Unsigned,
        serialize_u16 u16: Unsigned,
        serialize_u32 u32: Unsigned,
        serialize_u64 u64: Unsigned,
        serialize_u128 u128: Unsigned,
        serialize_f32 f32: Float32,
        serialize_f64 f64: Float64,
    }

    /// As the encoding: some types have another form for people to read.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Stay> {
        self.leaf(Kind::Bool, &[u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Stay> {
        self.leaf(Kind::Char, &u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Stay> {
        self.leaf(Kind::Str, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stay> {
        self.leaf(Kind::Bytes, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Stay> {
        self.nothing(Kind::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stay> {
        self.in_option = true;
        self.around(Kind::Some, value)
    }

    fn serialize_unit(self) -> Result<(), Stay> {
        self.nothing(Kind::Unit)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Stay> {
        self.leaf(Kind::UnitStruct, name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Stay> {
        self.leaf(Kind::Variant, variant.as_bytes());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Stay> {
        self.around(Kind::Newtype, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stay> {
        self.leaf(Kind::Variant, variant.as_bytes());
        self.around(Kind::Newtype, value)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Elements<'t, 'a>, Stay> {
        self.in_option = false;
        self.begin(Kind::Sequence)?;
        Ok(Elements::new(self))
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'t, 'a>, Stay> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Elements<'t, 'a>, Stay> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'t, 'a>, Stay> {
        self.leaf(Kind::Variant, variant.as_bytes());
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Entries<'t, 'a>, Stay> {
        self.in_option = false;
        self.begin(Kind::Map)?;
        Ok(Entries::new(self))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'t, 'a>, Stay> {
        Fields::new(self, Named { name, variant: "" }, len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'t, 'a>, Stay> {
        self.leaf(Kind::Variant, variant.as_bytes());
        Fields::new(self, Named { name, variant }, len)
    }
}
