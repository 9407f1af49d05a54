//! How to reach Redis, as a value.

use std::fmt;

use super::tls::Tls;

/// A Redis that processes share: where it is, how to log in, and under which names things are kept.
///
/// Valkey is spoken to in the same way. [docs/redis.md](https://docs.rs/crate/cachedpool/latest/source/docs/redis.md) says
/// what the server must be and allow.
///
/// URLs are looked at when the tier is made: `redis://user:password@host:port/database`, `rediss://…` for TLS (feature
/// `redis-tls`), `unix:///path/of/socket`.
#[derive(Clone)]
pub struct Redis {
    pub(super) place: Place,
    pub(super) namespace: String,
    pub(super) login: Option<Login>,
    pub(super) tls: Tls,
}

/// Where the servers are.
#[derive(Clone)]
pub(super) enum Place {
    /// One server.
    One(String),
    /// A cluster, of which some servers are known.
    Cluster(Vec<String>),
    /// The master that these sentinels know by this name.
    Sentinel(Vec<String>, String),
}

/// Name and password.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl Redis {
    /// One server.
    pub fn new(url: impl Into<String>) -> Self {
        Self::at(Place::One(url.into()))
    }

    /// A Redis Cluster, found through any of these servers. Entries are spread over all of its masters, and so is the clock.
    pub fn cluster<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Self {
        Self::at(Place::Cluster(urls.into_iter().map(Into::into).collect()))
    }

    /// The server that these sentinels name as the master of `name`. User and password of the URLs are for the
    /// sentinels and, unless [`login`](Self::login) says otherwise, for the master as well; its database is that of the URLs.
    pub fn sentinel<U: Into<String>>(
        urls: impl IntoIterator<Item = U>,
        name: impl Into<String>,
    ) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        Self::at(Place::Sentinel(urls, name.into()))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            namespace: "cachedpool".to_owned(),
            login: None,
            tls: Tls::default(),
        }
    }

    /// Applications, and databases, that share a Redis and are not to share results have different namespaces. Without one
    /// it is `cachedpool`. It has no braces, colons, spaces or control characters.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// User and password for the servers that keep data, in the place of what the URLs say.
    #[must_use]
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some(Login {
            user: user.into(),
            password: password.into(),
        });
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
    /// Leaves out what may hold a password: the URLs too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::One(_) => "one server".to_owned(),
            Place::Cluster(_) => "a cluster".to_owned(),
            Place::Sentinel(_, name) => format!("the master of {name:?}"),
        };
        f.debug_struct("Redis")
            .field("place", &format_args!("{place}"))
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
