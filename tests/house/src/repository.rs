//! The repository as its rules see it: the files that git knows, and cargo's view of the packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a file below the root.
///
/// # Errors
///
/// When it cannot be read, or is no text.
pub fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// What can be read as text in a file below the root, whatever else it holds.
///
/// # Errors
///
/// When it cannot be read.
pub fn read_lossy(path: &str) -> Result<String, String> {
    let bytes = std::fs::read(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// All files that git tracks or would track, from the root, without those that are deleted.
///
/// # Errors
///
/// When git cannot be asked.
pub fn files() -> Result<Vec<String>, String> {
    let listed = output(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )?;
    let files: Vec<String> = listed
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect();
    if files.is_empty() {
        Err("git knows of no file here".to_owned())
    } else {
        Ok(files)
    }
}

/// What cargo knows about our packages and all that they need, with all features, for all platforms.
///
/// # Errors
///
/// When cargo fails.
pub fn metadata() -> Result<Value, String> {
    let text = output(
        env!("CARGO"),
        &[
            "metadata",
            "--format-version",
            "1",
            "--all-features",
            "--locked",
        ],
    )?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
