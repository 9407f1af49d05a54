//! How to reach Redis, as a value.

use std::fmt;

/// A Redis that processes share: where it is, how to log in, and under which names things are kept.
///
/// Valkey is spoken to in the same way. [docs/redis.md](https://docs.rs/crate/cachedpool/latest/source/docs/redis.md) says
/// what the server must be and allow.
#[derive(Clone)]
pub struct Redis {
    pub(super) place: Place,
    pub(super) namespace: String,
}

/// Where the servers are.
#[derive(Clone)]
pub(super) enum Place {
    /// One server.
    One(String),
}

impl Redis {
    /// One server: `redis://user:password@host:port/database`, or `unix:///path/of/socket`.
    ///
    /// The URL is looked at when the tier is made.
    pub fn new(url: impl Into<String>) -> Self {
        Self::at(Place::One(url.into()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            namespace: "cachedpool".to_owned(),
        }
    }

    /// Applications, and databases, that share a Redis and are not to share results have different namespaces. Without one
    /// it is `cachedpool`. It has no braces, colons, spaces or control characters.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Whether the namespace keeps its names apart from those of others.
    pub(super) fn namespace_is_sound(&self) -> bool {
        let foreign = |c: char| c.is_control() || c.is_whitespace() || ":{}".contains(c);
        !self.namespace.is_empty() && !self.namespace.contains(foreign)
    }
}

impl From<&str> for Redis {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Redis {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Redis {
    /// Leaves the URL out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field(
                "place",
                &match self.place {
                    Place::One(_) => "one server",
                },
            )
            .field("namespace", &self.namespace)
            .finish()
    }
}
