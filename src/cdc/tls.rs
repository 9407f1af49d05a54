//! TLS for the stream.
//!
//! The crate that speaks the protocol encrypts by another library than the rest of this house. So it is given a socket in a folder
//! that nobody else may enter, and what it writes there goes on to the server encrypted.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{self, PathBuf},
    sync::Arc,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixListener},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    settings::{LogicalReplication, Target},
    trouble::Trouble,
    wire::CONNECT,
};
use crate::cache::shared::random;

/// PostgreSQL manual, "Message Formats", SSLRequest: its length, and a number that is no version.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// How the stream is encrypted, if it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls(Option<Arc<ClientConfig>>);

impl LogicalReplication {
    /// Encrypts the stream: what it trusts, and who it is if the server asks for a certificate, is for the caller to say. The
    /// server's name is that of the pool's host. Default: the stream is not encrypted, and refused where the pool requires TLS.
    ///
    /// On Unix only. Needs the feature `cdc-tls`.
    ///
    /// # Errors
    /// `build()` refuses a server that does not speak TLS or is not trusted, and a pool that connects by a socket.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Tls(Some(config));
        self
    }
}

impl Tls {
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Where the stream connects to, as long as what comes with it is kept.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub(super) async fn road(&self, target: &Target) -> Result<(Target, Option<Tunnel>), Trouble> {
        let Some(config) = &self.0 else {
            return Ok((target.clone(), None));
        };
        let encrypted = timeout(CONNECT, encrypted(target, config.clone())).await;
        let far = encrypted.map_err(|_| Trouble::passing("no answer from the server"))??;
        let made = Folder::with_socket(target.port).and_then(|(folder, listener)| {
            let host = path::absolute(&folder.0)?.into_os_string().into_string();
            let host = host.map_err(|_| io::Error::other("its name is no UTF-8"))?;
            Ok((host, Tunnel::through(listener, folder, far)))
        });
        let (host, tunnel) = made.map_err(|error| {
            let problem = format!("no socket in the folder of temporary files: {error}");
            Trouble::lasting(problem, "another `TMPDIR`")
        })?;
        let reached = Target {
            host,
            ..target.clone()
        };
        Ok((reached, Some(tunnel)))
    }
}

/// A connection to the server on which all is encrypted from here on.
async fn encrypted(
    target: &Target,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Trouble> {
    let name = ServerName::try_from(target.host.clone()).map_err(|error| {
        Trouble::lasting(
            error,
            "a pool that connects by the server's name or address",
        )
    })?;
    let far = TcpStream::connect((&*target.host, target.port));
    let mut far = far.await.map_err(Trouble::passing)?;
    far.set_nodelay(true).map_err(Trouble::passing)?;
    far.write_all(&REQUEST).await.map_err(Trouble::passing)?;
    // No more than this byte: what comes behind it in plain text is not the server's (CVE-2021-23222).
    match far.read_u8().await.map_err(Trouble::passing)? {
        b'S' => {}
        b'N' => {
            return Err(Trouble::lasting(
                "the server does not speak TLS",
                "ALTER SYSTEM SET ssl = on",
            ));
        }
        // The beginning of an error: it can serve nobody just now.
        _ => {
            return Err(Trouble::passing(
                "the server does not answer a question for TLS",
            ));
        }
    }
    let connected = TlsConnector::from(config).connect(name, far).await;
    connected.map_err(|error| match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => {
            Trouble::lasting(error, "`LogicalReplication::tls` that trusts the server")
        }
        _ => Trouble::passing(error),
    })
}

/// Carries one connection to the server, until it ends or this is dropped.
pub(super) struct Tunnel(JoinHandle<()>);

impl Tunnel {
    fn through(listener: UnixListener, folder: Folder, mut far: TlsStream<TcpStream>) -> Self {
        Self(tokio::spawn(async move {
            let Ok((mut near, _)) = listener.accept().await else {
                return;
            };
            drop((listener, folder));
            // Both ends see for themselves that it has ended.
            let _ = copy_bidirectional(&mut near, &mut far).await;
        }))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A folder of this process's user alone, which goes with this.
struct Folder(PathBuf);

impl Folder {
    /// With a socket in it, by the name that clients of PostgreSQL expect.
    fn with_socket(port: u16) -> io::Result<(Self, UnixListener)> {
        let place = env::temp_dir().join(format!("cachedpool-stream-{:016x}", random()));
        // Not one that somebody else has made.
        fs::DirBuilder::new().mode(0o700).create(&place)?;
        let folder = Self(place);
        let listener = UnixListener::bind(folder.0.join(format!(".s.PGSQL.{port}")))?;
        Ok((folder, listener))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // At worst an empty socket stays, which nobody listens to.
        let _ = fs::remove_dir_all(&self.0);
    }
}
