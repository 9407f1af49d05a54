//! MariaDB, as a stand-in for MySQL too.

use cachedpool::inspect;
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

/// What a database shows a user, or why it is not enough.
async fn told(user: &MySqlPool) -> Result<Vec<String>, String> {
    inspect::catalog(user).await
}

#[tokio::test]
async fn relations_have_their_kind() {
    let scene = Scene::with(
        "CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a FROM t; CREATE SEQUENCE s;
         CREATE TABLE history (a INT) WITH SYSTEM VERSIONING;
         CREATE TABLE parts (a INT PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3;
         CREATE TABLE volatile (a INT) ENGINE = MEMORY;
         CREATE TABLE part (a INT) ENGINE = MyISAM;
         CREATE TABLE merged (a INT) ENGINE = MERGE UNION = (part) INSERT_METHOD = LAST;
         CREATE TEMPORARY TABLE temporary (a INT);",
    )
    .await;
    let found = scene.found().await;
    scene.holds(&found, &["path {db}"]);
    scene.has_only(
        &found,
        "table {db}.",
        &[
            "table {db}.t",
            "table {db}.history",
            "table {db}.parts",
            "table {db}.volatile unlogged",
            "table {db}.part",
        ],
    );
    scene.has_only(&found, "view {db}.", &["view {db}.v"]);
    scene.has_only(&found, "sequence {db}.", &["sequence {db}.s"]);
    scene.has_only(
        &found,
        "foreign table {db}.",
        &["foreign table {db}.merged"],
    );
    scene.holds(
        &found,
        &["trigger ENGINE MRG_MyISAM on {db}.merged {\"insert\", \"update\", \"delete\", \"truncate\"} \
           unknown: its rows are in tables that the catalog does not name"],
    );
    found.has_only("table mysql.", &[]);
    found.has_only("view sys.", &[]);
    found.has_only("view information_schema.", &[]);
}

#[tokio::test]
async fn without_a_database_there_is_no_path() {
    let scene = Scene::with("CREATE TABLE t (a INT)").await;
    let user = scene.user(&[]).await;
    Found::in_pool(&user).await.has_only("path", &["path "]);
}

#[tokio::test]
async fn columns_have_the_bounds_of_their_type() {
    let scene = Scene::with(
        "CREATE TABLE t (
            a TINYINT, b TINYINT UNSIGNED, c SMALLINT, d MEDIUMINT UNSIGNED, e INT(3) UNSIGNED ZEROFILL, f INTEGER,
            g BIGINT, h BIGINT UNSIGNED, i BOOL, j DATE, k YEAR, l DECIMAL(9, 0), m DOUBLE, n BIT(8), o UUID,
            p ENUM('x', 'y'), q DATETIME)",
    )
    .await;
    scene.has_only(
        &scene.found().await,
        "column {db}.t.",
        &[
            "column {db}.t.a integer -128..127",
            "column {db}.t.b integer 0..255",
            "column {db}.t.c integer -32768..32767",
            "column {db}.t.d integer 0..16777215",
            "column {db}.t.e integer 0..4294967295",
            "column {db}.t.f integer -2147483648..2147483647",
            "column {db}.t.g integer -9223372036854775808..9223372036854775807",
            "column {db}.t.h integer 0..9223372036854775807",
            "column {db}.t.i integer -128..127",
            "column {db}.t.j date",
            "column {db}.t.k other",
            "column {db}.t.l other",
            "column {db}.t.m other",
            "column {db}.t.n other",
            "column {db}.t.o other",
            "column {db}.t.p other",
            "column {db}.t.q other",
        ],
    );
}

#[tokio::test]
async fn text_is_canonical_only_where_bytes_decide() {
    let scene = Scene::with(
        "CREATE TABLE t (
            a VARCHAR(20) COLLATE utf8mb4_nopad_bin, b TEXT COLLATE utf8mb4_nopad_bin, c TINYTEXT COLLATE utf8mb4_nopad_bin,
            d CHAR(5) COLLATE utf8mb4_nopad_bin, e VARCHAR(20), f VARCHAR(20) COLLATE utf8mb4_general_ci,
            g VARCHAR(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_nopad_bin, h VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin,
            i VARBINARY(20), j VARCHAR(20) COLLATE utf8mb4_uca1400_nopad_as_cs,
            k VARCHAR(20) COLLATE utf8mb4_bin, l CHAR(36) COLLATE utf8mb4_bin, m LONGTEXT COLLATE utf8mb4_bin)",
    )
    .await;
    scene.has_only(
        &scene.found().await,
        "column {db}.t.",
        &[
            "column {db}.t.a text 20",
            "column {db}.t.b text 16383",
            "column {db}.t.c text 63",
            "column {db}.t.d padded text 5",
            "column {db}.t.e other",
            "column {db}.t.f other",
            "column {db}.t.g other",
            "column {db}.t.h other",
            "column {db}.t.i other",
            "column {db}.t.j other",
            "column {db}.t.k padded text 20",
            "column {db}.t.l padded text 36",
            "column {db}.t.m padded text 1073741823",
        ],
    );
}

