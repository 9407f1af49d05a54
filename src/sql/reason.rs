//! Reasons in words, for people (`Display`) and for metrics (`label`). No literal of the text is in either.

use std::fmt;

use super::facts::Reason;

impl Reason {
    /// A short stable name, for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotARead => "not_a_read",
            Self::Unparsed => "unparsed",
            Self::SeveralStatements => "several_statements",
            Self::VolatileFunction(_) => "volatile_function",
            Self::TimeDependent(_) => "time_dependent",
            Self::SessionDependent(_) => "session_dependent",
            Self::UnknownFunction(_) => "unknown_function",
            Self::LocksRows => "locks_rows",
            Self::ModifyingCte => "modifying_cte",
            Self::SelectInto => "select_into",
            Self::SystemCatalog(_) => "system_catalog",
            Self::SystemColumn(_) => "system_column",
            Self::Sampled => "sampled",
            Self::TemporaryTable(_) => "temporary_table",
            Self::Explain => "explain",
            Self::Show => "show",
            Self::Cursor => "cursor",
            Self::Notification => "notification",
            Self::NoTable => "no_table",
            Self::HintOff => "hint_off",
            Self::CustomOperator(_) => "custom_operator",
            Self::ExecutableComment => "executable_comment",
            Self::UnknownRelation(_) => "unknown_relation",
            Self::ForeignTable(_) => "foreign_table",
            Self::UnloggedTable(_) => "unlogged_table",
            Self::RowSecurity(_) => "row_security",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARead => f.write_str("it is not a read"),
            Self::Unparsed => f.write_str("the SQL parser cannot read it"),
            Self::SeveralStatements => f.write_str("it holds several statements"),
            Self::VolatileFunction(name) => write!(
                f,
                "it calls `{name}`, whose result can differ from call to call"
            ),
            Self::TimeDependent(name) => write!(f, "`{name}` depends on the time"),
            Self::SessionDependent(name) => write!(f, "`{name}` depends on the session"),
            Self::UnknownFunction(name) => {
                write!(
                    f,
                    "it calls `{name}`, which is neither a known built-in function nor declared"
                )
            }
            Self::LocksRows => f.write_str("it locks rows"),
            Self::ModifyingCte => f.write_str("one of its CTEs changes data"),
            Self::SelectInto => f.write_str("it is a SELECT … INTO"),
            Self::SystemCatalog(name) => write!(f, "it reads the system catalog through `{name}`"),
            Self::SystemColumn(name) => write!(f, "it reads the system column `{name}`"),
            Self::Sampled => f.write_str("it reads a random sample"),
            Self::TemporaryTable(name) => write!(f, "it reads the temporary table `{name}`"),
            Self::Explain => f.write_str("it is an EXPLAIN"),
            Self::Show => f.write_str("it shows the state of the server"),
            Self::Cursor => f.write_str("it works with a cursor"),
            Self::Notification => f.write_str("it works with notifications"),
            Self::NoTable => f.write_str("it calls functions and reads no table"),
            Self::HintOff => f.write_str("its own hint says `off`"),
            Self::CustomOperator(name) => write!(f, "the operator `{name}` is not built in"),
            Self::UnknownRelation(name) => {
                write!(f, "`{name}` is not in the catalog as it was read last")
            }
            Self::ForeignTable(name) => write!(f, "the rows of `{name}` are elsewhere"),
            Self::UnloggedTable(name) => {
                write!(f, "`{name}` is unlogged: a crash of the server empties it")
            }
            Self::RowSecurity(name) => write!(
                f,
                "`{name}` has row-level security and the read has no scope"
            ),
            Self::ExecutableComment => f.write_str("it holds an executable comment"),
        }
    }
}
