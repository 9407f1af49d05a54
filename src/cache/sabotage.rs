//! Switches that break a mechanism on purpose, so that a test can show that it notices.
//!
//! Without the feature `testing` there is one variant, and every question below is a constant.

/// What is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// Nothing.
    #[default]
    None,
    /// Entries are served whether or not their stamp still equals the clock.
    #[cfg(any(test, feature = "testing"))]
    IgnoreStamps,
    /// The stamp is noted after the load instead of before it.
    #[cfg(any(test, feature = "testing"))]
    StampAfterLoad,
    /// Memory answers although the lease has ended.
    #[cfg(any(test, feature = "testing"))]
    IgnoreLease,
    /// It answers although the writes of those who bypass the pool are not heard.
    #[cfg(any(test, feature = "testing"))]
    IgnoreOutsiders,
    /// Who follows the changes for all says so before the shared clock has moved.
    #[cfg(any(test, feature = "testing"))]
    VouchEarly,
    /// Strict writes hold nothing.
    #[cfg(any(test, feature = "testing"))]
    SkipFence,
    /// Shared words are equal if their versions are, whatever their epochs.
    #[cfg(any(test, feature = "testing"))]
    IgnoreEpoch,
    /// What others changed does not move the clock.
    #[cfg(any(test, feature = "testing"))]
    IgnoreChanges,
    /// The beginning of a stream of changes is not taken for a change of everything.
    #[cfg(any(test, feature = "testing"))]
    SkipBeginning,
}

/// One question for each switch: whether the mechanism is broken.
macro_rules! questions {
    ($($question:ident: $Switch:ident;)+) => {
        impl Sabotage {
            $(
                #[inline]
                pub(super) const fn $question(self) -> bool {
                    #[cfg(any(test, feature = "testing"))]
                    return matches!(self, Self::$Switch);
                    #[cfg(not(any(test, feature = "testing")))]
                    false
                }
            )+
        }
    };
}

questions! {
    ignores_stamps: IgnoreStamps;
    stamps_after_load: StampAfterLoad;
    ignores_lease: IgnoreLease;
    ignores_outsiders: IgnoreOutsiders;
    vouches_early: VouchEarly;
    skips_fences: SkipFence;
    ignores_epochs: IgnoreEpoch;
    ignores_changes: IgnoreChanges;
    skips_beginnings: SkipBeginning;
}
