//! Links with TLS, to a server whose certificate is signed by an authority of the test's own.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use cachedpool::tier::{Redis, RedisTier};
use cachedpool_test_support::OwnRedis;

use crate::kit::{NO_SILENCE, Process};

#[tokio::test]
async fn a_server_is_reached_by_a_user_over_tls_if_its_authority_is_trusted() {
    let certificates = tempfile::tempdir().unwrap();
    make_certificates(certificates.path());
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
    let root = fs::read(certificates.path().join("ca.crt")).unwrap();
    let process = Process::linked(Redis::new(&url).root_certificate(root)).await;
    process.advance(&[7]).await;
    assert_eq!(process.word(7).await.version, 1);

    let stranger = RedisTier::new(Redis::new(&url), None).unwrap();
    let error = stranger.check(NO_SILENCE).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

fn make_certificates(directory: &Path) {
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=authority \
         -keyout ca.key -out ca.crt",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout redis.key -out redis.csr",
        "x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -extfile san -out redis.crt",
    ] {
        fs::write(
            directory.join("san"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )
        .unwrap();
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(directory)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // The server runs as somebody else.
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["ca.crt", "redis.crt", "redis.key"] {
        fs::set_permissions(directory.join(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
}
