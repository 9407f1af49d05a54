//! Values of which it can be told whether the database takes them for equal.

/// How the values of a column are compared, as far as that can be done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ColumnKind {
    /// An integer between these bounds.
    Integer { min: i64, max: i64 },
    /// Text that is equal if its bytes are, of at most so many characters.
    Text { max_chars: Option<u32> },
    /// A UUID.
    Uuid,
    /// A truth value.
    Bool,
    /// A day.
    Date,
    /// Anything else: two spellings of one value can differ, or two values be equal.
    Other,
}

/// A value in the one form that all equal values have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Canonical {
    /// An integer of any width.
    Integer(i64),
    /// Text.
    Text(Box<str>),
    /// A UUID.
    Uuid([u8; 16]),
    /// A truth value.
    Bool(bool),
    /// Days since 2000-01-01.
    Date(i32),
}
