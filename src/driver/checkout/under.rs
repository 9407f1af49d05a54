//! By which definitions a connection's writes were expanded.

use std::{mem, sync::Arc};

use crate::{cache::Engine, driver::snapshot::Snapshot};

/// By which definitions uncommitted writes were expanded.
#[derive(Clone)]
pub(super) enum Under {
    Nothing,
    One(Arc<Snapshot>),
    /// By different ones.
    Several,
}

impl Under {
    pub(super) fn add(&mut self, snapshot: &Arc<Snapshot>) {
        *self = match mem::replace(self, Under::Nothing) {
            Under::Nothing => Under::One(snapshot.clone()),
            Under::One(own) if Arc::ptr_eq(&own, snapshot) => Under::One(own),
            Under::One(_) | Under::Several => Under::Several,
        };
    }

    /// Whether they hold still, and nobody is about to change them.
    pub(super) fn holds(&self, engine: &Engine) -> bool {
        match self {
            Under::Nothing => true,
            Under::One(snapshot) => engine.is_settled(&snapshot.stamp),
            Under::Several => false,
        }
    }
}