#[tokio::test]
async fn columns_that_change_by_themselves_say_so_and_invisible_ones_come_last() {
    let scene = Scene::with(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, hidden INT INVISIBLE DEFAULT 1, a INT,
            stored INT AS (a + 1) STORED, virtual INT AS (a + 1), now_ INT DEFAULT (1 + 1),
            seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)",
    )
    .await;
    let found = scene.found().await;
    let int = "integer -2147483648..2147483647";
    assert_eq!(
        found.in_order(&scene.text("column {db}.t.")),
        [
            scene.text(&format!("column {{db}}.t.id {int} numbered")),
            scene.text(&format!("column {{db}}.t.a {int}")),
            scene.text(&format!("column {{db}}.t.stored {int} computed")),
            scene.text(&format!("column {{db}}.t.virtual {int} computed")),
            scene.text(&format!("column {{db}}.t.now_ {int}")),
            scene.text("column {db}.t.seen other computed"),
            scene.text(&format!("column {{db}}.t.hidden {int}")),
        ]
    );
}

#[tokio::test]
async fn keys_are_those_of_constraints_and_the_first_columns_of_indexes() {
    let scene = Scene::with(
        "CREATE TABLE p (x INT, y INT, PRIMARY KEY (x, y));
         CREATE TABLE t (id INT PRIMARY KEY, a INT UNIQUE, b INT, c VARCHAR(90), d TEXT, e INT, f INT,
            UNIQUE u (b, c), KEY i (c, b), UNIQUE prefix (e, c(5)), KEY only_prefix (d(5)), FULLTEXT words (d),
            CONSTRAINT k FOREIGN KEY (e, f) REFERENCES p (x, y));",
    )
    .await;
    scene.has_only(
        &scene.found().await,
        "key {db}.t(",
        &[
            "key {db}.t(id)",
            "key {db}.t(a)",
            "key {db}.t(b, c)",
            "key {db}.t(b)",
            "key {db}.t(c)",
            "key {db}.t(e)",
            "key {db}.t(e, f)",
        ],
    );
}

#[tokio::test]
async fn foreign_keys_have_what_they_do_also_across_databases() {
    let scene = Scene::with(
        "CREATE DATABASE {db}_far;
         CREATE TABLE p (id INT PRIMARY KEY);
         CREATE TABLE a (p INT, CONSTRAINT a_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL);
         CREATE TABLE b (p INT, CONSTRAINT b_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE NO ACTION ON UPDATE CASCADE);
         CREATE TABLE c (id INT PRIMARY KEY, up INT, CONSTRAINT c_up FOREIGN KEY (up) REFERENCES c (id) ON DELETE SET NULL);
         CREATE TABLE {db}_far.d (p INT, CONSTRAINT d_p FOREIGN KEY (p) REFERENCES {db}.p (id) ON DELETE CASCADE);",
    )
    .await;
    let found = scene.found().await;
    for line in [
        "foreign key a_p: {db}.a -> {db}.p delete {\"delete\"} update {\"update\"}",
        "foreign key b_p: {db}.b -> {db}.p delete {} update {\"update\"}",
        "foreign key c_up: {db}.c -> {db}.c delete {\"update\"} update {}",
        "foreign key d_p: {db}_far.d -> {db}.p delete {\"delete\"} update {}",
    ] {
        scene.holds(&found, &[line]);
    }
}

