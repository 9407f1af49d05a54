//! Removes this process's containers when the process ends, however it ends.
//!
//! A server is shared by all tests of a binary, so it lives in a `static`, and Rust drops no statics. A child process
//! therefore holds the reading end of a pipe whose writing end only this process has: it reads to the end of the pipe,
//! which comes when this process has exited, panicked or been killed, and removes all that bears this process's label.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::SystemTime;

/// On each container, with the mark of its process.
const LABEL: &str = "cachedpool-tests.process";

/// Looks twice, since a container may be in the making when the process is killed.
const REAP: &str = r#"
cat > /dev/null
for again in no yes; do
    docker ps -aq --filter "label=$1" | xargs -r docker rm -fv
    [ "$again" = yes ] || sleep 1
done
"#;

/// A process's own mark: its id alone would come round again.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let start = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("{}-{start}", std::process::id())
});

/// The child, started once. It is kept, not waited for: it outlives this process on purpose.
static REAPER: LazyLock<io::Result<Child>> = LazyLock::new(|| {
    Command::new("sh")
        .args(["-c", REAP, "reaper", &format!("{LABEL}={}", *MARK)])
        .stdin(Stdio::piped())
        // Whoever reads this process's output must not wait for the child.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A Ctrl-C at the terminal goes to the whole group, and would end the reaper before its work.
        .process_group(0)
        .spawn()
});

/// Makes sure that the reaper runs, and gives the labels of this process's containers.
///
/// Call it *before* a container is created: one created earlier could outlive a killed process.
pub(crate) fn labels() -> impl Iterator<Item = (&'static str, String)> {
    if let Err(error) = &*REAPER {
        panic!("cannot start `sh` to clean up after the tests: {error}");
    }
    // `scripts/test` sets it, to see for itself that nothing is left behind.
    let run = std::env::var("CACHEDPOOL_TEST_RUN").ok();
    [(LABEL, MARK.clone())]
        .into_iter()
        .chain(run.map(|run| ("cachedpool-tests.run", run)))
}
