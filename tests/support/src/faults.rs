//! Servers of a test's own, to be paused, killed, restarted and cut off.
//!
//! Promises: a server keeps its address over a restart, and is gone when it is dropped or this process has ended, with
//! whatever fault was still on. What cannot be done panics: a test never passes because its fault did not happen.
//!
//! Must not know: what the test expects of its fault.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Output, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::ports::free_port;
use crate::reaper;
use crate::wait_until;

/// Until then a server that was started must answer.
const READY: Duration = Duration::from_secs(60);
/// One attempt to ask it.
const ATTEMPT: Duration = Duration::from_secs(1);
/// Another process may take the port between our look at it and the engine's.
const PORTS: usize = 5;

/// A server in a container of its own, on a port of 127.0.0.1 that stays the same.
#[derive(Debug)]
pub struct Victim {
    id: String,
    kind: Kind,
    address: SocketAddr,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Postgres,
    Redis,
}

/// Packets of one direction, as the server sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packets {
    /// From clients to the server.
    In,
    /// From the server to clients.
    Out,
}

impl Victim {
    /// A PostgreSQL that keeps what it has acknowledged when it is killed, though not when the machine is.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn postgres() -> Self {
        Self::postgres_with(&[]).await
    }

    /// The same with these settings more, each as `name=value`.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn postgres_with(settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(|one| format!("-c{one}")).collect();
        let mut command = vec![
            "postgres",
            // What is written survives in the machine's memory.
            "-cfsync=off",
            "-cfull_page_writes=off",
            "-cmax_connections=200",
        ];
        command.extend(settings.iter().map(String::as_str));
        Self::create(Kind::Postgres, &command).await
    }

    /// A PostgreSQL that follows this one, and is read from only.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn standby(&self) -> Self {
        self.run(&[
            "sh",
            "-c",
            "echo 'host replication all all trust' >> \"$PGDATA/pg_hba.conf\" \
             && psql -U postgres -c 'SELECT pg_reload_conf()'",
        ])
        .await;
        let primary = self.address_inside().await.ip();
        // Root makes the directory, whose owner may be another one.
        let copy = format!(
            "mkdir -p /standby && chown postgres /standby && chmod 700 /standby && \
             exec setpriv --reuid=postgres --regid=postgres --clear-groups sh -c ' \
             pg_basebackup -h {primary} -U postgres -D /standby --write-recovery-conf --checkpoint=fast \
             && exec postgres -D /standby -cfsync=off -cmax_connections=200 \
             -clisten_addresses=* -cunix_socket_directories=/standby'"
        );
        Self::create(Kind::Postgres, &["sh", "-c", &copy]).await
    }

    /// A Redis that saves itself only when told to, with more `arguments` for its command line.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn redis(arguments: &[&str]) -> Self {
        let command = ["redis-server", "--save", "", "--appendonly", "no"];
        Self::create(Kind::Redis, &[&command, arguments].concat()).await
    }

    async fn create(kind: Kind, command: &[&str]) -> Self {
        let mut refusal = String::new();
        for _ in 0..PORTS {
            let port = free_port();
            let mut docker = Command::new("docker");
            docker.args(["run", "--detach"]);
            for (label, value) in reaper::labels() {
                docker.args(["--label", &format!("{label}={value}")]);
            }
            for (name, value) in kind.environment() {
                docker.args(["--env", &format!("{name}={value}")]);
            }
            docker.args(["--publish", &format!("127.0.0.1:{port}:{}", kind.port())]);
            docker.arg(kind.image()).args(command);
            let output = output(docker).await;
            if output.status.success() {
                let victim = Self {
                    id: text(&output.stdout),
                    kind,
                    address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                };
                victim.ready().await;
                return victim;
            }
            refusal = text(&output.stderr);
        }
        panic!("{} did not start: {refusal}", kind.image())
    }

    /// The engine's id of the container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.id
    }

    /// Where it listens, on this machine.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for other containers.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub async fn address_inside(&self) -> SocketAddr {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", format, &self.id]).await;
        let address: Ipv4Addr = address
            .parse()
            .expect("a container has an address in its network");
        SocketAddr::from((address, self.kind.port()))
    }

    /// Runs a command inside, and returns what it printed.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub async fn run(&self, command: &[&str]) -> String {
        docker(&[&["exec", &self.id], command].concat()).await
    }

    /// Stops it in the middle of whatever it does. Its connections stay open.
    ///
    /// # Panics
    ///
    /// When it does not run, or is paused already.
    pub async fn pause(&self) {
        docker(&["pause", &self.id]).await;
    }

    /// Ends a pause.
    ///
    /// # Panics
    ///
    /// When it is not paused.
    pub async fn unpause(&self) {
        docker(&["unpause", &self.id]).await;
    }

    /// Ends it with SIGKILL.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub async fn kill(&self) {
        docker(&["kill", &self.id]).await;
    }

    /// Starts it after [`kill`](Self::kill), on what its files hold, and returns when it answers.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn start(&self) {
        docker(&["start", &self.id]).await;
        self.ready().await;
    }

    /// From now on loses all packets of one direction.
    ///
    /// # Panics
    ///
    /// When it does not run, or this process may not change its network: that takes root, `nsenter` and `iptables`.
    pub async fn lose(&self, packets: Packets) {
        self.firewall("-A", packets).await;
    }

    /// Ends what [`lose`](Self::lose) began. The kernels then send again what was lost.
    ///
    /// # Panics
    ///
    /// When nothing was lost, or as with [`lose`](Self::lose).
    pub async fn find(&self, packets: Packets) {
        self.firewall("-D", packets).await;
    }

    async fn firewall(&self, action: &str, packets: Packets) {
        let process = docker(&["inspect", "--format", "{{.State.Pid}}", &self.id]).await;
        let port = self.kind.port().to_string();
        let (chain, side) = match packets {
            Packets::In => ("INPUT", "--dport"),
            Packets::Out => ("OUTPUT", "--sport"),
        };
        let mut command = Command::new("nsenter");
        command.args(["-t", &process, "-n", "iptables", "-w", action, chain]);
        command.args(["-p", "tcp", side, &port, "-j", "DROP"]);
        succeed(command).await;
    }

    async fn ready(&self) {
        let what = format!("{} answers at {}", self.kind.image(), self.address);
        wait_until(READY, &what, async || {
            let answered = match self.kind {
                Kind::Postgres => timeout(ATTEMPT, postgres_answers(self.address)).await,
                Kind::Redis => timeout(ATTEMPT, redis_answers(self.address)).await,
            };
            answered.unwrap_or(false)
        })
        .await;
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Not waited for. Should it fail, there is still the reaper.
        let _ = std::process::Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.id])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

