//! Servers that will not do, and what is said about them.

use cachedpool::tier::{Redis, RedisTier};
use cachedpool_test_support::{OwnRedis, Victim};

use crate::kit::NO_SILENCE;

/// All that a user needs, beside its password.
const PERMISSIONS: [&str; 17] = [
    "+hello",
    "+info",
    "+subscribe",
    "+publish",
    "+evalsha",
    "+eval",
    "+get",
    "+set",
    "+del",
    "+hget",
    "+hmget",
    "+hset",
    "+hdel",
    "+hincrby",
    "+time",
    "~cachedpool:*",
    "&cachedpool:*",
];

async fn problem(settings: Redis) -> String {
    let tier = RedisTier::new(settings, None).unwrap();
    let error = tier.check(NO_SILENCE).await.unwrap_err();
    assert!(error.is_lasting(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn each_permission_that_is_missing_is_named() {
    let server = Victim::redis(&[]).await;
    let address = server.address();
    let settings = || Redis::new(format!("redis://app:secret@{address}"));
    let user = [
        "redis-cli",
        "ACL",
        "SETUSER",
        "app",
        "reset",
        "on",
        ">secret",
    ];
    let all = [&user[..], &PERMISSIONS].concat();
    server.run(&all).await;
    RedisTier::new(settings(), None)
        .unwrap()
        .check(NO_SILENCE)
        .await
        .unwrap();
    for missing in &PERMISSIONS[1..] {
        let others = PERMISSIONS.iter().copied().filter(|other| other != missing);
        let command: Vec<&str> = user.into_iter().chain(others).collect();
        server.run(&command).await;
        // Scripts that are known already would be called by their hash alone.
        server.run(&["redis-cli", "SCRIPT", "FLUSH"]).await;
        let problem = problem(settings()).await;
        let expected = missing.replace("cachedpool", "NAMESPACE");
        assert!(problem.contains(&expected), "{missing}: {problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }
}

#[tokio::test]
async fn a_login_that_is_wrong_or_missing_is_a_lasting_error_without_the_password() {
    let server = Victim::redis(&[]).await;
    server
        .run(&["redis-cli", "CONFIG", "SET", "requirepass", "right"])
        .await;
    let address = server.address();
    let wrong = problem(Redis::new(format!("redis://:hunter2@{address}"))).await;
    assert!(wrong.contains("login"), "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
    let none = problem(Redis::new(format!("redis://{address}"))).await;
    assert!(none.contains("password"), "{none}");
    let settings = Redis::new(format!("redis://{address}")).login("default", "right");
    RedisTier::new(settings, None)
        .unwrap()
        .check(NO_SILENCE)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_of_another_mode_names_the_right_constructor() {
    let cluster = OwnRedis::start(&["--cluster-enabled", "yes"]);
    let problem_of_one = problem(Redis::new(cluster.url())).await;
    assert!(
        problem_of_one.contains("Redis::cluster"),
        "{problem_of_one}"
    );
    let single = OwnRedis::start(&[]);
    let problem_of_many = problem(Redis::cluster([single.url()])).await;
    assert!(problem_of_many.contains("Redis::new"), "{problem_of_many}");
}

#[tokio::test]
async fn a_server_that_is_away_is_a_passing_error() {
    let gone = Victim::redis(&[]).await;
    gone.kill().await;
    let settings = Redis::new(format!("redis://{}", gone.address()));
    let tier = RedisTier::new(settings, None).unwrap();
    let error = tier.check(NO_SILENCE).await.unwrap_err();
    assert!(!error.is_lasting(), "{error}");
    assert!(error.to_string().contains("away"), "{error}");
}
