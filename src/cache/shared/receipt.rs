//! What became of steps of the clock that other processes are to hear of.

use super::Token;

/// For steps of the clock that were taken in this process, and are on their way to the others.
#[derive(Debug)]
pub struct Receipt(Token);

impl Receipt {
    pub(in crate::cache) fn blind(origin: u64) -> Self {
        Self(Token {
            origin,
            words: None,
        })
    }

    /// The receipt for the steps of both.
    pub fn and(self, _other: Receipt) -> Self {
        self
    }

    /// Waits until the other processes have been told, at most for the budget of the shared tier. What could not be told by
    /// then is told later.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the answer, not the delivery.
    pub async fn delivered(self) -> Token {
        self.0
    }
}
