//! Views, triggers and routines.

use super::Scene;
use crate::kit::Found;

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
async fn a_routine_computes_the_defaults_of_its_parameters() {
    let scene = Scene::with(
        "CREATE TABLE t (a INT);
         CREATE FUNCTION plain(a INT, b VARCHAR(9)) RETURNS INT RETURN a;
         CREATE FUNCTION looks(a INT DEFAULT (SELECT MAX(a) FROM t), b DECIMAL(5,2) DEFAULT 1) RETURNS INT RETURN a;
         CREATE PROCEDURE works(IN a INT DEFAULT plain(1, ',')) BEGIN DELETE FROM t; END;",
    )
    .await;
    let lines = &[
        "routine {db}.plain Volatile StoredProgram: RETURN a",
        "routine {db}.looks Volatile StoredProgram: BEGIN DO (SELECT MAX(a) FROM t); DO 1; RETURN a ; END",
        "routine {db}.works Volatile StoredProgram: BEGIN DO plain(1, ','); BEGIN DELETE FROM t; END ; END",
    ];
    scene.has_only(&scene.found().await, "routine {db}.", lines);
    let user = scene.user(&["EXECUTE ON {db}.*"]).await;
    for line in Found::in_pool(&user).await.starting_with("routine ") {
        assert!(line.contains("unreadable: its body may not"), "{line}");
    }
}
