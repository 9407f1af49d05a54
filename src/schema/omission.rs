//! Kinds of expansion that a test can leave out, to show that it notices.

/// Kinds of expansion that are left out, so that a test can show that it notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted(pub(crate) Option<Omission>);

/// A kind of expansion. Not covered by semver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Omission {
    Cascades,
    Triggers,
    Rules,
    Columns,
    Views,
    Inheritance,
    Functions,
    /// Bare names are not looked for on the path: each schema's first table of the name is taken.
    Resolution,
    RowSecurity,
    /// Temporary tables hide nothing.
    Temporary,
    /// Every write is taken for one of the rows of the first key alone.
    Rows,
}

impl Omitted {
    pub(super) fn is(self, omission: Omission) -> bool {
        self.0 == Some(omission)
    }
}
