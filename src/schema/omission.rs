//! Kinds of expansion that a test can leave out, to show that it notices.

/// Kinds of expansion that are left out, so that a test can show that it notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted(pub(crate) Option<Omission>);

/// A kind of expansion. Not covered by semver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
#[cfg_attr(
    not(feature = "testing"),
    expect(unreachable_pub, reason = "only tests leave something out")
)]
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
    /// Temporary tables hide nothing, and connections with some go back to the pool.
    Temporary,
    /// A write that tells its rows by one key leaves readers by the other keys alone.
    Rows,
}

impl Omitted {
    pub(crate) fn is(self, omission: Omission) -> bool {
        self.0 == Some(omission)
    }
}
