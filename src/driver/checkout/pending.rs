//! A statement between its announcement and the news of it.

use super::under::Under;
use crate::{
    cache::{Engine, Receipt, Token, WriteGuard},
    driver::{ledger::Ledger, touched::Touched},
};

/// A statement on its way, and the ledger as it will be if all goes well.
pub(super) struct Pending {
    pub(super) guard: WriteGuard,
    pub(super) after: Ledger,
    /// Others will see something changed.
    pub(super) writes: bool,
    /// Definitions among it.
    pub(super) moves_definitions: bool,
}

/// A statement that has been booked.
pub(super) struct Settled {
    pub(super) receipt: Receipt,
    /// The definitions by which its writes were expanded, which held until then.
    pub(super) under: Under,
}

impl Settled {
    /// Waits until the other processes have heard of it, if they can be told in time, so that they do before the caller does.
    pub(super) async fn told(self, engine: &Engine) -> Token {
        let token = self.receipt.delivered().await;
        // With the answer to its own step this process has heard of the steps of all others before it. If definitions are
        // among them, the write may have met what the snapshot lacks.
        match self.under.holds(engine) {
            true => token,
            false => engine.invalidate_all().delivered().await,
        }
    }
}

impl Pending {
    pub(super) fn new(guard: WriteGuard, after: Ledger, visible: &Touched) -> Self {
        Pending {
            guard,
            after,
            writes: !visible.is_empty(),
            moves_definitions: visible.moves_definitions(),
        }
    }
}
