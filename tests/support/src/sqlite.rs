//! SQLite databases in a directory that goes away.

use tempfile::TempDir;

/// The file of a SQLite database, empty and not created yet. Its directory is removed on drop.
#[derive(Debug)]
pub struct SqliteFile {
    directory: TempDir,
}

impl SqliteFile {
    /// Makes a fresh directory for one database.
    ///
    /// # Panics
    ///
    /// When the system's temporary directory cannot be written to.
    #[expect(
        clippy::new_without_default,
        reason = "makes a directory: too much for a default"
    )]
    pub fn new() -> Self {
        let directory =
            TempDir::with_prefix("cachedpool-").expect("the temporary directory can be written to");
        Self { directory }
    }

    /// The address for sqlx; the file is created by the first connection.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "sqlite://{}?mode=rwc",
            self.directory.path().join("test.db").display()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn directory_of(file: &SqliteFile) -> PathBuf {
        let url = file.url();
        let path = url
            .strip_prefix("sqlite://")
            .and_then(|rest| rest.strip_suffix("?mode=rwc"));
        PathBuf::from(path.unwrap()).parent().unwrap().to_owned()
    }

    #[test]
    fn two_files_share_no_directory_and_leave_none_behind() {
        let (one, other) = (SqliteFile::new(), SqliteFile::new());
        let directories = [directory_of(&one), directory_of(&other)];
        assert_ne!(directories[0], directories[1]);
        assert!(directories.iter().all(|directory| directory.is_dir()));
        drop((one, other));
        assert!(directories.iter().all(|directory| !directory.exists()));
    }
}
