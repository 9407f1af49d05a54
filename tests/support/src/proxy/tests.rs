use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Proxy, Way};

/// Long enough for bytes on this machine's loopback, however busy it is.
const SOON: Duration = Duration::from_secs(5);
/// So long nothing may come where nothing should come.
const WHILE: Duration = Duration::from_millis(100);

/// A server that answers each byte with `mark` and that byte.
async fn server(mark: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while client.read_exact(&mut byte).await.is_ok() {
                    client.write_all(&[mark, byte[0]]).await.unwrap();
                }
            });
        }
    });
    address
}

async fn client(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn answer(client: &mut TcpStream) -> std::io::Result<[u8; 2]> {
    let mut answer = [0; 2];
    timeout(SOON, client.read_exact(&mut answer))
        .await
        .expect("an answer or an error comes soon")
        .map(|_| answer)
}

async fn silent(client: &mut TcpStream) -> bool {
    timeout(WHILE, client.read_u8()).await.is_err()
}

#[tokio::test]
async fn what_is_sent_comes_back_from_the_server() {
    let proxy = Proxy::start(server(b'a').await).await;
    let mut client = client(&proxy).await;
    client.write_all(b"x").await.unwrap();
    assert_eq!(answer(&mut client).await.unwrap(), *b"ax");
}

#[tokio::test]
async fn the_end_of_a_stream_is_passed_on_behind_its_last_byte() {
    let proxy = Proxy::start(server(b'a').await).await;
    let mut client = client(&proxy).await;
    client.write_all(b"x").await.unwrap();
    client.shutdown().await.unwrap();
    let mut all = Vec::new();
    timeout(SOON, client.read_to_end(&mut all))
        .await
        .expect("the server ends as well")
        .unwrap();
    assert_eq!(all, b"ax");
}

#[tokio::test]
async fn what_is_held_on_its_way_to_the_server_arrives_when_the_hold_ends() {
    let proxy = Proxy::start(server(b'a').await).await;
    let mut client = client(&proxy).await;
    proxy.ways(Way::Hold, Way::Pass);
    client.write_all(b"x").await.unwrap();
    assert!(silent(&mut client).await);
    proxy.pass();
    assert_eq!(answer(&mut client).await.unwrap(), *b"ax");
}

#[tokio::test]
async fn a_hold_of_the_answers_lets_requests_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await;
    let mut client = client(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.ways(Way::Pass, Way::Hold);
    client.write_all(b"x").await.unwrap();
    assert_eq!(
        timeout(SOON, server.read_u8()).await.unwrap().unwrap(),
        b'x'
    );
    server.write_all(b"y").await.unwrap();
    assert!(silent(&mut client).await);
    proxy.pass();
    assert_eq!(client.read_u8().await.unwrap(), b'y');
}

#[tokio::test]
async fn a_stalled_proxy_accepts_and_stays_silent() {
    let proxy = Proxy::start(server(b'a').await).await;
    proxy.stall();
    let mut client = client(&proxy).await;
    client.write_all(b"x").await.unwrap();
    assert!(silent(&mut client).await);
    proxy.pass();
    assert_eq!(answer(&mut client).await.unwrap(), *b"ax");
}

#[tokio::test]
async fn a_delay_counts_for_each_direction_and_not_for_each_byte() {
    let proxy = Proxy::start(server(b'a').await).await;
    let delay = Duration::from_millis(100);
    proxy.ways(Way::Delay(delay), Way::Delay(delay));
    let mut client = client(&proxy).await;
    let start = Instant::now();
    for byte in 0..200 {
        client.write_all(&[byte]).await.unwrap();
    }
    for byte in 0..200 {
        assert_eq!(answer(&mut client).await.unwrap(), [b'a', byte]);
    }
    let taken = start.elapsed();
    assert!(taken >= 2 * delay, "{taken:?}");
    // One after the other would be 200 times the delay and more.
    assert!(taken < 100 * delay, "{taken:?}");
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_what_comes_until_it_is_lifted() {
    let proxy = Proxy::start(server(b'a').await).await;
    let mut open = client(&proxy).await;
    open.write_all(b"x").await.unwrap();
    assert_eq!(answer(&mut open).await.unwrap(), *b"ax");
    proxy.cut();
    let error = answer(&mut open).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut refused = client(&proxy).await;
    assert!(answer(&mut refused).await.is_err());
    proxy.pass();
    let mut client = client(&proxy).await;
    client.write_all(b"z").await.unwrap();
    assert_eq!(answer(&mut client).await.unwrap(), *b"az");
}

#[tokio::test]
async fn connections_are_reset_and_led_elsewhere_when_the_target_changes() {
    let proxy = Proxy::start(server(b'a').await).await;
    let mut open = client(&proxy).await;
    open.write_all(b"x").await.unwrap();
    assert_eq!(answer(&mut open).await.unwrap(), *b"ax");
    proxy.retarget(server(b'b').await);
    assert!(answer(&mut open).await.is_err());
    let mut client = client(&proxy).await;
    client.write_all(b"x").await.unwrap();
    assert_eq!(answer(&mut client).await.unwrap(), *b"bx");
}

#[tokio::test]
async fn a_client_is_reset_when_nobody_listens_behind_the_proxy() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = Proxy::start(gone).await;
    let mut client = client(&proxy).await;
    assert!(answer(&mut client).await.is_err());
}

#[tokio::test]
async fn nothing_of_a_dropped_proxy_is_left() {
    let proxy = Proxy::start(server(b'a').await).await;
    let address = proxy.address();
    let mut open = client(&proxy).await;
    open.write_all(b"x").await.unwrap();
    assert_eq!(answer(&mut open).await.unwrap(), *b"ax");
    drop(proxy);
    assert!(answer(&mut open).await.is_err());
    crate::wait_until(SOON, "the port is free", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
}
