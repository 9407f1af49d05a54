//! A TCP proxy that knows PostgreSQL's messages and lets a test change those of the server.
//!
//! Promises: what the test does not touch arrives as it was sent, in order. It ends, with its connections, when it is dropped.
//!
//! Must not know: what stands in a message. Connections must not ask for encryption (`sslmode=disable`): the answer to
//! that is no message.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The type and length that stand before a message.
const HEADER: usize = 5;

/// A message on its way from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// What follows its length.
    pub body: Vec<u8>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on, as it is by now.
    Pass,
    /// Nobody hears of it.
    Lose,
}

type Edit = dyn Fn(&mut Frame) -> Fate + Send + Sync;

/// A proxy in front of one PostgreSQL. Runs on the runtime on which it was started.
#[derive(Debug)]
pub struct Editor {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Editor {
    /// Listens on a free port of 127.0.0.1, and shows `edit` each message of the server before it passes it on.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(
        upstream: SocketAddr,
        edit: impl Fn(&mut Frame) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let accepting = tokio::spawn(accept(listener, upstream, Arc::new(edit)));
        Self { address, accepting }
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // The set of its connections is dropped with the task.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, edit: Arc<Edit>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // An error is that of a client who was gone already.
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(serve(client, upstream, edit.clone()));
        }
    }
}

/// One connection, until either side ends it.
async fn serve(client: TcpStream, upstream: SocketAddr, edit: Arc<Edit>) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = tell(from_server, to_client, &*edit) => {}
    }
}

async fn tell(from: OwnedReadHalf, to: OwnedWriteHalf, edit: &Edit) -> std::io::Result<()> {
    let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
    loop {
        let mut frame = next(&mut from).await?;
        if edit(&mut frame) == Fate::Pass {
            let length = u32::try_from(frame.body.len() + 4).expect("messages are small");
            to.write_u8(frame.kind).await?;
            to.write_u32(length).await?;
            to.write_all(&frame.body).await?;
        }
        if from.buffer().len() < HEADER {
            to.flush().await?;
        }
    }
}

async fn next(from: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Frame> {
    let kind = from.read_u8().await?;
    // It counts itself.
    let length = from.read_u32().await?.saturating_sub(4);
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body).await?;
    Ok(Frame { kind, body })
}
