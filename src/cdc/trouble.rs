//! Why a feed does not run.

use std::fmt;

/// What went wrong, in words for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) problem: String,
    pub(crate) kind: Kind,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Trying again may do.
    Passing,
    /// Somebody must mend it, by this.
    Lasting(String),
    /// Another session has what this one wants. One at a time is meant to.
    Taken,
    /// What came was no message.
    Malformed,
}

impl Trouble {
    pub(crate) fn passing(problem: impl fmt::Display) -> Self {
        Self {
            problem: problem.to_string(),
            kind: Kind::Passing,
        }
    }

    pub(crate) fn lasting(problem: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.to_string(),
            kind: Kind::Lasting(remedy.into()),
        }
    }

    /// The pool is, so that nobody wants to hear.
    pub(super) fn gone() -> Self {
        Self::passing("the pool is gone")
    }

    /// What is wrong, and what helps.
    pub(crate) fn told(self) -> (String, Option<String>) {
        match self.kind {
            Kind::Lasting(remedy) => (self.problem, Some(remedy)),
            Kind::Passing | Kind::Taken | Kind::Malformed => (self.problem, None),
        }
    }

    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "a file sends no messages")
    )]
    pub(super) fn malformed(problem: impl fmt::Display) -> Self {
        Self {
            problem: problem.to_string(),
            kind: Kind::Malformed,
        }
    }

    /// What the server refused, with what helps. `message` holds the SQLSTATE, by which it is told (PostgreSQL manual,
    /// appendix A).
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "a file refuses nothing")
    )]
    pub(super) fn refused(message: &str, user: &str) -> Self {
        let remedies = [
            // Insufficient privilege.
            ("42501", format!("ALTER ROLE \"{user}\" REPLICATION")),
            // Configuration limit exceeded: no free slot.
            (
                "53400",
                "ALTER SYSTEM SET max_replication_slots = …, and restart the server".into(),
            ),
            // Too many connections, of the kind that replicate.
            (
                "53300",
                "ALTER SYSTEM SET max_wal_senders = …, and restart the server".into(),
            ),
            // Object not in prerequisite state.
            (
                "55000",
                "ALTER SYSTEM SET wal_level = 'logical', and restart the server".into(),
            ),
        ];
        let state = |code: &str| message.contains(&format!("SQLSTATE {code}"));
        // Duplicate object, and object in use: the name of a slot.
        if state("42710") || state("55006") {
            return Self {
                problem: message.to_owned(),
                kind: Kind::Taken,
            };
        }
        match remedies.into_iter().find(|(code, _)| state(code)) {
            Some((_, remedy)) => Self::lasting(message, remedy),
            None => Self::passing(message),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match &self.kind {
            Kind::Lasting(remedy) => write!(f, "; this helps: {remedy}"),
            Kind::Passing | Kind::Taken | Kind::Malformed => Ok(()),
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_must_mend_names_the_statement() {
        let refused = |message| Trouble::refused(message, "app").to_string();
        let role = refused("permission denied to use replication slots (SQLSTATE 42501)");
        assert!(role.contains("ALTER ROLE \"app\" REPLICATION"), "{role}");
        let slots = refused("all replication slots are in use (SQLSTATE 53400)");
        assert!(slots.contains("max_replication_slots"), "{slots}");
        let busy = Trouble::refused("the database system is starting up (SQLSTATE 57P03)", "app");
        assert_eq!(busy.kind, Kind::Passing);
        let taken = "replication slot \"cachedpool_1\" already exists (SQLSTATE 42710)";
        assert_eq!(Trouble::refused(taken, "app").kind, Kind::Taken);
    }
}
