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
}

impl Sabotage {
    #[inline]
    pub(super) const fn ignores_stamps(self) -> bool {
        match self {
            Self::None => false,
            #[cfg(any(test, feature = "testing"))]
            Self::IgnoreStamps => true,
            #[cfg(any(test, feature = "testing"))]
            Self::StampAfterLoad => false,
        }
    }

    pub(super) const fn stamps_after_load(self) -> bool {
        match self {
            Self::None => false,
            #[cfg(any(test, feature = "testing"))]
            Self::IgnoreStamps => false,
            #[cfg(any(test, feature = "testing"))]
            Self::StampAfterLoad => true,
        }
    }
}
