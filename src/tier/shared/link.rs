//! A connection to one server that was found fit for use.
//!
//! Made by our own hand and never mended: a connection that mends itself would hide that the server restarted, and with it
//! that steps were lost.

use std::sync::Arc;

use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, PushInfo, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};

use super::{
    fault::{Fault, TOO_OLD},
    hearing::Hearing,
    script::Script,
};

/// A connection to one server process.
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// The server process, by the name that it gave itself when it started.
    run: String,
}

/// What kind of server is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One that is no part of a cluster.
    Single,
    /// One of a cluster.
    Cluster,
}

impl Link {
    /// Connects, and asks the server what it is. What it pushes goes to `hearing`.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub(super) async fn open(
        client: Client,
        kind: Kind,
        hearing: Arc<Hearing>,
    ) -> Result<Self, Fault> {
        let push = move |push: PushInfo| {
            hearing.push(&push);
            Ok::<_, RedisError>(())
        };
        // The engine bounds every call by dropping it.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(push);
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Fault::of("HELLO", &error))?;
        let mut link = Self {
            connection,
            run: String::new(),
        };
        let about = link.ask("INFO", &redis::cmd("INFO")).await?;
        link.run = fit(&about, kind)?;
        Ok(link)
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Hears of what is published on these channels; when this returns, all that is published from now on.
    pub(super) async fn subscribe(&self, channels: &[&str]) -> Result<(), Fault> {
        self.connection
            .clone()
            .subscribe(channels)
            .await
            .map_err(|error| Fault::of("SUBSCRIBE", &error))
    }

    /// Sends one command.
    pub(super) async fn ask(&self, name: &str, command: &Cmd) -> Result<Value, Fault> {
        self.connection
            .clone()
            .send_packed_command(command)
            .await
            .and_then(Value::extract_error)
            .map_err(|error| Fault::of(name, &error))
    }

    /// Sends several commands in one write. An answer may be an error.
    pub(super) async fn ask_all(&self, commands: &Pipeline) -> Result<Vec<Value>, Fault> {
        self.connection
            .clone()
            .send_packed_commands(commands, 0, commands.len())
            .await
            .map_err(|error| Fault::of("a read", &error))
    }

    /// Runs a script, whose arguments `fill` adds.
    pub(super) async fn run_script(
        &self,
        script: &Script,
        key: &str,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Value, Fault> {
        let mut call = script.by_hash(key);
        fill(&mut call);
        let answer = self.connection.clone().send_packed_command(&call).await;
        match answer.and_then(Value::extract_error) {
            Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                let mut call = script.by_text(key);
                fill(&mut call);
                self.ask("EVAL", &call).await
            }
            answer => answer.map_err(|error| Fault::of("EVALSHA", &error)),
        }
    }
}

/// The name of the process, if the server is one that we can work with.
fn fit(about: &Value, kind: Kind) -> Result<String, Fault> {
    let text = match about {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::VerbatimString { text, .. } => text.clone(),
        _ => return Err(Fault::nonsense("INFO")),
    };
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim_end)
    };
    // Valkey gives the version of Redis that it is compatible with.
    let mut version = field("redis_version").unwrap_or("0").split('.');
    let mut number = || version.next().and_then(|part| part.parse::<u32>().ok());
    if (number().unwrap_or(0), number().unwrap_or(0)) < (6, 2) {
        return Err(Fault::lasting(TOO_OLD));
    }
    let mode = field("redis_mode").unwrap_or("standalone");
    match (kind, mode) {
        (Kind::Single, "standalone") | (Kind::Cluster, "cluster") => {}
        (Kind::Single, "cluster") => {
            return Err(Fault::lasting(
                "this Redis is part of a cluster: name it with Redis::cluster",
            ));
        }
        (Kind::Cluster, "standalone") => {
            return Err(Fault::lasting(
                "this Redis is no part of a cluster: name it with Redis::new",
            ));
        }
        (_, mode) => {
            return Err(Fault::lasting(format!(
                "this Redis runs as {mode}, which is not what the settings say"
            )));
        }
    }
    if field("role") != Some("master") {
        return Err(Fault::broken("this Redis is a replica and takes no writes"));
    }
    match field("run_id") {
        Some(run) if !run.is_empty() => Ok(run.to_owned()),
        _ => Err(Fault::nonsense("INFO")),
    }
}
