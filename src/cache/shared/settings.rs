//! What an engine can be told about its shared tier.

use std::time::Duration;

/// Settings of the shared half of an engine.
#[derive(Clone)]
#[non_exhaustive]
pub struct SharedSettings {
    /// The longest that this process answers from its memory without a sign that it hears of the others' writes.
    pub max_staleness: Duration,
    /// What one read or write spends on waiting for the tier, at most.
    pub budget: Duration,
    /// Strict: writes hold their slots in the tier before they are committed.
    pub fences: bool,
    /// How long such a hold lasts if its writer dies. Writers that live prolong it.
    pub fence: Duration,
    /// For how long one process alone may load a key for all; `None`: each loads for itself.
    pub claim: Option<Duration>,
    /// Keys for the payloads: the first one seals, all of them open. None: payloads are not encrypted.
    pub secrets: Vec<[u8; 32]>,
}

impl Default for SharedSettings {
    /// A staleness of at most 1 s, a budget of 50 ms, no fences (10 s if they are switched on), no claims, no encryption.
    fn default() -> Self {
        Self {
            max_staleness: Duration::from_secs(1),
            budget: Duration::from_millis(50),
            fences: false,
            fence: Duration::from_secs(10),
            claim: None,
            secrets: Vec::new(),
        }
    }
}

impl std::fmt::Debug for SharedSettings {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSettings")
            .field("max_staleness", &self.max_staleness)
            .field("budget", &self.budget)
            .field("fences", &self.fences)
            .field("fence", &self.fence)
            .field("claim", &self.claim)
            .finish_non_exhaustive()
    }
}
