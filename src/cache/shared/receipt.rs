//! What became of steps of the clock that other processes are to hear of.

use std::sync::Arc;

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::{Token, Word, lease::Lease, pending::Patience};
use crate::cache::Time;

/// For steps of the clock that were taken in this process, and are on their way to the others. Dropped, it changes
/// nothing: they are delivered in any case.
#[derive(Debug)]
pub struct Receipt {
    token: Token,
    waits: SmallVec<[Wait; 1]>,
}

#[derive(Debug)]
struct Wait {
    words: oneshot::Receiver<Vec<(u16, Word)>>,
    patience: Patience,
    lease: Arc<Lease>,
    time: Time,
}

impl Receipt {
    /// For a step that nobody else hears of, or not now.
    pub(in crate::cache) fn blind(origin: u64) -> Self {
        Self {
            token: Token {
                origin,
                words: None,
            },
            waits: SmallVec::new(),
        }
    }

    /// For no step at all.
    pub(super) fn nothing(origin: u64) -> Self {
        Self {
            token: Token {
                origin,
                words: Some(Vec::new()),
            },
            waits: SmallVec::new(),
        }
    }

    pub(super) fn waiting(
        origin: u64,
        words: oneshot::Receiver<Vec<(u16, Word)>>,
        patience: Patience,
        lease: Arc<Lease>,
        time: Time,
    ) -> Self {
        let mut receipt = Self::nothing(origin);
        receipt.waits.push(Wait {
            words,
            patience,
            lease,
            time,
        });
        receipt
    }

    /// The receipt for the steps of both.
    #[must_use]
    pub fn and(mut self, other: Receipt) -> Self {
        self.token.words = joined(self.token.words, other.token.words);
        self.waits.extend(other.waits);
        self
    }

    /// Waits until the other processes have been told, at most for the budget of the shared tier. What could not be told by
    /// then is told later, and the token then says that nobody can tell. Only a strict write whose hold may have expired
    /// before it took effect is waited for until it is told, however long the tier is away: until then a strict read elsewhere could
    /// miss it.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the answer, not the delivery.
    pub async fn delivered(self) -> Token {
        let mut token = self.token;
        for wait in self.waits {
            token.words = joined(token.words, wait.told().await);
        }
        token
    }
}

impl Wait {
    async fn told(self) -> Option<Vec<(u16, Word)>> {
        let Patience::Until(deadline) = self.patience else {
            return self.words.await.ok();
        };
        tokio::select! {
            biased;
            words = self.words => words.ok(),
            () = self.time.sleep(deadline.since(self.time.now())) => {
                // The next write, or read, need not find it out.
                self.lease.trip(self.time.now());
                None
            }
        }
    }
}

/// Nobody can tell of both if nobody can tell of one.
fn joined(
    one: Option<Vec<(u16, Word)>>,
    other: Option<Vec<(u16, Word)>>,
) -> Option<Vec<(u16, Word)>> {
    let (mut one, other) = one.zip(other)?;
    one.extend(other);
    Some(one)
}
