//! A TCP proxy that misbehaves on demand, while connections live.
//!
//! Promises: one loopback address for as long as the proxy lives, whatever happens behind it. Bytes arrive whole and in
//! order or not at all: what is held back comes through when the hold ends, as after packets that were lost and sent
//! again, and what is cut off is reset. It keeps at most [`CHUNKS`] chunks of [`CHUNK`] bytes a direction and
//! [`CONNECTIONS`] connections, and ends with all of them when it is dropped.
//!
//! Must not know: what is said on the connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// How many connections live at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How many chunks a direction keeps before it stops reading.
const CHUNKS: usize = 64;
/// The most bytes of a chunk.
const CHUNK: usize = 16 << 10;

/// What becomes of the bytes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They pass.
    Pass,
    /// Each passes this much later than it came.
    Delay(Duration),
    /// They are held back until the way is another one. The connection stays open.
    Hold,
}

/// A proxy in front of one server. Runs on the runtime on which it was started.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    upstream: SocketAddr,
    refuses: bool,
    to_server: Way,
    to_client: Way,
    /// Connections of an older generation are reset.
    generation: u64,
}

#[derive(Clone, Copy)]
enum Direction {
    ToServer,
    ToClient,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes everything on to `upstream`.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let (state, seen) = watch::channel(State {
            upstream,
            refuses: false,
            to_server: Way::Pass,
            to_client: Way::Pass,
            generation: 0,
        });
        let accepting = tokio::spawn(accept(listener, seen));
        Self {
            address,
            state,
            accepting,
        }
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything passes, in both directions and for new connections.
    pub fn pass(&self) {
        self.ways(Way::Pass, Way::Pass);
    }

    /// Accepts connections, keeps them open and passes nothing on in either direction.
    pub fn stall(&self) {
        self.ways(Way::Hold, Way::Hold);
    }

    /// Sets what becomes of the bytes of each direction, and accepts new connections.
    pub fn ways(&self, to_server: Way, to_client: Way) {
        self.state.send_modify(|state| {
            state.refuses = false;
            state.to_server = to_server;
            state.to_client = to_client;
        });
    }

    /// Resets all connections, and from now on every new one at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.refuses = true;
            state.generation += 1;
        });
    }

    /// Resets all connections; new ones go to `upstream`.
    pub fn retarget(&self, upstream: SocketAddr) {
        self.state.send_modify(|state| {
            state.upstream = upstream;
            state.generation += 1;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The set of its connections is dropped with the task.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        // An error is that of a client who was gone already.
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(serve(client, state.clone()));
        }
    }
}

/// One connection, until both sides have ended it or the proxy cuts it.
async fn serve(mut client: TcpStream, state: watch::Receiver<State>) {
    let now = *state.borrow();
    // With a linger of zero the drop of a socket resets the connection instead of ending it in order.
    let _ = client.set_zero_linger();
    if now.refuses {
        return;
    }
    let mut watched = state.clone();
    let cut = watched.wait_for(|state| state.generation != now.generation);
    let carried = async {
        let Ok(mut server) = TcpStream::connect(now.upstream).await else {
            return;
        };
        let _ = server.set_zero_linger();
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        // The first error ends both directions.
        let _ = tokio::try_join!(
            carry(Direction::ToServer, from_client, to_server, state.clone()),
            carry(Direction::ToClient, from_server, to_client, state.clone()),
        );
    };
    tokio::select! {
        _ = cut => {}
        () = carried => {}
    }
}

/// Bytes and when they came; none at the end of the stream.
type Chunk = (Instant, Vec<u8>);

async fn carry(
    direction: Direction,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<State>,
) -> std::io::Result<()> {
    let (queue, mut chunks) = mpsc::channel::<Chunk>(CHUNKS);
    let read = async {
        // Moved in, so that the writer sees the end of the queue.
        let queue = queue;
        loop {
            let mut bytes = vec![0; CHUNK];
            let length = from.read(&mut bytes).await?;
            bytes.truncate(length);
            if length == 0 || queue.send((Instant::now(), bytes)).await.is_err() {
                return std::io::Result::Ok(());
            }
        }
    };
    let write = async {
        while let Some((came, bytes)) = chunks.recv().await {
            let_through(direction, came, &mut state).await?;
            to.write_all(&bytes).await?;
        }
        let_through(direction, Instant::now(), &mut state).await?;
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// Returns when what came at `came` may go on.
async fn let_through(
    direction: Direction,
    came: Instant,
    state: &mut watch::Receiver<State>,
) -> std::io::Result<()> {
    let gone = |_| std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    loop {
        let way = {
            let now = state.borrow_and_update();
            match direction {
                Direction::ToServer => now.to_server,
                Direction::ToClient => now.to_client,
            }
        };
        match way {
            Way::Pass => return Ok(()),
            Way::Delay(delay) if came + delay <= Instant::now() => return Ok(()),
            Way::Delay(delay) => tokio::select! {
                () = sleep_until(came + delay) => return Ok(()),
                changed = state.changed() => changed.map_err(gone)?,
            },
            Way::Hold => state.changed().await.map_err(gone)?,
        }
    }
}

#[cfg(test)]
mod tests;
