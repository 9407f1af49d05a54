//! The three servers.

use std::fmt;

/// Which database is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
    /// SQLite.
    Sqlite,
}

impl Server {
    /// All of them.
    pub const ALL: [Server; 3] = [Server::Postgres, Server::MariaDb, Server::Sqlite];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Server> {
        Server::ALL
            .into_iter()
            .find(|server| server.to_string() == name)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Server::Postgres => "postgres",
            Server::MariaDb => "mariadb",
            Server::Sqlite => "sqlite",
        })
    }
}
