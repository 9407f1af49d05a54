//! The connection to the server: the only place that knows the crate `pgwire-replication`.

use std::time::Duration;

use bytes::Bytes;
use pgwire_replication::{
    Lsn, PgWireError, ReplicationClient, ReplicationConfig, client::ReplicationEvent,
};
use tokio::time::timeout;

use super::{
    LogicalReplication, Target, Trouble,
    pgoutput::Message,
    slots::{Origin, prepare},
    tls::Tunnel,
};

/// How long it may take to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long the server may take to make a slot: it waits for every transaction that runs at that time.
const SLOT: Duration = Duration::from_secs(600);

/// How many messages wait for us at most.
const WAITING: usize = 4096;

/// What has come.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message, and when it was sent by the server's clock.
    Bytes(Bytes, i64),
    /// A message that has been read already.
    Message(Message<'static>),
    /// A sign of life: all transactions that were committed before this position have come. And when it was sent.
    Alive(u64, i64),
}

/// A stream of changes.
pub(super) trait Line: Send {
    /// What comes next. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Heard, Trouble>> + Send;

    /// All up to this position is done.
    fn confirm(&mut self, position: u64);

    /// What the server calls it.
    fn name(&self) -> &str;
}

/// The stream of one slot.
pub(crate) struct Slot {
    client: ReplicationClient,
    name: String,
    user: String,
    origin: Origin,
    /// On which the client goes to the server.
    _tunnel: Option<Tunnel>,
}

impl Slot {
    /// Connects, makes a slot, unless it is a durable one that is there, and starts its stream. When this returns, all that is
    /// committed from then on will come.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection, and a slot that is not durable goes with it.
    pub(super) async fn open(
        target: &Target,
        settings: &LogicalReplication,
        name: &str,
    ) -> Result<Self, Trouble> {
        let (reached, tunnel) = settings.tls.road(target).await?;
        let config = config(&reached, settings, name);
        let client = ReplicationClient::connect_gated(config)
            .await
            .map_err(|error| told(&error, &target.user))?;
        // From here on the connection ends with it.
        let mut slot = Slot {
            client,
            name: name.to_owned(),
            user: target.user.clone(),
            origin: Origin::Usual,
            _tunnel: tunnel,
        };
        slot.ask("IDENTIFY_SYSTEM").await?;
        if settings.durable_slot.is_some() {
            slot.origin = prepare(&mut slot).await?;
        } else {
            // The old grammar: servers of every version read it.
            let make = format!(
                "CREATE_REPLICATION_SLOT {name} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
            );
            slot.make(&make).await?;
        }
        let started = slot.client.start().await;
        started.map_err(|error| slot.told(&error))?;
        let started = timeout(CONNECT, slot.client.wait_started()).await;
        started
            .map_err(|_| Trouble::passing("no answer from the server"))?
            .map_err(|error| slot.told(&error))?;
        Ok(slot)
    }

    /// Where it came from.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Asks something before the stream starts, and returns the rows of the answer.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<Bytes>>>, Trouble> {
        let answer = timeout(CONNECT, self.client.simple_query(sql)).await;
        answer
            .map_err(|_| Trouble::passing("no answer from the server"))?
            .map_err(|error| self.told(&error))
    }

    /// Has a slot made by this command.
    pub(super) async fn make(&mut self, command: &str) -> Result<(), Trouble> {
        let made = timeout(SLOT, self.client.simple_query(command)).await;
        made.map_err(|_| Trouble::passing("a transaction that runs too long keeps the slot"))?
            .map(|_| ())
            .map_err(|error| self.told(&error))
    }

    fn told(&self, error: &PgWireError) -> Trouble {
        told(error, &self.user)
    }
}

impl Line for Slot {
    async fn next(&mut self) -> Result<Heard, Trouble> {
        let event = self.client.recv().await;
        let event = event.map_err(|error| self.told(&error))?;
        match event {
            // The position behind the last record that the server has decoded, and told of if it was a commit.
            Some(ReplicationEvent::KeepAlive {
                wal_end,
                server_time_micros,
                ..
            }) => Ok(Heard::Alive(wal_end.as_u64(), server_time_micros)),
            Some(ReplicationEvent::Begin {
                final_lsn,
                xid,
                commit_time_micros,
            }) => Ok(Heard::Message(Message::Begin {
                final_lsn: final_lsn.as_u64(),
                committed: commit_time_micros,
                xid,
            })),
            Some(ReplicationEvent::Commit {
                lsn,
                end_lsn,
                commit_time_micros,
            }) => Ok(Heard::Message(Message::Commit {
                lsn: lsn.as_u64(),
                end_lsn: end_lsn.as_u64(),
                committed: commit_time_micros,
            })),
            Some(ReplicationEvent::XLogData {
                data,
                server_time_micros,
                ..
            }) => Ok(Heard::Bytes(data, server_time_micros)),
            Some(ReplicationEvent::Message { .. }) => Ok(Heard::Message(Message::Message)),
            Some(ReplicationEvent::StoppedAt { .. }) | None => {
                Err(Trouble::passing("the stream has ended"))
            }
        }
    }

    fn confirm(&mut self, position: u64) {
        self.client.update_applied_lsn(Lsn::from_u64(position));
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // By itself it would wait for a server that may be gone.
        self.client.abort();
    }
}

fn config(target: &Target, settings: &LogicalReplication, slot: &str) -> ReplicationConfig {
    let Target {
        host,
        port,
        user,
        password,
        database,
    } = target;
    // The server takes it for an identifier.
    let publication = format!("\"{}\"", settings.publication.replace('"', "\"\""));
    // Of a server that has nothing to say a sign of life comes in half of its patience.
    let patience = settings.max_staleness.max(Duration::from_millis(100));
    let options = format!(
        "-c wal_sender_timeout={} -c lock_timeout={} -c DateStyle=ISO",
        patience.as_millis(),
        // One that waits for a transaction does not notice that nobody waits for it any more.
        SLOT.as_millis()
    );
    ReplicationConfig::new(host, user, password, database, slot, publication)
        .with_port(*port)
        .with_options(options)
        // While changes come we are heard of as often as that; else when the server asks.
        .with_status_interval(patience / 4)
        .with_wakeup_interval(patience * 10)
        .with_buffer_size(WAITING)
        .with_application_name("cachedpool")
}

fn told(error: &PgWireError, user: &str) -> Trouble {
    match error {
        PgWireError::Server(message) => Trouble::refused(message, user),
        PgWireError::Protocol(message) => Trouble::malformed(message),
        PgWireError::MessageTooLarge { .. } => Trouble::malformed(error),
        error => Trouble::passing(error),
    }
}
