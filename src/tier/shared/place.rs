//! From the settings to the servers that are to be linked with.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion, Value, aio::MultiplexedConnection,
};

use super::{
    fault::Fault,
    link::Kind,
    links::number,
    map::{self, Map},
    settings::{Place, Redis},
    tls::Tls,
};
use crate::cache::shared::TierError;

/// The settings, read.
pub(super) struct Servers {
    way: Way,
    /// Servers, or sentinels, that the user has named.
    seeds: Vec<ConnectionInfo>,
    /// How to log in to servers that keep data; the address is to be filled in.
    data: ConnectionInfo,
    tls: Tls,
}

/// How servers are found.
enum Way {
    /// There is one, and it is named.
    One,
    /// Any server of the cluster knows all.
    Cluster,
    /// Sentinels know the master by this name.
    Sentinel(String),
}

impl Servers {
    /// # Errors
    /// When a URL cannot be read or the namespace is not sound. URLs are not shown: they may hold a password.
    pub(super) fn new(settings: &Redis) -> Result<Self, TierError> {
        if !settings.namespace_is_sound() {
            return Err(TierError::lasting(
                "the namespace in Redis must not be empty nor have colons, braces, spaces or control characters",
            ));
        }
        let (way, urls) = match &settings.place {
            Place::One(url) => (Way::One, std::slice::from_ref(url)),
            Place::Cluster(urls) => (Way::Cluster, &urls[..]),
            Place::Sentinel(urls, name) => (Way::Sentinel(name.clone()), &urls[..]),
        };
        let mut seeds = urls
            .iter()
            .map(|url| read(url))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(first) = seeds.first() else {
            return Err(TierError::lasting("no URL of Redis is given"));
        };
        let mut login = first.redis_settings().clone();
        if matches!(way, Way::Cluster) && login.db() != 0 {
            return Err(TierError::lasting("a Redis Cluster has no database but 0"));
        }
        if let Some(own) = &settings.login {
            login = login.set_username(&own.user).set_password(&own.password);
        }
        let data = first
            .clone()
            .set_redis_settings(login.set_protocol(ProtocolVersion::RESP3));
        if matches!(way, Way::Sentinel(_)) {
            // A sentinel has no databases, and would refuse SELECT.
            for seed in &mut seeds {
                let settings = seed.redis_settings().clone().set_db(0);
                *seed = seed.clone().set_redis_settings(settings);
            }
        }
        Ok(Self {
            way,
            seeds,
            data,
            tls: settings.tls.clone(),
        })
    }

    pub(super) fn kind(&self) -> Kind {
        match self.way {
            Way::One | Way::Sentinel(_) => Kind::Single,
            Way::Cluster => Kind::Cluster,
        }
    }

    /// In how many shards the clock is kept. Never changes for a kind: processes must agree on it.
    pub(super) fn shards(&self) -> usize {
        match self.kind() {
            Kind::Single => 1,
            Kind::Cluster => 16,
        }
    }

    pub(super) fn database(&self) -> i64 {
        self.data.redis_settings().db()
    }

    /// Finds the servers of now. `attempt` chooses whom to ask, so that one that is silent is not asked every time.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub(super) async fn find(&self, attempt: usize) -> Result<Map, Fault> {
        let seed = &self.seeds[attempt % self.seeds.len()];
        match &self.way {
            Way::One => Ok(Map::of_one(seed.addr().clone())),
            Way::Cluster => {
                let seed = seed.addr();
                let mut connection = plain(self.client(seed.clone())?).await?;
                let answer = ask(&mut connection, "CLUSTER SLOTS", &["SLOTS"]).await?;
                Map::of_cluster(&answer, seed)
            }
            Way::Sentinel(name) => {
                let client = self.tls.client(seed.clone());
                let client = client.map_err(|error| Fault::of("HELLO", &error))?;
                let words = ["GET-MASTER-ADDR-BY-NAME", name];
                let answer = ask(&mut plain(client).await?, "SENTINEL", &words).await?;
                Ok(Map::of_one(master(&answer, seed.addr(), name)?))
            }
        }
    }

    /// A client for a server that keeps data.
    pub(super) fn client(&self, server: ConnectionAddr) -> Result<Client, Fault> {
        self.tls
            .client(self.data.clone().set_addr(server))
            .map_err(|error| Fault::of("HELLO", &error))
    }
}

/// A connection for a question or two.
async fn plain(client: Client) -> Result<MultiplexedConnection, Fault> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(|error| Fault::of("HELLO", &error))
}

async fn ask(
    connection: &mut MultiplexedConnection,
    name: &str,
    words: &[&str],
) -> Result<Value, Fault> {
    let mut command = redis::cmd(name.split(' ').next().unwrap_or(name));
    command.arg(words);
    connection
        .send_packed_command(&command)
        .await
        .and_then(Value::extract_error)
        .map_err(|error| Fault::of(name, &error))
}

/// Host and port, if a sentinel knows the name.
fn master(answer: &Value, asked: &ConnectionAddr, name: &str) -> Result<ConnectionAddr, Fault> {
    let parts = match answer {
        Value::Nil => {
            return Err(Fault::lasting(format!(
                "the sentinel knows no master by the name {name:?}"
            )));
        }
        Value::Array(parts) => &parts[..],
        _ => &[],
    };
    if let [Value::BulkString(host), port] = parts
        && let Ok(host) = std::str::from_utf8(host)
        && let Some(port) = number(port).and_then(|port| u16::try_from(port).ok())
    {
        return Ok(map::at(asked, host, port));
    }
    Err(Fault::nonsense("SENTINEL"))
}

fn read(url: &str) -> Result<ConnectionInfo, TierError> {
    let tls = url.starts_with("rediss:") || url.starts_with("valkeys:");
    if tls && !Tls::IS_THERE {
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

    #[test]
    fn a_url_with_tls_names_the_feature_if_it_is_missing() {
        let settings = Redis::new("rediss://127.0.0.1");
        if Tls::IS_THERE {
            assert!(Servers::new(&settings).is_ok());
        } else {
            assert!(problem(settings).contains("redis-tls"));
        }
    }

    #[test]
    fn a_cluster_needs_a_url_and_no_database() {
        assert!(problem(Redis::cluster(Vec::<String>::new())).contains("no URL"));
        assert!(problem(Redis::cluster(["redis://127.0.0.1/3"])).contains("database"));
    }
}
