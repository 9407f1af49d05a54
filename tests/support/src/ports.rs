//! Ports for servers that are told on which to listen, and do so a moment later.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below those that a system gives to whoever asks for any: Linux begins at 32,768, others higher.
const FIRST: u32 = 10_000;
const MANY: u32 = 20_000;

/// How far apart the processes begin that run at a time.
const APART: u32 = 61;

/// A port that nobody listens on, another one each time. Nobody else gets it who does not ask for that very port.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(nth < MANY, "there is a free port");
        let port = FIRST + process::id().wrapping_mul(APART).wrapping_add(nth) % MANY;
        let port = u16::try_from(port).expect("it is below 30,000");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}
