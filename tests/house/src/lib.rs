//! The rules of the house that no compiler knows, as functions from text to findings.
//!
//! Promises: a rule reads text and answers with what breaks it, so that each can be shown to find something (the unit
//! tests beside it) before it is held over the repository (`tests/repository.rs`). Exceptions stand in `data/`, each with
//! its reason, and one that nothing needs any more is a finding as well.
//!
//! Must not know: `cachedpool`'s code. It is read as text and as cargo's metadata.

pub mod arrows;
pub mod dependencies;
pub mod exceptions;
pub mod hosts;
pub mod licence;
pub mod links;
pub mod places;
pub mod repository;
pub mod rust;
pub mod shape;
