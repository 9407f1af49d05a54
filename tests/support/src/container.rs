//! Starts one container and finds its address.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::runtime::{Builder, Runtime};

use crate::reaper;

/// Every test has a runtime of its own, which ends with the test; what talks to the engine must not end with it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("containers")
        .enable_all()
        .build()
        .expect("a runtime can be started")
});

/// What to run: an image, the lines that tell that it is ready, and its settings.
pub(crate) struct Recipe {
    pub(crate) image: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) port: u16,
    pub(crate) ready: &'static [Ready],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    pub(crate) command: &'static [&'static str],
}

/// A line in the server's log, with the stream where it appears.
pub(crate) enum Ready {
    Stdout(&'static str),
    Stderr(&'static str),
}

/// A server that runs until this process ends.
#[derive(Debug)]
pub(crate) struct Running {
    /// Never dropped, being in a `static`: the reaper removes it.
    container: ContainerAsync<GenericImage>,
    address: SocketAddr,
}

impl Running {
    /// Where the server listens, on this machine.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The engine's id of the container.
    pub(crate) fn id(&self) -> &str {
        self.container.id()
    }
}

impl Recipe {
    /// Starts the server and waits until it is ready.
    ///
    /// # Cancel safety
    ///
    /// A start whose caller is gone runs to its end and is then undone.
    ///
    /// # Panics
    ///
    /// When there is no engine, no image or no ready server within two minutes.
    pub(crate) async fn start(&'static self) -> Running {
        let started = RUNTIME
            .spawn(self.run())
            .await
            .expect("starting a container does not panic");
        started.unwrap_or_else(|error| {
            panic!(
                "{}:{} did not start: {error}\n`scripts/test` gets the engine and the images that tests need",
                self.image, self.tag
            )
        })
    }

    async fn run(&self) -> testcontainers::core::error::Result<Running> {
        let port = ContainerPort::Tcp(self.port);
        let container = self.request(port).start().await?;
        // Published on all addresses; the name "localhost" could mean ::1, where another server may listen.
        let published = container.get_host_port_ipv4(port).await?;
        Ok(Running {
            container,
            address: SocketAddr::from(([127, 0, 0, 1], published)),
        })
    }

    fn request(&self, port: ContainerPort) -> ContainerRequest<GenericImage> {
        let image =
            self.ready
                .iter()
                .fold(GenericImage::new(self.image, self.tag), |image, ready| {
                    image.with_wait_for(match *ready {
                        Ready::Stdout(line) => WaitFor::message_on_stdout(line),
                        Ready::Stderr(line) => WaitFor::message_on_stderr(line),
                    })
                });
        let mut request = image
            .with_exposed_port(port)
            .with_labels(reaper::labels())
            .with_startup_timeout(Duration::from_secs(120))
            .with_cmd(self.command.iter().copied());
        for &(name, value) in self.environment {
            request = request.with_env_var(name, value);
        }
        request
    }
}
