//! Grants as the servers show them; MySQL's are from its manual ("SHOW GRANTS Statement", "Privilege Restriction Using
//! Partial Revokes").

use std::convert::Infallible;

use super::*;
use crate::schema::Record;

/// A server of one account.
#[derive(Clone)]
struct Server {
    version: &'static str,
    roles: Option<&'static str>,
    /// What SHOW GRANTS shows without the roles, and with them.
    grants: Vec<&'static str>,
    with_roles: Vec<&'static str>,
    partial_revokes: &'static str,
}

const MYSQL: Server = Server {
    version: "8.4.3",
    roles: Some("NONE"),
    grants: Vec::new(),
    with_roles: Vec::new(),
    partial_revokes: "OFF",
};

impl CatalogReader for Server {
    type Error = Infallible;

    async fn rows(&mut self, sql: &str) -> Result<Vec<Record>, Infallible> {
        let lines = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| vec![Some((*line).into())])
                .collect()
        };
        Ok(if sql.starts_with("SELECT") {
            vec![vec![
                Some("o'hara@10.0.0.%".into()),
                self.roles.map(Into::into),
                Some(self.version.into()),
            ]]
        } else if sql == "SHOW GRANTS" {
            lines(&self.grants)
        } else if sql == "SHOW GRANTS FOR CURRENT_USER() USING `app`@`%`" {
            lines(&self.with_roles)
        } else if sql.starts_with("SHOW GLOBAL VARIABLES") {
            vec![vec![
                Some("partial_revokes".into()),
                Some(self.partial_revokes.into()),
            ]]
        } else {
            panic!("not asked for: {sql}")
        })
    }
}

async fn grants(mut server: Server) -> Grants {
    Grants::load(&mut server).await.unwrap()
}

#[tokio::test]
async fn privileges_count_where_they_were_given() {
    let shown = async |line: &'static str, database: &str, table: &str| {
        let server = Server {
            grants: vec![line],
            ..MYSQL
        };
        grants(server).await.shows_triggers(database, table)
    };
    for (line, database, table) in [
        (
            "GRANT SELECT, INSERT, EVENT, TRIGGER, CREATE ROLE ON *.* TO `u`@`%` WITH GRANT OPTION",
            "a",
            "t",
        ),
        ("GRANT ALL PRIVILEGES ON `a`.* TO `u`@`%`", "a", "t"),
        ("GRANT ALL PRIVILEGES ON \"a\".* TO \"u\"@\"%\"", "a", "t"),
        ("GRANT TRIGGER ON a.* TO u@`%`", "a", "t"),
        (
            "GRANT SELECT (`TRIGGER`, `a ON b`), TRIGGER ON `a`.`t` TO `u`@`%`",
            "a",
            "t",
        ),
        ("GRANT TRIGGER ON `a``.b`.`t.u` TO `u`@`%`", "a`.b", "t.u"),
        ("GRANT TRIGGER ON `a TO b`.* TO `u`@`%`", "a TO b", "t"),
        ("GRANT TRIGGER ON `my\\_app`.* TO `u`@`%`", "my_app", "t"),
        ("GRANT TRIGGER ON `my_app`.* TO `u`@`%`", "my_app", "t"),
        (
            "GRANT TRIGGER ON `tenant\\_%`.* TO `u`@`%`",
            "tenant_7",
            "t",
        ),
    ] {
        assert!(shown(line, database, table).await, "{line}");
    }
    for (line, database, table) in [
        ("GRANT SELECT, INSERT, UPDATE ON *.* TO `u`@`%`", "a", "t"),
        ("GRANT SELECT (`TRIGGER`) ON `a`.`t` TO `u`@`%`", "a", "t"),
        ("GRANT TRIGGER ON `a`.`t` TO `u`@`%`", "a", "u"),
        ("GRANT TRIGGER ON `a`.`t` TO `u`@`%`", "b", "t"),
        ("GRANT TRIGGER ON `a`.* TO `u`@`%`", "A", "t"),
        ("GRANT TRIGGER ON `my\\_app`.* TO `u`@`%`", "myXapp", "t"),
        ("GRANT TRIGGER ON `tenant\\_%`.* TO `u`@`%`", "tenants", "t"),
        ("GRANT EXECUTE ON FUNCTION `a`.`t` TO `u`@`%`", "a", "t"),
        ("GRANT `TRIGGER`@`%` TO `u`@`%`", "a", "t"),
        (
            "GRANT PROXY ON ``@`` TO `u`@`%` WITH GRANT OPTION",
            "a",
            "t",
        ),
        (
            "GRANT APPLICATION_PASSWORD_ADMIN,SHOW_ROUTINE ON *.* TO `u`@`%`",
            "a",
            "t",
        ),
    ] {
        assert!(!shown(line, database, table).await, "{line}");
    }
}

