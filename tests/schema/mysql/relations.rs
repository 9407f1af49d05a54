//! Tables, their columns and keys.

use super::Scene;
use crate::kit::Found;

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
        "foreign key a_p: {db}.a -> {db}.p(id) delete {\"delete\"} update {\"update\"}",
        "foreign key b_p: {db}.b -> {db}.p(id) delete {} update {\"update\"}",
        "foreign key c_up: {db}.c -> {db}.c(id) delete {\"update\"} update {}",
        "foreign key d_p: {db}_far.d -> {db}.p(id) delete {\"delete\"} update {}",
    ] {
        scene.holds(&found, &[line]);
    }
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
        "foreign key k.1: {db}.We`ird.\"t' -> {db}.We`ird.\"t'(a b) delete {} update {}",
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
