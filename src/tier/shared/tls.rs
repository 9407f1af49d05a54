//! Links with TLS, through rustls and ring.

use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, RedisResult, TlsCertificates,
};

use super::settings::Redis;

/// Whom to trust, and who we are. The system's certificates and nobody, unless set.
#[derive(Clone, Default)]
pub(super) struct Tls {
    root: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Redis {
    /// The authority whose certificates are trusted, in PEM form, in the place of the system's.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.root = Some(pem.into());
        self
    }

    /// Certificate and key by which servers know this client, in PEM form.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.identity = Some((certificate.into(), key.into()));
        self
    }
}

impl Tls {
    pub(super) const IS_THERE: bool = true;

    /// A client for the address.
    pub(super) fn client(&self, info: ConnectionInfo) -> RedisResult<Client> {
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Client::open(info);
        }
        // `redis` takes the process's choice of cryptography. If the application has made one, that is it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = TlsCertificates {
            client_tls: self
                .identity
                .clone()
                .map(|(certificate, key)| ClientTlsConfig {
                    client_cert: certificate,
                    client_key: key,
                }),
            root_cert: self.root.clone(),
        };
        Client::build_with_tls(info, certificates)
    }
}