#[tokio::test]
async fn a_partial_revoke_takes_a_database_out_and_makes_patterns_names() {
    let found = grants(Server {
        grants: vec![
            "GRANT SELECT, TRIGGER ON *.* TO `u`@`%`",
            "GRANT TRIGGER ON `tenant_%`.* TO `u`@`%`",
            "REVOKE TRIGGER ON `a`.* FROM `u`@`%`",
            "REVOKE INSERT ON `b`.* FROM `u`@`%`",
            "REVOKE TRIGGER ON `tenant_1`.* FROM `u`@`%`",
        ],
        partial_revokes: "ON",
        ..MYSQL
    })
    .await;
    assert!(found.shows_triggers("b", "t"));
    assert!(found.shows_triggers("tenant_%", "t"));
    assert!(!found.shows_triggers("a", "t"));
    assert!(!found.shows_triggers("tenant_1", "t"));
}

#[tokio::test]
async fn roles_count_while_they_are_active() {
    let server = Server {
        roles: Some("`app`@`%`"),
        grants: vec![
            "GRANT USAGE ON *.* TO `u`@`%`",
            "GRANT `app`@`%` TO `u`@`%`",
        ],
        with_roles: vec![
            "GRANT USAGE ON *.* TO `u`@`%`",
            "GRANT ALL PRIVILEGES ON `a`.* TO `u`@`%`",
            "GRANT `app`@`%` TO `u`@`%`",
        ],
        ..MYSQL
    };
    let inactive = Server {
        roles: Some("NONE"),
        ..server.clone()
    };
    assert!(!grants(inactive).await.shows_triggers("a", "t"));
    assert!(grants(server).await.shows_triggers("a", "t"));
}

#[tokio::test]
async fn the_remedy_grants_what_is_missing_where_it_is_missing() {
    let missing = [
        ("my_app".to_owned(), "TRIGGER"),
        ("my_app".to_owned(), "SHOW VIEW"),
        ("my_app".to_owned(), "TRIGGER"),
        ("b`c".to_owned(), "TRIGGER"),
    ];
    assert_eq!(
        grants(MYSQL).await.remedy(&missing),
        "GRANT TRIGGER ON `b``c`.* TO 'o''hara'@'10.0.0.%'; \
         GRANT SHOW VIEW, TRIGGER ON `my\\_app`.* TO 'o''hara'@'10.0.0.%'"
    );
}

#[tokio::test]
async fn the_fingerprint_holds_no_password_and_moves_with_every_grant() {
    let of = async |line: &'static str| {
        let server = Server {
            version: "11.8.2-MariaDB",
            roles: None,
            grants: vec![line],
            ..MYSQL
        };
        grants(server).await.fingerprint()
    };
    let one = of("GRANT SELECT ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*B69027'").await;
    assert!(!one.contains("B69027"), "{one}");
    assert_eq!(
        one,
        of("GRANT SELECT ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*000000'").await
    );
    assert_ne!(one, of("GRANT SELECT, PROCESS ON *.* TO `u`@`%`").await);
    assert_ne!(one, of("GRANT SELECT ON `a`.* TO `u`@`%`").await);
}
