//! Elements, entries, fields and variants, as serde asks for them.

use serde::de::{
    DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::{
    probe::Probe,
    walk::{Named, Refusal, Walk},
};

/// A sequence or tuple.
pub(super) struct Elements<'w, 's> {
    walk: &'w mut Walk<'s>,
    count: usize,
    next: usize,
}

impl<'w, 's> Elements<'w, 's> {
    pub(super) fn new(walk: &'w mut Walk<'s>, count: usize) -> Self {
        Self {
            walk,
            count,
            next: 0,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        if self.next == self.count {
            return Ok(None);
        }
        let at = self.next;
        self.next += 1;
        let down = |walk: &mut Walk<'_>| seed.deserialize(Probe(walk));
        self.walk.down(format_args!("{at}"), down).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count - self.next)
    }
}

/// A map: the names that it was found to want, or a made-up entry.
pub(super) struct Entries<'w, 's> {
    walk: &'w mut Walk<'s>,
    names: Vec<&'static str>,
    next: usize,
    more: usize,
}

impl<'w, 's> Entries<'w, 's> {
    pub(super) fn visit<'de, V: Visitor<'de>>(
        walk: &'w mut Walk<'s>,
        more: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let names = walk.map();
        // A map that wants names is a struct in disguise, and may refuse others.
        let more = if names.is_empty() { more } else { 0 };
        visitor.visit_map(Entries {
            walk,
            names,
            next: 0,
            more,
        })
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        if let Some(name) = self.names.get(self.next) {
            return seed.deserialize(StrDeserializer::new(name)).map(Some);
        }
        if self.next < self.names.len() + self.more {
            let down = |walk: &mut Walk<'_>| seed.deserialize(Probe(walk));
            return self.walk.down(format_args!("key"), down).map(Some);
        }
        self.walk.end_map();
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let name = self.names.get(self.next).copied().unwrap_or("value");
        self.next += 1;
        let down = |walk: &mut Walk<'_>| seed.deserialize(Probe(walk));
        self.walk.down(format_args!("{name}"), down)
    }
}

/// A struct, field by field.
pub(super) struct Fields<'w, 's> {
    walk: &'w mut Walk<'s>,
    named: Named,
    rest: std::vec::IntoIter<&'static str>,
    field: &'static str,
}

impl<'w, 's> Fields<'w, 's> {
    pub(super) fn new(
        walk: &'w mut Walk<'s>,
        named: Named,
        fields: &'static [&'static str],
    ) -> Self {
        let rest = walk.ask(named, fields).into_iter();
        Self {
            walk,
            named,
            rest,
            field: "",
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some(field) = self.rest.next() else {
            return Ok(None);
        };
        self.field = field;
        self.walk.last_field = Some((self.named, field));
        seed.deserialize(StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let down = |walk: &mut Walk<'_>| seed.deserialize(Probe(walk));
        self.walk.down(format_args!("{}", self.field), down)
    }
}

/// One variant of an enum.
pub(super) struct Variant<'w, 's> {
    walk: &'w mut Walk<'s>,
    named: Named,
}

impl<'w, 's> Variant<'w, 's> {
    pub(super) fn new(walk: &'w mut Walk<'s>, named: Named) -> Self {
        Self { walk, named }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Refusal> {
        let variant = seed.deserialize(StrDeserializer::<Refusal>::new(self.named.variant))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        self.walk.note(format_args!("unit variant"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        self.walk.note(format_args!("newtype variant"))?;
        seed.deserialize(Probe(self.walk))
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.walk.note(format_args!("tuple variant of {count}"))?;
        visitor.visit_seq(Elements::new(self.walk, count))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.walk.note(format_args!("struct variant {fields:?}"))?;
        visitor.visit_map(Fields::new(self.walk, self.named, fields))
    }
}
