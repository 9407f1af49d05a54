//! The servers that other tests stand on: they come up, answer, and are gone when the test binary has ended.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use cachedpool_test_support::{mariadb, postgres, redis, wait_until};
use sqlx::{Connection, MySqlConnection, PgConnection};

#[tokio::test]
async fn postgres_answers_and_gives_each_test_a_database_of_its_own() {
    let server = postgres().await;
    let (one, other) = (server.fresh_database().await, server.fresh_database().await);
    let mut one = PgConnection::connect(&one).await.unwrap();
    let mut other = PgConnection::connect(&other).await.unwrap();
    sqlx::query("CREATE TABLE t AS SELECT 7 AS n")
        .execute(&mut one)
        .await
        .unwrap();
    let n: i32 = sqlx::query_scalar("SELECT n FROM t")
        .fetch_one(&mut one)
        .await
        .unwrap();
    assert_eq!(n, 7);
    let unseen = sqlx::query_scalar::<_, i32>("SELECT n FROM t")
        .fetch_one(&mut other)
        .await
        .unwrap_err();
    assert_eq!(unseen.as_database_error().unwrap().code().unwrap(), "42P01");
    let version: String = sqlx::query_scalar("SHOW server_version")
        .fetch_one(&mut one)
        .await
        .unwrap();
    assert!(version.starts_with("17."), "{version}");
}

#[tokio::test]
async fn mariadb_answers_and_gives_each_test_a_database_of_its_own() {
    let server = mariadb().await;
    let (one, other) = (server.fresh_database().await, server.fresh_database().await);
    let mut one = MySqlConnection::connect(&one).await.unwrap();
    let mut other = MySqlConnection::connect(&other).await.unwrap();
    sqlx::query("CREATE TABLE t AS SELECT 7 AS n")
        .execute(&mut one)
        .await
        .unwrap();
    let n: i32 = sqlx::query_scalar("SELECT n FROM t")
        .fetch_one(&mut one)
        .await
        .unwrap();
    assert_eq!(n, 7);
    let unseen = sqlx::query_scalar::<_, i32>("SELECT n FROM t")
        .fetch_one(&mut other)
        .await
        .unwrap_err();
    assert_eq!(unseen.as_database_error().unwrap().code().unwrap(), "42S02");
    let version: String = sqlx::query_scalar("SELECT version()")
        .fetch_one(&mut one)
        .await
        .unwrap();
    assert!(version.starts_with("11.8."), "{version}");
}

#[tokio::test]
async fn redis_answers() {
    let mut connection = TcpStream::connect(redis().await.address()).unwrap();
    connection.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[tokio::test]
async fn a_server_is_shared_by_all_tests_of_a_binary() {
    let (one, other) = tokio::join!(redis(), redis());
    assert_eq!(one.container(), other.container());
}

/// Whatever ends the process, a `static` is not dropped: here it is killed, the hardest end of all.
#[tokio::test]
async fn a_killed_test_leaves_no_container_behind() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "starts_a_server_and_waits_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let container = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .find_map(|line| Some(line.unwrap().split_once("container ")?.1.to_owned()))
        .unwrap();
    assert!(exists(&container), "{container} runs");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(
        Duration::from_secs(30),
        "the container is removed",
        async || !exists(&container),
    )
    .await;
}

#[tokio::test]
#[ignore = "the child process of a_killed_test_leaves_no_container_behind"]
async fn starts_a_server_and_waits_to_be_killed() {
    println!("container {}", redis().await.container());
    std::future::pending::<()>().await;
}

fn exists(container: &str) -> bool {
    let listed = Command::new("docker")
        .args(["ps", "-aq", "--no-trunc"])
        .output()
        .unwrap();
    assert!(listed.status.success(), "the engine answers");
    String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .any(|id| id == container)
}