impl Kind {
    fn image(self) -> &'static str {
        match self {
            Self::Postgres => "postgres:17",
            Self::Redis => "redis:8",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Redis => 6379,
        }
    }

    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Postgres => &[
                ("POSTGRES_PASSWORD", "test"),
                ("POSTGRES_HOST_AUTH_METHOD", "trust"),
            ],
            Self::Redis => &[],
        }
    }
}

async fn postgres_answers(address: SocketAddr) -> bool {
    let url = format!("postgres://postgres:test@{address}/postgres?sslmode=disable");
    match PgConnection::connect(&url).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

async fn redis_answers(address: SocketAddr) -> bool {
    let Ok(mut connection) = TcpStream::connect(address).await else {
        return false;
    };
    let mut answer = [0; 7];
    connection.write_all(b"PING\r\n").await.is_ok()
        && connection.read_exact(&mut answer).await.is_ok()
        // While it loads its files it answers with an error.
        && answer == *b"+PONG\r\n"
}

async fn docker(arguments: &[&str]) -> String {
    let mut command = Command::new("docker");
    command.args(arguments);
    succeed(command).await
}

async fn succeed(command: Command) -> String {
    let named = format!("{:?}", command.as_std());
    let output = output(command).await;
    assert!(output.status.success(), "{named}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn output(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    output
        .await
        .unwrap_or_else(|error| panic!("{:?}: {error}", command.as_std()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
mod tests;