#[tokio::test]
async fn views_have_their_query_and_a_broken_one_fails_nothing() {
    let scene = Scene::with(
        "CREATE TABLE t (a INT); CREATE VIEW v (x) AS SELECT a FROM t WHERE a > 1 WITH CASCADED CHECK OPTION;
         CREATE VIEW above AS SELECT v.x FROM v JOIN t ON t.a = v.x;
         CREATE TABLE doomed (a INT); CREATE VIEW broken AS SELECT a FROM doomed; DROP TABLE doomed;
         SET sql_mode = 'ANSI_QUOTES'; CREATE VIEW quoted AS SELECT \"a\" FROM \"t\" WHERE 'x' = 'y\\\\';",
    )
    .await;
    scene.has_only(
        &scene.found().await,
        "definition {db}.",
        &[
            "definition {db}.v: calls []: select `{db}`.`t`.`a` AS `x` from `{db}`.`t` where `{db}`.`t`.`a` > 1",
            "definition {db}.above: calls []: select `v`.`x` AS `x` from (`{db}`.`v` join `{db}`.`t` on(`{db}`.`t`.`a` = `v`.`x`))",
            "definition {db}.broken: calls []: select `{db}`.`doomed`.`a` AS `a` from `{db}`.`doomed`",
            "definition {db}.quoted: calls []: select `{db}`.`t`.`a` AS `a` from `{db}`.`t` where 'x' = 'y\\\\'",
        ],
    );
}

