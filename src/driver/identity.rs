//! Who this process and its database are, among all that may share a tier.

use std::hash::{BuildHasher as _, RandomState};

use tokio::{
    fs::{self, File},
    io::{self, AsyncReadExt as _},
    sync::OnceCell,
};
use twox_hash::xxhash3_128::Hasher;

/// Which database it is, among those of all machines: names and values in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) parts: Vec<(&'static str, String)>,
}

/// The part by which PostgreSQL tells a cluster from all others.
pub(crate) const SYSTEM: &str = "system_identifier";

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

    /// Whether it is the same for every role and at all times, which only PostgreSQL tells.
    pub(crate) fn is_lasting(&self) -> bool {
        self.parts.iter().any(|(name, _)| *name == SYSTEM)
    }

    /// Whether it surely is another database.
    pub(crate) fn is_another(&self, than: &Identity) -> bool {
        self.is_lasting() && than.is_lasting() && self != than
    }
}

/// The digest of the executable that runs, if this crate's code is part of it; `None` if it is not (a library that another
/// program has loaded), or that cannot be told. Read once a process.
pub(crate) async fn executable() -> Option<u128> {
    static DIGEST: OnceCell<Option<u128>> = OnceCell::const_new();
    *DIGEST
        .get_or_init(async || digest_of_executable().await)
        .await
}

async fn digest_of_executable() -> Option<u128> {
    // What runs, also if another file has taken its place on the disk since. Only Linux has it.
    const EXECUTABLE: &str = "/proc/self/exe";
    let name = fs::read_link(EXECUTABLE).await.ok()?;
    let maps = fs::read_to_string("/proc/self/maps").await.ok()?;
    let here = Identity::of_its_own as fn() -> Identity as usize;
    // Both names are the kernel's, of files that are open now, and say it alike if a file is deleted.
    (mapped_from(&maps, here)? == name.to_str()?).then_some(())?;
    digest(File::open(EXECUTABLE).await.ok()?).await.ok()
}

/// The name of the file that the code at an address was mapped from, by the text of `/proc/self/maps` (proc_pid_maps(5)).
fn mapped_from(maps: &str, address: usize) -> Option<&str> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        // Behind the range: permissions, offset, device, inode, then the name, which may have blanks.
        let name = rest.splitn(5, ' ').nth(4)?.trim_start();
        ((start..end).contains(&address) && name.starts_with('/')).then_some(name)
    })
}

async fn digest(mut file: File) -> io::Result<u128> {
    /// A piece is read on a thread for blocking calls: larger pieces are fewer hops.
    const PIECE: usize = 1 << 20;
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

    #[test]
    fn only_what_is_told_for_good_can_be_another() {
        let of = |part, value: &str| Identity {
            parts: vec![(part, value.to_owned())],
        };
        let told = |value| of(SYSTEM, value);
        assert!(!of("start", "a").is_another(&of("start", "b")));
        assert!(told("a").is_another(&told("b")));
        assert!(!told("a").is_another(&told("a")));
        assert!(!told("a").is_another(&Identity::of_its_own()));
        assert!(!Identity::of_its_own().is_another(&Identity::of_its_own()));
    }

    #[tokio::test]
    async fn the_executable_has_one_digest_however_often_it_is_read() {
        let digest = executable().await;
        assert!(digest.is_some());
        assert_eq!(digest_of_executable().await, digest);
    }

    #[test]
    fn code_of_a_loaded_library_is_not_the_executables() {
        let maps = "\
55d0c0000000-55d0c0001000 r--p 00000000 fe:01 131 /usr/bin/python3.13
7f0000000000-7f0000002000 r-xp 00001000 00:2f 977                        /app/my lib.so (deleted)
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
";
        let from = |address| mapped_from(maps, address);
        assert_eq!(from(0x55d0_c000_0fff), Some("/usr/bin/python3.13"));
        assert_eq!(from(0x7f00_0000_0000), Some("/app/my lib.so (deleted)"));
        assert_eq!(from(0x7f00_0000_1fff), Some("/app/my lib.so (deleted)"));
        for no_file in [0x7f00_0000_2000, 0x7ffd_0000_0000, 0] {
            assert_eq!(from(no_file), None);
        }
    }

    #[tokio::test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    async fn an_executable_that_the_loader_was_told_to_run_has_no_digest() {
        const RUN_BY_LOADER: &str = "CACHEDPOOL_TEST_RUN_BY_LOADER";
        if std::env::var_os(RUN_BY_LOADER).is_some() {
            assert_eq!(digest_of_executable().await, None);
            return;
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let name = |line: &str| Some(line[line.find('/')?..].to_owned());
        let is_loader = |name: &String| name.contains("/ld-");
        let loader = maps.lines().filter_map(name).find(is_loader).unwrap();
        let status = std::process::Command::new(loader)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "driver::identity::tests::an_executable_that_the_loader_was_told_to_run_has_no_digest"])
            .env(RUN_BY_LOADER, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&status.stdout);
        assert!(
            status.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
