//! What went wrong with Redis, in words that say what to mend.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::cache::shared::TierError;

/// A failure, and what becomes of the links after it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: TierError,
    pub(super) then: Then,
}

/// What becomes of the links after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// They are as good as before.
    Keep,
    /// They are as good as before; the key is on its way from one server to another.
    Wait,
    /// Some key has another server now: the next beat asks where everything is.
    Locate,
    /// A link is broken, or its server is no longer the one to ask.
    Relink,
}

impl Fault {
    pub(super) fn lasting(problem: impl Into<String>) -> Self {
        Self {
            error: TierError::lasting(problem.into()),
            then: Then::Keep,
        }
    }

    fn refused(problem: impl Into<String>) -> Self {
        Self {
            error: TierError::passing(problem.into()),
            then: Then::Keep,
        }
    }

    /// What the server is, or how it is reached, has changed: linked anew, it may work.
    pub(super) fn broken(problem: impl Into<String>) -> Self {
        Self {
            error: TierError::passing(problem.into()),
            then: Then::Relink,
        }
    }

    /// Others write faster than one can read.
    pub(super) fn unsettled() -> Self {
        Self::refused("the clock in Redis is never found at rest")
    }

    /// An answer that none of the commands used can give.
    pub(super) fn nonsense(command: &str) -> Self {
        Self::broken(format!(
            "Redis answered {command} with something unexpected"
        ))
    }

    /// What `command` has failed with.
    pub(super) fn of(command: &str, error: &RedisError) -> Self {
        let detail = error.detail().unwrap_or_default();
        match (error.kind(), error.code().unwrap_or_default()) {
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) => Self::forbidden(command, detail),
            (_, "ERR") if is_about_permission(detail) => Self::forbidden(command, detail),
            (ErrorKind::AuthenticationFailed, _) | (_, "WRONGPASS") => Self::lasting(
                "Redis refused the login: wrong user or password, or none is set there",
            ),
            (_, "NOAUTH") => Self::lasting("Redis wants a user and a password"),
            (ErrorKind::RESP3NotSupported, _) => Self::lasting(TOO_OLD),
            (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => {
                Self::broken("Redis is a replica and takes no writes")
            }
            (ErrorKind::Server(ServerErrorKind::BusyLoading), _) => {
                Self::broken("Redis is still loading its data")
            }
            (
                ErrorKind::Server(
                    ServerErrorKind::Moved
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown,
                ),
                code,
            ) => Self {
                then: Then::Locate,
                ..Self::refused(format!("the Redis Cluster has changed ({code})"))
            },
            (ErrorKind::Server(ServerErrorKind::Ask | ServerErrorKind::TryAgain), code) => Self {
                then: Then::Wait,
                ..Self::refused(format!("the Redis Cluster is changing ({code})"))
            },
            (_, "OOM") => Self::refused(format!(
                "Redis refused {command}: its memory (maxmemory) is full and nothing may be evicted"
            )),
            (_, "MISCONF") => Self::refused(format!(
                "Redis refused {command}: it cannot save to its disk and takes no writes (MISCONF)"
            )),
            (_, "NOREPLICAS") => Self::refused(format!(
                "Redis refused {command}: too few replicas follow it (min-replicas-to-write)"
            )),
            (_, "ERR") if detail.starts_with("unknown command") => Self::lasting(format!(
                "Redis does not know {command}: it was renamed there, or the server is too old (6.2 is needed)"
            )),
            (ErrorKind::Server(_) | ErrorKind::Extension, code) => {
                Self::refused(format!("Redis refused {command}: {code} {detail}"))
            }
            _ => Self::broken(format!("Redis is away ({command}: {error})")),
        }
    }

    fn forbidden(command: &str, detail: &str) -> Self {
        let missing = if detail.contains("channel") {
            "the channels of the namespace (&NAMESPACE:*)".to_owned()
        } else if detail.contains("a key") || detail.contains("keys") {
            "the keys of the namespace (~NAMESPACE:*)".to_owned()
        } else {
            // In a script the command is the script's, not the one that called it.
            let command = detail.split('\'').nth(1).unwrap_or(command);
            format!("+{}", command.to_lowercase())
        };
        Self::lasting(format!("Redis refused {command}: its user needs {missing}"))
    }
}

/// What a server below 6.2 is told.
pub(super) const TOO_OLD: &str = "Redis is too old: 6.2 or newer is needed, or any Valkey";

/// In a script Redis 7 and newer report a missing permission as an error like others.
fn is_about_permission(detail: &str) -> bool {
    detail.contains("ACL failure in script") || detail.contains("can't run this command")
}
