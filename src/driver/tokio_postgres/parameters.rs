//! Arguments, encoded when they are given, by the types that the server expects.

use std::{fmt, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use super::Error;
use crate::{
    cache::Params,
    driver::{
        front::Values,
        postgres::values::{Kind, NULL},
    },
};

/// Types and values, owned. Not `Debug`: it holds bound values.
#[derive(Clone)]
pub(super) struct Encoded {
    types: Arc<[Type]>,
    /// For each value its format, its length and its bytes.
    values: Bytes,
}

/// How the bytes of a value are written.
const BINARY: u8 = 0;
const TEXT: u8 = 1;

impl Encoded {
    /// Encodes arguments.
    ///
    /// # Errors
    /// As the driver's own verbs: another number of them, or one that is not of its type.
    pub(super) fn new(types: &Arc<[Type]>, params: &[&(dyn ToSql + Sync)]) -> Result<Self, Error> {
        if params.len() != types.len() {
            return Err(Error::Arguments {
                given: params.len(),
                expected: types.len(),
            });
        }
        let mut values = BytesMut::with_capacity(16 * params.len());
        for (index, (param, kind)) in params.iter().zip(&**types).enumerate() {
            let at = values.len();
            values.put_u8(match param.encode_format(kind) {
                Format::Text => TEXT,
                Format::Binary => BINARY,
            });
            values.put_i32(NULL);
            let start = values.len();
            let is_null = param
                .to_sql_checked(kind, &mut values)
                .map_err(|source| Error::Argument { index, source })?;
            // A `ToSql` of somebody's may take away what is not its own.
            let length = values.len().checked_sub(start);
            let length = length.and_then(|length| i32::try_from(length).ok());
            let length = length.ok_or_else(|| Error::Argument {
                index,
                source: "no such length".into(),
            })?;
            match is_null {
                IsNull::Yes => values.truncate(start),
                IsNull::No => values[at + 1..start].copy_from_slice(&length.to_be_bytes()),
            }
        }
        Ok(Self {
            types: types.clone(),
            values: values.freeze(),
        })
    }

    pub(super) fn types(&self) -> &[Type] {
        &self.types
    }

    /// Writes types and values into a key, so that no two lists of them have the same bytes, and what follows is kept apart.
    #[inline]
    pub(super) fn write(&self, key: &mut Params) {
        // Types stand for themselves by their number, those of the user's own as long as the definitions hold.
        key.extend_from_slice(&(self.types.len() as u64).to_le_bytes());
        for kind in &*self.types {
            key.extend_from_slice(&kind.oid().to_le_bytes());
        }
        key.extend_from_slice(&self.values);
    }

    /// What is known of each value.
    pub(super) fn values(&self) -> Values {
        let types = self.types.iter();
        let value = |(kind, bound): (&Type, Bound)| match bound {
            Bound {
                format: BINARY,
                bytes: Some(bytes),
            } => of(kind).value(&bytes),
            _ => None,
        };
        types.zip(self.each()).map(value).collect()
    }

    /// The values, to be sent as these types.
    pub(super) fn bound(&self) -> Vec<(Bound, Type)> {
        self.each().zip(self.types.iter().cloned()).collect()
    }

    fn each(&self) -> impl Iterator<Item = Bound> {
        let mut rest = self.values.clone();
        self.types.iter().map(move |_| {
            let head = rest.split_to(5);
            let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            Bound {
                format: head[0],
                bytes: usize::try_from(length)
                    .ok()
                    .map(|length| rest.split_to(length)),
            }
        })
    }
}

/// What a type's values are compared as.
fn of(kind: &Type) -> Kind {
    match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 => Kind::Integer,
        Type::BOOL => Kind::Bool,
        Type::TEXT | Type::VARCHAR => Kind::Text,
        Type::UUID => Kind::Uuid,
        Type::DATE => Kind::Date,
        _ => Kind::Other,
    }
}

/// A value that has been encoded; of whatever type it was encoded for.
pub(super) struct Bound {
    format: u8,
    bytes: Option<Bytes>,
}

impl ToSql for Bound {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.bytes {
            None => IsNull::Yes,
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.format {
            TEXT => Format::Text,
            _ => Format::Binary,
        }
    }

    tokio_postgres::types::to_sql_checked!();
}

impl fmt::Debug for Bound {
    /// Leaves the value out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
