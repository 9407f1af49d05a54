//! What `.cached(&pool)` needs in scope.

pub use crate::CacheExt as _;
