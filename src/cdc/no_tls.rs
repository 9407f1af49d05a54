//! Without the feature `cdc-tls`, or where there are no sockets in folders, the stream is not encrypted.

use super::{settings::Target, trouble::Trouble};

#[derive(Clone, Debug, Default)]
pub(crate) struct Tls(());

/// There is none.
pub(super) type Tunnel = std::convert::Infallible;

impl Tls {
    pub(crate) fn is_set(&self) -> bool {
        false
    }

    pub(super) async fn road(&self, target: &Target) -> Result<(Target, Option<Tunnel>), Trouble> {
        Ok((target.clone(), None))
    }
}
