//! A stream that was recorded, taken at once: for measurements alone.

use super::{
    changes::Changes,
    pgoutput::{Malformed, decode},
    transaction::Collector,
};
use crate::cache::Engine;

/// Moves the clock for each transaction of `messages`, and says how many there were.
///
/// # Errors
/// If they are no stream.
pub(crate) fn replay<'m>(
    engine: &Engine,
    changes: &dyn Changes,
    messages: impl IntoIterator<Item = &'m [u8]>,
) -> Result<u64, Malformed> {
    let (mut collector, mut count) = (Collector::default(), 0);
    for bytes in messages {
        let message = decode(bytes, collector.place())?;
        if let Some(committed) = collector.take(message, changes)? {
            let tags = committed.touched.tags(|noted| engine.is_settled(noted));
            engine.changed(&tags);
            count += 1;
        }
    }
    Ok(count)
}
