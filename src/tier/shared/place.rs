//! From the settings to the servers that are to be linked with.

use redis::{ConnectionInfo, IntoConnectionInfo};

use super::{
    fault::Fault,
    link::Kind,
    settings::{Place, Redis},
};
use crate::cache::shared::TierError;

/// The settings, read.
pub(super) struct Servers {
    kind: Kind,
    seeds: Vec<ConnectionInfo>,
}

/// The servers of one moment, and which of them keeps what.
pub(super) struct Map {
    pub(super) servers: Vec<ConnectionInfo>,
}

impl Servers {
    /// # Errors
    /// When a URL cannot be read or the namespace is not sound. Neither is shown: a URL may hold a password.
    pub(super) fn new(settings: &Redis) -> Result<Self, TierError> {
        if !settings.namespace_is_sound() {
            return Err(TierError::lasting(
                "the namespace in Redis must not be empty nor have colons, braces, spaces or control characters",
            ));
        }
        let (kind, urls) = match &settings.place {
            Place::One(url) => (Kind::Single, std::slice::from_ref(url)),
        };
        let seeds = urls.iter().map(|url| read(url)).collect::<Result<_, _>>()?;
        Ok(Self { kind, seeds })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// In how many shards the clock is kept.
    pub(super) fn shards(&self) -> usize {
        match self.kind {
            Kind::Single => 1,
        }
    }

    pub(super) fn database(&self) -> i64 {
        self.seeds
            .first()
            .map_or(0, |seed| seed.redis_settings().db())
    }

    /// Finds the servers of now.
    pub(super) async fn find(&self) -> Result<Map, Fault> {
        match self.kind {
            Kind::Single => Ok(Map {
                servers: self.seeds.clone(),
            }),
        }
    }
}

fn read(url: &str) -> Result<ConnectionInfo, TierError> {
    let tls = url.starts_with("rediss:") || url.starts_with("valkeys:");
    if tls && !cfg!(feature = "redis-tls") {
        return Err(TierError::lasting(
            "the URL of Redis asks for TLS: switch on cachedpool's feature `redis-tls`",
        ));
    }
    url.into_connection_info().map_err(|error| {
        TierError::lasting(format!(
            "the URL of Redis cannot be read ({}); it looks like redis://user:password@host:6379/0",
            error.category()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(settings: Redis) -> String {
        let error = Servers::new(&settings).err().unwrap();
        assert!(error.is_lasting());
        error.to_string()
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_shown() {
        for url in [
            "redis://:hunter2@",
            "http://u:hunter2@host",
            "hunter2",
            "redis://u:hunter2@host/x",
        ] {
            assert!(!problem(Redis::new(url)).contains("hunter2"), "{url}");
            assert!(
                !format!("{:?}", Redis::new(url)).contains("hunter2"),
                "{url}"
            );
        }
    }

    #[test]
    fn a_namespace_that_could_meet_another_is_refused() {
        for namespace in ["", "a:b", "a{b}", "a b", "a\n"] {
            let settings = Redis::new("redis://127.0.0.1").namespace(namespace);
            assert!(problem(settings).contains("namespace"), "{namespace:?}");
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn a_url_with_tls_names_the_feature_that_is_missing() {
        assert!(problem(Redis::new("rediss://127.0.0.1")).contains("redis-tls"));
    }
}
