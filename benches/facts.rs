//! What a SQL text costs that was not seen before: tokens, normal form, parse, facts.
//!
//! `cargo bench --bench facts`. The aim is 60 µs for each of these.

use cachedpool::sql::{Dialect, Facts, Functions, analyse};

fn main() {
    divan::main();
}

const TEXTS: [(&str, Dialect, &str); 9] = [
    ("by key", Dialect::Postgres, "SELECT * FROM users WHERE id = $1"),
    (
        "list",
        Dialect::Postgres,
        "SELECT id, name, email, created_at FROM users WHERE org_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC LIMIT $2 OFFSET $3",
    ),
    (
        "joins",
        Dialect::Postgres,
        "SELECT o.id, o.total, c.name, array_agg(i.sku ORDER BY i.line) AS skus
         FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN items i ON i.order_id = o.id
         WHERE o.org_id = $1 AND o.state = ANY ($2) AND lower(c.email) LIKE $3
         GROUP BY o.id, o.total, c.name HAVING sum(i.quantity) > 3 ORDER BY o.id LIMIT 50",
    ),
    (
        "ctes",
        Dialect::Postgres,
        "WITH recent AS (SELECT user_id, max(at) AS at FROM logins GROUP BY user_id),
              paid AS (SELECT user_id, sum(amount) AS amount FROM payments WHERE state = 'paid' GROUP BY user_id)
         SELECT u.id, u.name, r.at, coalesce(p.amount, 0) FROM users u
         LEFT JOIN recent r ON r.user_id = u.id LEFT JOIN paid p ON p.user_id = u.id WHERE u.org_id = $1",
    ),
    (
        "insert",
        Dialect::Postgres,
        "INSERT INTO users (id, name, email) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email RETURNING id",
    ),
    ("update", Dialect::MySql, "UPDATE users u JOIN orgs o ON o.id = u.org_id SET u.plan = o.plan WHERE o.id = ?"),
    ("delete", Dialect::Sqlite, "DELETE FROM sessions WHERE user_id = ?1 AND expires < ?2"),
    ("commit", Dialect::Postgres, "COMMIT"),
    ("unparsed", Dialect::Postgres, "SELECT a, b FROM t WHERE a ?? b ORDER BY c WITH FRIES"),
];

#[divan::bench(args = TEXTS.map(|(name, ..)| name))]
fn analyse_a_new_text(name: &str) -> Facts {
    let (_, dialect, sql) = TEXTS
        .into_iter()
        .find(|(known, ..)| *known == name)
        .expect("the arguments are the names");
    analyse(
        divan::black_box(dialect),
        divan::black_box(sql),
        &Functions::new(),
    )
}
