//! Who this process and its database are, among all that may share a tier.

use std::hash::{BuildHasher as _, RandomState};

use tokio::{fs::File, io, io::AsyncReadExt as _, sync::OnceCell};
use twox_hash::xxhash3_128::Hasher;

/// Which database it is, among those of all machines: names and values in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) parts: Vec<(&'static str, String)>,
}

impl Identity {
    /// Like that of no other: for a database that other processes cannot reach, or that cannot be told from others.
    pub(crate) fn of_its_own() -> Self {
        // Two states with keys of their own: 128 bits that nobody else has.
        let random = || RandomState::new().hash_one(0);
        let nonce = format!("{:016x}{:016x}", random(), random());
        Identity {
            parts: vec![("database of its own", nonce)],
        }
    }
}

/// The digest of the executable that runs; `None` if it cannot be read. Read once a process.
pub(crate) async fn executable() -> Option<u128> {
    static DIGEST: OnceCell<Option<u128>> = OnceCell::const_new();
    *DIGEST
        .get_or_init(async || digest_of_executable().await.ok())
        .await
}

async fn digest_of_executable() -> io::Result<u128> {
    /// A piece is read on a thread for blocking calls: larger pieces are fewer hops.
    const PIECE: usize = 1 << 20;
    let path = if cfg!(target_os = "linux") {
        // What runs, also if another file has taken its place on the disk since.
        "/proc/self/exe".into()
    } else {
        std::env::current_exe()?
    };
    let mut file = File::open(path).await?;
    let mut piece = vec![0; PIECE];
    let mut hasher = Hasher::new();
    loop {
        match file.read(&mut piece).await? {
            0 => return Ok(hasher.finish_128()),
            length => hasher.write(&piece[..length]),
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn no_two_databases_of_their_own_are_one() {
        assert_ne!(Identity::of_its_own(), Identity::of_its_own());
    }

    #[tokio::test]
    async fn the_executable_has_one_digest_however_often_it_is_read() {
        let digest = executable().await;
        assert!(digest.is_some());
        assert_eq!(digest_of_executable().await.ok(), digest);
    }
}
