use std::net::SocketAddr;
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Packets, Victim};
use crate::wait_until;

/// Longer than any answer takes that is on its way.
const WHILE: Duration = Duration::from_millis(300);
/// Longer than the kernels' first few attempts to send again.
const SOON: Duration = Duration::from_secs(20);

/// A way in that is not the network's.
const SOCKET: &[&str] = &["--unixsocket", "/tmp/redis.sock"];
const COUNT: [&str; 5] = ["redis-cli", "-s", "/tmp/redis.sock", "GET", "count"];

async fn open(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

async fn ask(connection: &mut TcpStream, command: &str) {
    connection
        .write_all(format!("{command}\r\n").as_bytes())
        .await
        .unwrap();
}

async fn answer(connection: &mut TcpStream, patience: Duration) -> Option<String> {
    let mut bytes = [0; 64];
    let length = timeout(patience, connection.read(&mut bytes)).await.ok()?;
    Some(String::from_utf8_lossy(&bytes[..length.unwrap()]).into_owned())
}

async fn said(connection: &mut TcpStream, command: &str) -> String {
    ask(connection, command).await;
    answer(connection, SOON).await.expect("an answer")
}

#[tokio::test]
async fn a_paused_server_answers_when_the_pause_ends() {
    let redis = Victim::redis(&[]).await;
    let mut connection = open(redis.address()).await;
    redis.pause().await;
    ask(&mut connection, "PING").await;
    assert_eq!(answer(&mut connection, WHILE).await, None);
    redis.unpause().await;
    assert_eq!(
        answer(&mut connection, SOON).await.as_deref(),
        Some("+PONG\r\n")
    );
}

#[tokio::test]
async fn a_killed_server_comes_back_at_its_address_with_what_it_saved() {
    let redis = Victim::redis(&[]).await;
    let mut connection = open(redis.address()).await;
    said(&mut connection, "SET saved 1").await;
    assert_eq!(redis.run(&["redis-cli", "SAVE"]).await, "OK");
    said(&mut connection, "SET lost 1").await;
    redis.kill().await;
    redis.start().await;
    let mut connection = open(redis.address()).await;
    assert_eq!(said(&mut connection, "EXISTS saved").await, ":1\r\n");
    assert_eq!(said(&mut connection, "EXISTS lost").await, ":0\r\n");
}

#[tokio::test]
async fn requests_that_are_lost_do_not_reach_the_server_until_they_are_found() {
    let redis = Victim::redis(SOCKET).await;
    let mut connection = open(redis.address()).await;
    redis.lose(Packets::In).await;
    ask(&mut connection, "INCR count").await;
    assert_eq!(answer(&mut connection, WHILE).await, None);
    assert_eq!(redis.run(&COUNT).await, "");
    redis.find(Packets::In).await;
    assert_eq!(
        answer(&mut connection, SOON).await.as_deref(),
        Some(":1\r\n")
    );
}

#[tokio::test]
async fn a_server_whose_answers_are_lost_still_does_as_it_is_told() {
    let redis = Victim::redis(SOCKET).await;
    let mut connection = open(redis.address()).await;
    redis.lose(Packets::Out).await;
    ask(&mut connection, "INCR count").await;
    assert_eq!(answer(&mut connection, WHILE).await, None);
    wait_until(SOON, "the command is obeyed", async || {
        redis.run(&COUNT).await == "1"
    })
    .await;
    redis.find(Packets::Out).await;
    assert_eq!(
        answer(&mut connection, SOON).await.as_deref(),
        Some(":1\r\n")
    );
}

#[tokio::test]
async fn what_a_killed_database_has_acknowledged_is_there_after_its_restart() {
    let postgres = Victim::postgres().await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        postgres.address()
    );
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection
        .execute("CREATE TABLE kept AS SELECT 7 AS value")
        .await
        .unwrap();
    postgres.kill().await;
    postgres.start().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let value: i32 = sqlx::query_scalar("SELECT value FROM kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(value, 7);
}

#[tokio::test]
async fn a_dropped_server_is_gone_whatever_its_fault() {
    let redis = Victim::redis(&[]).await;
    let (id, address) = (redis.id.clone(), redis.address());
    redis.pause().await;
    drop(redis);
    wait_until(SOON, "the container is gone", async || {
        let filter = format!("id={id}");
        super::docker(&["ps", "-aq", "--filter", &filter])
            .await
            .is_empty()
    })
    .await;
    assert!(TcpStream::connect(address).await.is_err());
}
