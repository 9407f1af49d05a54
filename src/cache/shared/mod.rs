//! The half of the engine that several processes share: entries and clock behind [`SharedTier`].

// Not covered by semver: reachable for the fuzz target.
#[doc(hidden)]
pub mod envelope;
#[doc(hidden)]
pub mod fingerprint;
mod receipt;
mod settings;
mod tier;
mod token;

pub use receipt::Receipt;
pub use settings::SharedSettings;
pub use tier::{
    Claim, EVERYTHING, Fetched, Held, Hold, HoldReason, Reading, Session, SharedTier, Step,
    TierError, Watcher, Word, Words,
};
pub use token::{Token, TokenError};

/// A strict write could not tell the other processes that it was about to commit, so it must not.
#[derive(Clone, Debug)]
pub struct FenceError(pub(super) TierError);

impl std::fmt::Display for FenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the shared tier could not be told of a strict write: {}",
            self.0
        )
    }
}

impl std::error::Error for FenceError {}
