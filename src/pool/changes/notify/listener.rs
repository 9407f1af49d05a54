//! The two connections of a feed of notifications.

use sqlx::{
    ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use super::triggers::{self, CHANNEL};
use crate::cdc::{Cover, Ears, Notice, Trouble, Voice};

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Trouble> {
    options.connect().await.map_err(Trouble::passing)
}

/// The one that listens.
pub(crate) struct Listener {
    listener: PgListener,
    beats: String,
}

impl Listener {
    /// When this returns, what is committed from then on comes.
    pub(super) async fn open(options: &PgConnectOptions, beats: &str) -> Result<Self, Trouble> {
        // sqlx listens on the connection of a pool. One that was opened again would have missed what came in between, so it is used once.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(options.clone())
            .await
            .map_err(Trouble::passing)?;
        let listener = PgListener::connect_with(&pool).await;
        let mut listener = listener.map_err(Trouble::passing)?;
        listener.eager_reconnect(false);
        let listening = listener.listen_all([CHANNEL, beats]).await;
        listening.map_err(Trouble::passing)?;
        Ok(Self {
            listener,
            beats: beats.to_owned(),
        })
    }
}

impl Ears for Listener {
    async fn next(&mut self) -> Result<Notice, Trouble> {
        let notification = self.listener.try_recv().await.map_err(Trouble::passing)?;
        let Some(notification) = notification else {
            return Err(Trouble::passing("the listening connection was lost"));
        };
        let payload = notification.payload();
        if notification.channel() == CHANNEL {
            return Ok(Notice::Written(payload.to_owned()));
        }
        match payload.parse() {
            Ok(number) if notification.channel() == self.beats => Ok(Notice::Beat(number)),
            _ => Err(Trouble::passing("a beat that nobody sent")),
        }
    }
}

/// The one that asks. Another than the one that listens: a connection may be told of its own notifications by way of
/// an answer, which would not show that it is told of those of others.
pub(crate) struct Sender {
    connection: PgConnection,
    beats: String,
}

impl Sender {
    pub(super) async fn open(options: &PgConnectOptions, beats: &str) -> Result<Self, Trouble> {
        Ok(Self {
            connection: connect(options).await?,
            beats: beats.to_owned(),
        })
    }
}

impl Voice for Sender {
    async fn beat(&mut self, number: u64) -> Result<Cover, Trouble> {
        // Nobody depends on it after a crash, and standbys have nothing of it: it need not wait for either.
        sqlx::query(
            "SELECT pg_catalog.set_config('synchronous_commit', 'off', true), pg_catalog.pg_notify($1, $2)",
        )
        .bind(&self.beats)
        .bind(number.to_string())
        .execute(&mut self.connection)
        .await
        .map_err(Trouble::passing)?;
        triggers::cover(&mut self.connection).await
    }
}
