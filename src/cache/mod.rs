//! The engine: answers reads from memory and knows when it must not.
//!
//! Promises: no result read before a write is ever served as valid after it ([`clock`] has the argument),
//! no waiter is left hanging and no invalidation is lost when a future is dropped, and every structure in
//! here is bounded.
//!
//! It knows tags, bytes and time. It must not know SQL, a database driver, Redis or HTTP; the place where
//! entries are kept is behind [`Store`].

mod cached;
pub mod clock;
mod codec;
mod engine;
mod entry;
mod flight;
mod freshness;
mod gather;
mod keep;
mod key;
mod load;
mod lookup;
mod outsiders;
mod quarantine;
mod question;
mod refresh;
mod sabotage;
mod scope;
mod settings;
mod share;
pub mod shared;
mod stamp;
mod store;
mod sync;
mod tag;
mod tasks;
mod terms;
mod time;
mod value;
mod write;

#[cfg(all(test, not(shuttle)))]
pub(crate) mod engine_tests;
#[cfg(all(test, shuttle))]
mod schedules;
#[cfg(test)]
pub(crate) mod testkit;

pub use cached::{Cached, Source};
pub use clock::{Clock, Era};
pub use codec::{DecodeError, EncodeError, Weight, decode, encode, weigh};
pub use engine::Engine;
pub use entry::{AnyEntry, Entry, Meta};
pub use freshness::Freshness;
pub use gather::{Errand, Gathered, Made};
pub use key::{Key, Params, Shape};
pub use load::Loaded;
pub use lookup::Lookup;
pub use question::{Question, WholeKey};
#[doc(hidden)]
pub use sabotage::Sabotage;
pub use scope::{Found, Scope, Unfollowed};
pub use settings::EngineSettings;
pub use shared::fidelity::Stay;
pub use shared::{FenceError, Receipt, SharedSettings, SharedTier, Token, TokenError};
pub use stamp::Stamp;
pub use store::{Store, Stored};
pub use tag::{Tag, Tags};
pub use terms::{Consistency, Mode, Terms};
#[cfg(any(test, feature = "testing"))]
pub use time::ManualTime;
pub use time::{Tick, Time};
pub use value::{Codec, Value};
pub use write::WriteGuard;

pub use crate::observe::Cause;
