//! A server's certificate that an authority of the test's own has signed.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use tempfile::TempDir;

use crate::run::run;

/// `server.crt` and `server.key` for `localhost` and 127.0.0.1, and `ca.crt` that vouches for them, for a day.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes them with `openssl`.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        make(directory.path());
        Self(directory)
    }

    /// Where they are. Everybody may read them.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// What is in one of the files.
    ///
    /// # Panics
    ///
    /// When there is none of this name.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("it was made")
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn make(directory: &Path) {
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    fs::write(directory.join("san"), names).expect("there is room");
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=authority \
         -keyout ca.key -out ca.crt",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -extfile san -out server.crt",
    ] {
        let mut openssl = Command::new("openssl");
        run(openssl
            .args(arguments.split_whitespace())
            .current_dir(directory));
    }
    // The server runs as somebody else.
    let open = |path: &Path, mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, permissions).expect("they are this process's");
    };
    open(directory, 0o755);
    for file in ["ca.crt", "server.crt", "server.key"] {
        open(&directory.join(file), 0o644);
    }
}
