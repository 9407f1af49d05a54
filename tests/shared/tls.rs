//! Links with TLS, to a server whose certificate is signed by an authority of the test's own.

use cachedpool::tier::{Redis, RedisTier};
use cachedpool_test_support::{Certificates, OwnRedis};

use crate::kit::{NO_SILENCE, Process};

#[tokio::test]
async fn a_server_is_reached_by_a_user_over_tls_if_its_authority_is_trusted() {
    let certificates = Certificates::new();
    let server = OwnRedis::start_tls(
        certificates.path(),
        &[
            "--tls-auth-clients",
            "optional",
            "--user",
            "app",
            "on",
            ">secret",
            "~*",
            "&*",
            "+@all",
        ],
    );
    let url = format!("rediss://app:secret@localhost:{}", server.address().port());
    let root = certificates.read("ca.crt");
    let process = Process::linked(Redis::new(&url).root_certificate(root)).await;
    process.advance(&[7]).await;
    assert_eq!(process.word(7).await.version, 1);

    let stranger = RedisTier::new(Redis::new(&url), None).unwrap();
    let error = stranger.check(NO_SILENCE).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}
