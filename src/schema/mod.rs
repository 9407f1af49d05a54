//! What the text of a statement cannot show: the graph of relations, as the database's catalog has it.
//!
//! Promises that the expansion of a write holds every relation that the write can change by way of cascades, triggers,
//! rules, views and partitions, and that of a read every relation behind the views and functions it names; or says that it
//! cannot tell. Loaded by one file a database, each of which asks its questions through [`CatalogReader`].
//!
//! Must not know: a pool, a cache, a driver.

#[cfg_attr(
    not(all(feature = "_postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, reason = "no database has all of the nouns")
)]
mod canonical;
#[cfg_attr(
    not(all(feature = "_postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, reason = "no database has all of the nouns")
)]
pub(crate) mod catalog;
mod code;
mod declare;
mod expand;
mod face;
mod graph;
mod implied;
#[cfg(all(feature = "testing", feature = "_sqlx"))]
mod listing;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
mod names;
mod needs;
mod omission;
mod path;
#[cfg(feature = "_postgres")]
pub(crate) mod postgres;
mod reader;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod rows;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

pub(crate) use canonical::{Canonical, ColumnKind};
pub(crate) use catalog::Catalog;
pub use catalog::RelationKind;
pub(crate) use declare::{Declarations, DeclaredTrigger, Misnamed};
pub(crate) use expand::{Reach, Target, Via};
pub use face::{Effects, RelationInfo, Schema};
pub(crate) use graph::{Graph, Key, Node, title};
pub(crate) use needs::Needs;
#[cfg(feature = "testing")]
pub use omission::Omission;
pub(crate) use omission::Omitted;
pub(crate) use path::path;
pub(crate) use reader::{CatalogReader, LoadError, Record};