#[tokio::test]
async fn triggers_have_their_body_unless_it_reads_differently() {
    let scene = Scene::with(
        "CREATE TABLE t (a INT); CREATE TABLE log (a INT);
         CREATE TRIGGER one AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (NEW.a);
         CREATE TRIGGER two AFTER INSERT ON t FOR EACH ROW FOLLOWS one BEGIN DELETE FROM log; UPDATE log SET a = 1; END;
         CREATE TRIGGER three BEFORE DELETE ON t FOR EACH ROW SET @x = 1;
         SET sql_mode = 'ANSI_QUOTES';
         CREATE TRIGGER four BEFORE UPDATE ON t FOR EACH ROW DELETE FROM \"log\";
         SET sql_mode = 'ORACLE';
         CREATE TRIGGER five BEFORE UPDATE ON log FOR EACH ROW BEGIN DELETE FROM t; END;",
    )
    .await;
    let found = scene.found().await;
    let of_this = |line: &&str| line.contains(&scene.text(" on {db}."));
    let mut lines = found.starting_with("trigger ");
    lines.retain(of_this);
    let expected: Vec<String> = [
        "trigger five on {db}.log {\"update\"} unknown: it is written in the SQL mode ANSI_QUOTES",
        "trigger four on {db}.t {\"update\"} unknown: it is written in the SQL mode ANSI_QUOTES",
        "trigger one on {db}.t {\"insert\"} StoredProgram: INSERT INTO log VALUES (NEW.a)",
        "trigger three on {db}.t {\"delete\"} StoredProgram: SET @x = 1",
        "trigger two on {db}.t {\"insert\"} StoredProgram: BEGIN DELETE FROM log; UPDATE log SET a = 1; END",
    ]
    .map(|line| scene.text(line))
    .into();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn routines_promise_no_more_than_the_server_checks() {
    let scene = Scene::with(
        "CREATE TABLE t (a INT);
         CREATE FUNCTION said() RETURNS INT DETERMINISTIC RETURN (SELECT MAX(a) FROM t);
         CREATE FUNCTION looks() RETURNS INT DETERMINISTIC READS SQL DATA RETURN 1;
         CREATE FUNCTION plain() RETURNS INT RETURN 1;
         CREATE FUNCTION writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM t; RETURN 1; END;
         CREATE PROCEDURE p() BEGIN DELETE FROM t; END;
         SET sql_mode = 'ORACLE';
         CREATE PACKAGE pack AS FUNCTION f RETURN INT; END;
         CREATE PACKAGE BODY pack AS FUNCTION f RETURN INT AS BEGIN DELETE FROM t; RETURN 1; END; END;",
    )
    .await;
    scene.has_only(
        &scene.found().await,
        "routine {db}.",
        &[
            "routine {db}.said Stable StoredProgram: RETURN (SELECT MAX(a) FROM t)",
            "routine {db}.looks Stable StoredProgram: RETURN 1",
            "routine {db}.plain Volatile StoredProgram: RETURN 1",
            "routine {db}.writes Volatile StoredProgram: BEGIN DELETE FROM t; RETURN 1; END",
            "routine {db}.p Volatile StoredProgram: BEGIN DELETE FROM t; END",
            "routine {db}.pack Volatile unreadable: it is a PACKAGE",
            "routine {db}.pack Volatile unreadable: it is a PACKAGE BODY",
        ],
    );
}

#[tokio::test]
async fn names_are_kept_as_they_are() {
    let scene = Scene::with(
        "CREATE TABLE `We``ird.\"t'` (`a b` INT PRIMARY KEY, `ü` INT, CONSTRAINT `k.1` FOREIGN KEY (`ü`) REFERENCES `We``ird.\"t'` (`a b`));
         CREATE TABLE T (a INT); CREATE TABLE t (b INT); CREATE VIEW `select` AS SELECT 1 AS `from`;",
    )
    .await;
    let found = scene.found().await;
    let lines = [
        "table {db}.We`ird.\"t'",
        "column {db}.We`ird.\"t'.a b integer -2147483648..2147483647",
        "key {db}.We`ird.\"t'(ü)",
        "foreign key k.1: {db}.We`ird.\"t' -> {db}.We`ird.\"t' delete {} update {}",
        "table {db}.T",
        "column {db}.T.a integer -2147483648..2147483647",
        "table {db}.t",
        "column {db}.t.b integer -2147483648..2147483647",
        "definition {db}.select: calls []: select 1 AS `from`",
    ];
    scene.holds(&found, &lines);
}

#[tokio::test]
async fn no_limit_of_the_session_cuts_a_listing_off() {
    let scene = Scene::with("CREATE TABLE t (a INT, b INT, c INT)").await;
    let mut connection = scene.root.acquire().await.unwrap();
    sqlx::raw_sql("SET sql_select_limit = 1")
        .execute(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    let found = scene.found().await;
    assert_eq!(found.starting_with(&scene.text("column {db}.t.")).len(), 3);
}

const TABLE_WITH_TRIGGER: &str = "CREATE TABLE t (a INT); CREATE TABLE u (a INT);
     CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM u";

#[tokio::test]
async fn a_user_without_the_privilege_trigger_is_told_the_grant() {
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    for grants in [
        "SELECT ON {db}.*",
        "INSERT, UPDATE, DELETE ON {db}.*",
        "TRIGGER ON {db}.t",
        "SELECT (a), REFERENCES (a) ON {db}.u",
    ] {
        let user = scene.user(&[grants]).await;
        let error = told(&user).await.unwrap_err();
        let (query, remedy) = error.split_once('\n').unwrap();
        assert!(query.contains("information_schema.triggers"), "{query}");
        let name = scene.name.replace('_', "\\_");
        assert_eq!(
            remedy,
            scene.text(&format!("GRANT TRIGGER ON `{name}`.* TO '{{db}}'@'%'")),
            "after {grants}"
        );
        // What is said helps.
        if grants.starts_with("SELECT (a)") {
            scene.run(remedy).await;
            let lines = told(&scene.sign_in().await).await.unwrap();
            assert!(
                lines.iter().any(|line| line.starts_with("trigger tr on ")),
                "{lines:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_privilege_may_come_from_anywhere() {
    for grants in [
        &["SELECT, SHOW VIEW, TRIGGER ON *.*"][..],
        &["ALL PRIVILEGES ON {db}.*"],
        &["SELECT, TRIGGER ON {db}.t", "SELECT, TRIGGER ON {db}.u"],
        &["ALL ON `{db}%`.*"],
    ] {
        let scene = Scene::with(TABLE_WITH_TRIGGER).await;
        let user = scene.user(grants).await;
        let lines = told(&user).await.unwrap();
        assert!(
            lines.iter().any(|line| line.starts_with("trigger tr on ")),
            "{grants:?}"
        );
    }
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    scene
        .run("CREATE ROLE {db}_role; GRANT SELECT, TRIGGER ON {db}.* TO {db}_role")
        .await;
    scene.user(&["{db}_role"]).await;
    scene.run("SET DEFAULT ROLE {db}_role FOR '{db}'@'%'").await;
    let lines = told(&scene.sign_in().await).await.unwrap();
    assert!(
        lines.iter().any(|line| line.starts_with("trigger tr on ")),
        "by a role"
    );
}

#[tokio::test]
async fn of_two_grants_that_fit_the_exact_one_counts() {
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    let user = scene.user(&["ALL ON `{db}%`.*", "SELECT ON {db}.*"]).await;
    assert!(told(&user).await.is_err());
    let shown: Option<String> = sqlx::query_scalar(AssertSqlSafe(scene.text(
        "SELECT CONVERT(action_statement USING utf8mb4) FROM information_schema.triggers WHERE trigger_schema = '{db}'",
    )))
    .fetch_optional(&user)
    .await
    .unwrap()
    .flatten();
    assert_eq!(shown, None, "the server sees it so");
}

#[tokio::test]
async fn a_user_who_may_not_see_a_views_query_is_told_the_grant() {
    let scene = Scene::with("CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a FROM t").await;
    for grants in [&["INSERT, TRIGGER ON {db}.*"][..], &["SELECT ON {db}.*"]] {
        let user = scene.user(grants).await;
        let error = told(&user).await.unwrap_err();
        let (query, remedy) = error.split_once('\n').unwrap();
        assert!(query.contains("information_schema.views"), "{query}");
        let name = scene.name.replace('_', "\\_");
        assert_eq!(
            remedy,
            scene.text(&format!(
                "GRANT SELECT, SHOW VIEW ON `{name}`.* TO '{{db}}'@'%'"
            ))
        );
    }
    let user = scene.user(&["SHOW VIEW ON {db}.*"]).await;
    told(&user).await.unwrap();
}

#[tokio::test]
async fn a_routine_whose_body_may_not_be_seen_says_so() {
    let scene = Scene::with("CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1").await;
    let user = scene.user(&["EXECUTE ON {db}.*"]).await;
    let found = Found::in_pool(&user).await;
    let [line] = found.starting_with("routine ")[..] else {
        panic!("one routine");
    };
    assert!(
        line.contains("Stable unreadable: its body may not be seen"),
        "{line}"
    );
}

#[tokio::test]
async fn the_fingerprint_moves_with_the_schema_and_the_grants_alone() {
    let scene = Scene::with(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b INT); CREATE TABLE p (id INT PRIMARY KEY);
         CREATE VIEW v AS SELECT a FROM t",
    )
    .await;
    // One who sees this database alone: other tests change theirs.
    let user = scene.user(&["ALL ON {db}.*"]).await;
    let mut last = inspect::fingerprint(&user).await.unwrap();
    for ddl in [
        "ALTER TABLE t MODIFY a BIGINT",
        "ALTER TABLE t MODIFY a BIGINT AFTER b",
        "ALTER TABLE t ADD KEY i (a)",
        "ALTER TABLE t DROP KEY i, ADD UNIQUE KEY i (a)",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES p (id)",
        "ALTER TABLE t DROP FOREIGN KEY k",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES p (id) ON DELETE CASCADE",
        "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM p",
        "CREATE OR REPLACE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM p WHERE id = 1",
        "CREATE OR REPLACE VIEW v AS SELECT b FROM t",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE OR REPLACE FUNCTION f() RETURNS INT RETURN 2",
        "ALTER TABLE p ENGINE = MyISAM",
        "CREATE TABLE n (a INT)",
        "DROP TABLE n",
        "RENAME TABLE v TO w",
        "GRANT PROCESS ON *.* TO '{db}'@'%'",
        "REVOKE DELETE ON {db}.* FROM '{db}'@'%'",
        "CREATE SEQUENCE s",
    ] {
        if ddl.contains("p ENGINE") {
            scene.run("ALTER TABLE t DROP FOREIGN KEY k").await;
            last = inspect::fingerprint(&user).await.unwrap();
        }
        scene.run(ddl).await;
        let now = inspect::fingerprint(&user).await.unwrap();
        assert_ne!(now, last, "{ddl}");
        last = now;
    }
    assert!(!last.contains('*') || !last.contains("PASSWORD"), "{last}");
    for harmless in [
        "INSERT INTO t (a) VALUES (1), (2), (3)",
        "UPDATE t SET a = a + 5",
        "ANALYZE TABLE t",
        "OPTIMIZE TABLE t",
        "TRUNCATE TABLE t",
        "CREATE TEMPORARY TABLE t (z INT)",
        "DO NEXTVAL(s)",
        "FLUSH TABLES",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM p",
    ] {
        scene.run(harmless).await;
        assert_eq!(
            inspect::fingerprint(&user).await.unwrap(),
            last,
            "{harmless}"
        );
    }
    sqlx::raw_sql(AssertSqlSafe(
        scene.text("CREATE TEMPORARY TABLE {db}.t (z INT)"),
    ))
    .execute(&user)
    .await
    .unwrap();
    assert_eq!(
        inspect::fingerprint(&user).await.unwrap(),
        last,
        "the session's own table"
    );
}
