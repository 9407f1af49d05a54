//! Types among processes: a built-in one by its number, any other by all that the driver knows of it.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::{Field, Kind, Oid, Type};

/// A type, described.
#[derive(Serialize, Deserialize)]
pub(super) struct Described {
    oid: Oid,
    own: Option<Box<Own>>,
}

/// A type that is not built in.
#[derive(Serialize, Deserialize)]
struct Own {
    schema: String,
    name: String,
    nature: Nature,
}

#[derive(Serialize, Deserialize)]
enum Nature {
    Simple,
    Pseudo,
    Enum(Vec<String>),
    Array(Described),
    Range(Described),
    Multirange(Described),
    Domain(Described),
    Composite(Vec<(String, Described)>),
}

/// The most types that one is described by. A type that holds another in two of its fields holds it twice here, so that a few
/// dozen could otherwise become more than fit in memory.
const MOST: usize = 1 << 12;

impl Described {
    /// Describes a type; `None` if it is of a kind that is not known here, or too large.
    pub(super) fn of(kind: &Type) -> Option<Self> {
        let mut left = MOST;
        Self::within(kind, &mut left)
    }

    fn within(kind: &Type, left: &mut usize) -> Option<Self> {
        *left = left.checked_sub(1)?;
        let oid = kind.oid();
        if Type::from_oid(oid).is_some() {
            return Some(Self { oid, own: None });
        }
        let nature = match kind.kind() {
            Kind::Simple => Nature::Simple,
            Kind::Pseudo => Nature::Pseudo,
            Kind::Enum(words) => Nature::Enum(words.clone()),
            Kind::Array(of) => Nature::Array(Self::within(of, left)?),
            Kind::Range(of) => Nature::Range(Self::within(of, left)?),
            Kind::Multirange(of) => Nature::Multirange(Self::within(of, left)?),
            Kind::Domain(of) => Nature::Domain(Self::within(of, left)?),
            Kind::Composite(fields) => {
                let field =
                    |field: &Field| Some((field.name().into(), Self::within(field.type_(), left)?));
                Nature::Composite(fields.iter().map(field).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let own = Own {
            schema: kind.schema().into(),
            name: kind.name().into(),
            nature,
        };
        Some(Self {
            oid,
            own: Some(Box::new(own)),
        })
    }

    pub(super) fn into_type(self) -> Option<Type> {
        let Some(own) = self.own else {
            return Type::from_oid(self.oid);
        };
        let kind = match own.nature {
            Nature::Simple => Kind::Simple,
            Nature::Pseudo => Kind::Pseudo,
            Nature::Enum(words) => Kind::Enum(words),
            Nature::Array(of) => Kind::Array(of.into_type()?),
            Nature::Range(of) => Kind::Range(of.into_type()?),
            Nature::Multirange(of) => Kind::Multirange(of.into_type()?),
            Nature::Domain(of) => Kind::Domain(of.into_type()?),
            Nature::Composite(fields) => {
                let field =
                    |(name, kind): (String, Self)| Some(Field::new(name, kind.into_type()?));
                Kind::Composite(fields.into_iter().map(field).collect::<Option<_>>()?)
            }
        };
        Some(Type::new(own.name, self.oid, kind, own.schema))
    }
}
