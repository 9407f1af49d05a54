//! The pool as the place where responses are kept.

use std::sync::Arc;

use super::CachedPool;
use crate::{
    cache::{Consistency, Engine, WholeKey},
    driver::Front,
    http::ResponseStore,
};

impl<DB: Front> ResponseStore for CachedPool<DB> {
    fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    fn consistency(&self) -> Consistency {
        self.0.statements.terms.consistency
    }

    fn shared_key(&self, name: &str, key: &[u8]) -> Option<WholeKey> {
        self.0.home.as_ref()?.response(name, key)
    }
}
