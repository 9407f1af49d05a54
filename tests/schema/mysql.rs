//! MariaDB, as a stand-in for MySQL too.

mod code;
mod fingerprint;
mod privileges;
mod relations;

use cachedpool_test_support::mariadb;
use sqlx::{AssertSqlSafe, MySqlPool, mysql::MySqlConnectOptions};

use crate::kit::Found;

/// A database of a test's own. `{db}` in its texts stands for the name.
struct Scene {
    name: String,
    /// A user who may do everything.
    root: MySqlPool,
}

impl Scene {
    async fn with(sql: &str) -> Self {
        let url = mariadb().await.fresh_database().await;
        let root = MySqlPool::connect(&url).await.unwrap();
        let name = sqlx::query_scalar("SELECT CONVERT(DATABASE() USING utf8mb4)")
            .fetch_one(&root)
            .await
            .unwrap();
        let scene = Scene { name, root };
        scene.run(sql).await;
        scene
    }

    async fn run(&self, sql: &str) {
        let sql = self.text(sql);
        sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(&self.root)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn text(&self, sql: &str) -> String {
        sql.replace("{db}", &self.name)
    }

    async fn found(&self) -> Found {
        Found::in_pool(&self.root).await
    }

    /// A user with these grants, in this database. `{user}` stands for the account.
    async fn user(&self, grants: &[&str]) -> MySqlPool {
        self.run("CREATE USER IF NOT EXISTS '{db}'@'%' IDENTIFIED BY 'secret'")
            .await;
        for grant in grants {
            self.run(&format!("GRANT {grant} TO '{{db}}'@'%'")).await;
        }
        self.sign_in().await
    }

    async fn sign_in(&self) -> MySqlPool {
        // Without a database: most accounts may not use the server's own.
        let url = mariadb().await.url().replace("/mysql?", "/?");
        let options: MySqlConnectOptions = url.parse().unwrap();
        let options = options.username(&self.name).password("secret");
        MySqlPool::connect_with(options).await.unwrap()
    }

    fn holds(&self, found: &Found, lines: &[&str]) {
        for line in lines {
            found.holds(&[&self.text(line)]);
        }
    }

    fn has_only(&self, found: &Found, start: &str, lines: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| self.text(line)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        found.has_only(&self.text(start), &lines);
    }
}
