//! Redis servers that belong together: replicas, sentinels, clusters. They reach each other, and tests reach them, by the
//! same addresses, so they share this machine's network; one server by itself is a [`Victim`](crate::Victim).

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{ports::free_port, reaper, run::run};

/// A server process in a container of its own, on a port that stays the same for its whole life.
#[derive(Debug)]
pub struct OwnRedis {
    container: String,
    port: u16,
    /// The name of the command line of this kind of server.
    client: &'static str,
}

impl OwnRedis {
    /// Starts Redis 8 with these options beside the port, and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut command = vec!["redis-server", "--port", &number];
        command.extend(options);
        Self::run("redis:8", "redis-cli", port, &command)
    }

    /// The same with Valkey 8.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn start_valkey(options: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut command = vec!["valkey-server", "--port", &number];
        command.extend(options);
        Self::run("valkey/valkey:8", "valkey-cli", port, &command)
    }

    /// Starts Redis 8 that speaks TLS only. The directory holds `ca.crt`, `server.crt` and `server.key`, which everybody may read.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn start_tls(certificates: &Path, options: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut command = vec![
            "redis-server",
            "--port",
            "0",
            "--tls-port",
            &number,
            "--tls-cert-file",
            "/tls/server.crt",
            "--tls-key-file",
            "/tls/server.key",
            "--tls-ca-cert-file",
            "/tls/ca.crt",
        ];
        command.extend(options);
        let volume = format!("--volume={}:/tls:ro", certificates.display());
        Self::run_with(&[&volume], "redis:8", "redis-cli", port, &command)
    }

    /// A sentinel that watches this server under the name `master`.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn sentinel_of(master: &Self) -> Self {
        let port = free_port();
        let script = format!(
            "printf 'port {port}\\nprotected-mode no\\n\
             sentinel monitor master 127.0.0.1 {} 1\\n\
             sentinel down-after-milliseconds master 3000\\n\
             sentinel failover-timeout master 3000\\n' > /tmp/sentinel.conf
             exec redis-server /tmp/sentinel.conf --sentinel",
            master.port
        );
        Self::run("redis:8", "redis-cli", port, &["sh", "-c", &script])
    }

    /// A replica that follows this server.
    ///
    /// # Panics
    ///
    /// When it does not come up and catch up.
    #[must_use]
    pub fn replica_of(master: &Self) -> Self {
        let port = master.port.to_string();
        let replica = Self::start(&["--replicaof", "127.0.0.1", &port, "--save", ""]);
        let end = Instant::now() + PATIENCE;
        while !replica
            .answer(&["INFO", "replication"])
            .contains("master_link_status:up")
        {
            assert!(Instant::now() < end, "the replica follows");
            sleep(Duration::from_millis(50));
        }
        replica
    }

    /// A cluster of three masters.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn cluster() -> [Self; 3] {
        let servers = [(); 3].map(|()| {
            let bus = free_port().to_string();
            Self::start(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "15000",
                "--cluster-allow-replica-migration",
                "no",
                "--save",
                "",
            ])
        });
        let addresses = servers
            .each_ref()
            .map(|server| server.address().to_string());
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        create.push("--cluster-yes");
        servers[0].tell(&create);
        let end = Instant::now() + PATIENCE;
        for server in &servers {
            while !server
                .answer(&["CLUSTER", "INFO"])
                .contains("cluster_state:ok")
            {
                assert!(Instant::now() < end, "the cluster comes up");
                sleep(Duration::from_millis(50));
            }
        }
        servers
    }

    fn run(image: &str, client: &'static str, port: u16, command: &[&str]) -> Self {
        Self::run_with(&[], image, client, port, command)
    }

    fn run_with(
        options: &[&str],
        image: &str,
        client: &'static str,
        port: u16,
        command: &[&str],
    ) -> Self {
        let mut arguments = vec![
            "run".to_owned(),
            "-d".to_owned(),
            "--network=host".to_owned(),
        ];
        for (name, value) in reaper::labels() {
            arguments.push(format!("--label={name}={value}"));
        }
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        arguments.push(image.to_owned());
        arguments.extend(command.iter().map(|&word| word.to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let this = Self {
            container: docker(&arguments).trim().to_owned(),
            port,
            client,
        };
        this.wait();
        this
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The address for a Redis client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// The engine's id of the container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// What the server's own command line prints for a command.
    ///
    /// # Panics
    ///
    /// When it cannot be run.
    #[must_use]
    pub fn answer(&self, words: &[&str]) -> String {
        let port = self.port.to_string();
        let mut command = vec!["exec", &self.container, self.client, "-p", &port];
        command.extend(words);
        docker(&command)
    }

    /// Gives the server a command.
    ///
    /// # Panics
    ///
    /// When it cannot be run, or is refused.
    pub fn tell(&self, words: &[&str]) {
        let answer = self.answer(words);
        let refused = ["ERR", "WRONG", "NOAUTH", "NOPERM"]
            .iter()
            .any(|code| answer.starts_with(code));
        assert!(!refused, "{words:?}: {answer}");
    }

    /// Ends the process without a warning. Its files stay.
    ///
    /// # Panics
    ///
    /// When the engine refuses.
    pub fn kill(&self) {
        docker(&["kill", &self.container]);
    }

    /// Starts it again after [`kill`](Self::kill), and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    pub fn revive(&self) {
        docker(&["start", &self.container]);
        self.wait();
    }

    /// Freezes the process: its connections stay, and nothing is answered.
    ///
    /// # Panics
    ///
    /// When the engine refuses.
    pub fn freeze(&self) {
        docker(&["pause", &self.container]);
    }

    /// Lets a frozen process go on.
    ///
    /// # Panics
    ///
    /// When the engine refuses.
    pub fn thaw(&self) {
        docker(&["unpause", &self.container]);
    }

    fn wait(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.is_up() {
            assert!(Instant::now() < end, "Redis on port {} answers", self.port);
            sleep(Duration::from_millis(20));
        }
    }

    /// Whether something answers that is not busy with loading its data. What it says does not matter: it may want a password,
    /// or TLS, and then closes the connection.
    fn is_up(&self) -> bool {
        let Ok(mut connection) = TcpStream::connect(self.address()) else {
            return false;
        };
        let mut answer = [0; 8];
        let read = connection
            .set_read_timeout(Some(Duration::from_secs(1)))
            .and_then(|()| connection.write_all(b"PING\r\n"))
            .and_then(|()| connection.read(&mut answer));
        let closed = read
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        (read.is_ok() || closed) && !answer.starts_with(b"-LOADING")
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        // The reaper removes what stays.
        let _ = Command::new("docker")
            .args(["rm", "-fv", &self.container])
            .output();
    }
}

/// How long a server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn docker(arguments: &[&str]) -> String {
    run(Command::new("docker").args(arguments))
}
