//! A stream that nobody on the way can read.

use std::{fs, sync::Arc};

use cachedpool::cdc::LogicalReplication;
use cachedpool_test_support::{Certificates, Victim, logical_postgres, wait_until};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    kit::{SOON, Scene, USERS, patient},
    refusals::refused,
};

/// A server with a certificate, and its URL. The pools' own connections are not encrypted.
async fn server(certificates: &Certificates) -> (Victim, String) {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    for name in ["server.crt", "server.key"] {
        let file = certificates.read(name);
        let write = format!(
            "printf '%s' '{file}' > \"$PGDATA/{name}\" && chown postgres \"$PGDATA/{name}\" && chmod 600 \"$PGDATA/{name}\""
        );
        server.run(&["sh", "-c", &write]).await;
    }
    for sql in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        server.run(&["psql", "-U", "postgres", "-c", sql]).await;
    }
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    (server, url)
}

/// Encrypted for a server that this authority vouches for.
fn encrypted(authority: Option<&Certificates>) -> LogicalReplication {
    let mut roots = RootCertStore::empty();
    if let Some(certificates) = authority {
        let root = CertificateDer::from_pem_file(certificates.path().join("ca.crt"));
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    patient().tls(Arc::new(config))
}

const COUNT: &str = "SELECT count(*) FROM users";

#[tokio::test]
async fn an_encrypted_stream_tells_as_much() {
    let certificates = Certificates::new();
    let (_server, url) = server(&certificates).await;
    let mut scene = Scene::at(url, USERS, encrypted(Some(&certificates))).await;
    for id in 101..104 {
        let insert = format!("INSERT INTO users VALUES ({id}, 1, 'x')");
        scene.follows(COUNT, id - 1, &insert, id).await;
        wait_until(SOON, "there is a stream", async || {
            let ssl = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)";
            let ssl = sqlx::query_scalar::<_, Option<bool>>(ssl);
            let ssl = ssl.fetch_one(&mut scene.outside).await.unwrap();
            assert_ne!(ssl, Some(false));
            ssl.is_some()
        })
        .await;
        // The next one is as well.
        scene
            .write("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
            .await;
    }
    // More than fits into any buffer on the way.
    let many =
        "INSERT INTO users SELECT n, 1, repeat('x', 1000) FROM generate_series(1000, 20999) n";
    scene.follows(COUNT, 103, many, 20_103).await;
    wait_until(SOON, "no folder is left", async || {
        let names = fs::read_dir(std::env::temp_dir()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        !names.any(|name| name.starts_with("cachedpool-stream-"))
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused() {
    let certificates = Certificates::new();
    let (_server, url) = server(&certificates).await;
    for authority in [None, Some(&Certificates::new())] {
        let (problem, remedy) = refused(&url, encrypted(authority)).await;
        assert!(problem.contains("certificate"), "{problem}");
        assert!(remedy.contains("LogicalReplication::tls"), "{remedy}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_with_the_setting() {
    let url = logical_postgres().await.fresh_database().await;
    let (problem, remedy) = refused(&url, encrypted(None)).await;
    assert!(problem.contains("TLS"), "{problem}");
    assert_eq!(remedy, "ALTER SYSTEM SET ssl = on");
}
