//! What the tests stand on: services on ports of their own, handlers that say what they are told to, and cases.

mod case;
mod origin;
mod site;

pub(crate) use case::{Case, case, hold, minute, seconds};
pub(crate) use origin::{Answer, Asked, Frames, Origin, seen};
pub(crate) use site::{Reply, SOON, Site};
