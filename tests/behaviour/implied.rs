//! Functions that statements run without naming them before a bracket.

use cachedpool::Source;

use crate::kit::{Scene, Setting, TestDatabase};

tests!(only postgres => [
    a_function_of_a_row_is_read_like_its_column,
    a_function_of_a_row_is_called_like_its_column_in_a_body_too,
    a_function_that_is_called_like_a_column_can_write,
    what_is_behind_an_operator_is_read,
    what_is_behind_an_operator_in_a_body_is_read,
    an_operator_can_write,
    an_operator_can_write_that_a_word_stands_for,
    what_is_behind_a_cast_is_read,
    a_cast_can_write,
    a_domain_can_write,
    a_domain_of_an_argument_can_write,
    a_domain_that_nobody_names_is_not_noticed,
    an_order_can_write,
    what_only_computes_is_not_noticed,
]);

const LOG: &str = "CREATE FUNCTION log(bigint, text) RETURNS boolean LANGUAGE sql VOLATILE AS \
    'INSERT INTO pets VALUES ((SELECT coalesce(max(id), 0) + 1 FROM pets), 1, ''Rex'') RETURNING true'";

const PETS_OF: &str = "CREATE FUNCTION pets_of(people) RETURNS text STABLE LANGUAGE sql AS \
    'SELECT count(*)::text FROM pets WHERE owner = $1.id'";

const HAS: &str = "CREATE FUNCTION has(bigint, text) RETURNS boolean STABLE LANGUAGE sql AS \
    'SELECT EXISTS (SELECT FROM pets WHERE owner = $1 AND name = $2)'";

/// That an answer is not the old one after a pet has come.
async fn depends_on_pets<DB: TestDatabase>(
    prepared: impl IntoIterator<Item = &'static str>,
    rows: &str,
) {
    let scene = Setting::<DB>::usual().with(prepared).scene().await;
    let rows = format!("({rows}) AS answer");
    let before = scene.rows(&rows).await;
    assert_eq!(before, scene.truth(&rows).await);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_ne!(scene.truth(&rows).await, before);
    assert_eq!(scene.rows(&rows).await, scene.truth(&rows).await);
}

/// That no old answer is given after a statement that brings pets.
async fn writes_pets<DB: TestDatabase>(
    prepared: impl IntoIterator<Item = &'static str>,
    statement: &str,
) {
    let scene: Scene<DB> = Setting::usual().with(prepared).scene().await;
    let before = scene.rows("pets").await;
    scene.rows("pets").await;
    scene.through(statement).await;
    assert_ne!(scene.truth("pets").await, before);
    scene.assert_true(statement).await;
}

async fn a_function_of_a_row_is_read_like_its_column<DB: TestDatabase>() {
    for column in [
        "p.pets_of",
        "(p).pets_of",
        "p . \"pets_of\"",
        "(p.*).pets_of",
    ] {
        let rows = format!("SELECT p.id, {column} AS name FROM people p");
        depends_on_pets::<DB>([PETS_OF], &rows).await;
    }
}

async fn a_function_of_a_row_is_called_like_its_column_in_a_body_too<DB: TestDatabase>() {
    let all = "CREATE FUNCTION everyones() RETURNS text STABLE LANGUAGE sql AS \
        'SELECT string_agg(p.pets_of, '','' ORDER BY p.id) FROM people p'";
    let rows = "SELECT id, everyones() AS name FROM people";
    depends_on_pets::<DB>([PETS_OF, all], rows).await;
}

async fn a_function_that_is_called_like_a_column_can_write<DB: TestDatabase>() {
    let noted =
        "CREATE FUNCTION noted(people) RETURNS boolean LANGUAGE sql AS 'SELECT log($1.id, ''x'')'";
    writes_pets::<DB>([LOG, noted], "SELECT p.noted FROM people p").await;
}

const HASH: &str = "CREATE OPERATOR # (LEFTARG = bigint, RIGHTARG = text, FUNCTION = has)";

async fn what_is_behind_an_operator_is_read<DB: TestDatabase>() {
    let rows = "SELECT id, (id # 'Rex'::text)::text AS name FROM people";
    depends_on_pets::<DB>([HAS, HASH], rows).await;
}

async fn what_is_behind_an_operator_in_a_body_is_read<DB: TestDatabase>() {
    let found = "CREATE FUNCTION found(bigint) RETURNS text STABLE LANGUAGE plpgsql AS \
        'BEGIN RETURN ($1 # ''Rex''::text)::text; END'";
    let rows = "SELECT id, found(id) AS name FROM people";
    depends_on_pets::<DB>([HAS, HASH, found], rows).await;
}

async fn an_operator_can_write<DB: TestDatabase>() {
    for (operator, statement) in [
        (
            "CREATE OPERATOR @@@ (LEFTARG = bigint, RIGHTARG = text, FUNCTION = log)",
            "SELECT id @@@ 'x'::text FROM people",
        ),
        (
            "CREATE OPERATOR # (LEFTARG = bigint, RIGHTARG = text, FUNCTION = log)",
            "SELECT 1 FROM people WHERE id OPERATOR(public.#) name",
        ),
    ] {
        writes_pets::<DB>([LOG, operator], statement).await;
    }
}

async fn an_operator_can_write_that_a_word_stands_for<DB: TestDatabase>() {
    let operator = "CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = text, FUNCTION = log)";
    let statement = "SELECT 1 FROM people WHERE id IN (name::text)";
    writes_pets::<DB>([LOG, operator], statement).await;
}

const BADGE: &str = "CREATE TYPE badge AS (number bigint)";

async fn what_is_behind_a_cast_is_read<DB: TestDatabase>() {
    let shown = "CREATE FUNCTION shown(badge) RETURNS text STABLE LANGUAGE sql AS \
        'SELECT count(*)::text FROM pets WHERE owner = $1.number'";
    let cast = "CREATE CAST (badge AS text) WITH FUNCTION shown(badge)";
    let rows = "SELECT id, CAST(ROW(id)::badge AS text) AS name FROM people";
    depends_on_pets::<DB>([BADGE, shown, cast], rows).await;
}

async fn a_cast_can_write<DB: TestDatabase>() {
    let shown = "CREATE FUNCTION shown(badge) RETURNS text LANGUAGE plpgsql AS \
        'BEGIN PERFORM log($1.number, ''x''); RETURN ''shown''; END'";
    let cast = "CREATE CAST (badge AS text) WITH FUNCTION shown(badge) AS IMPLICIT";
    let statement = "SELECT upper(ROW(id)::badge) FROM people";
    writes_pets::<DB>([LOG, BADGE, shown, cast], statement).await;
}

async fn a_domain_can_write<DB: TestDatabase>() {
    let domain = "CREATE DOMAIN word AS text CHECK (log(1, VALUE))";
    writes_pets::<DB>([LOG, domain], "SELECT name::word FROM people").await;
}

async fn a_domain_of_an_argument_can_write<DB: TestDatabase>() {
    let domain = "CREATE DOMAIN word AS text CHECK (log(1, VALUE))";
    let same = "CREATE FUNCTION same(word) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN ''same''; END'";
    let statement = "SELECT same('x') FROM people";
    writes_pets::<DB>([LOG, domain, same], statement).await;
}

async fn a_domain_that_nobody_names_is_not_noticed<DB: TestDatabase>() {
    let domain = "CREATE DOMAIN word AS text CHECK (log(1, VALUE))";
    let scene = Setting::<DB>::usual().with([LOG, domain]).scene().await;
    scene.warm().await;
    scene.through("SELECT name FROM people").await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Local);
}

async fn an_order_can_write<DB: TestDatabase>() {
    let compare = "CREATE FUNCTION compare(badge, badge) RETURNS int LANGUAGE plpgsql AS \
        'BEGIN PERFORM log($1.number, ''x''); RETURN sign($1.number - $2.number); END'";
    let less = "CREATE FUNCTION less(badge, badge) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1.number < $2.number'";
    let operators = [
        "CREATE OPERATOR <# (LEFTARG = badge, RIGHTARG = badge, FUNCTION = less)",
        "CREATE OPERATOR <=# (LEFTARG = badge, RIGHTARG = badge, FUNCTION = less)",
        "CREATE OPERATOR =# (LEFTARG = badge, RIGHTARG = badge, FUNCTION = less)",
        "CREATE OPERATOR >=# (LEFTARG = badge, RIGHTARG = badge, FUNCTION = less)",
        "CREATE OPERATOR ># (LEFTARG = badge, RIGHTARG = badge, FUNCTION = less)",
    ];
    let class = "CREATE OPERATOR CLASS by_number DEFAULT FOR TYPE badge USING btree AS OPERATOR 1 <#, OPERATOR 2 <=#, \
        OPERATOR 3 =#, OPERATOR 4 >=#, OPERATOR 5 >#, FUNCTION 1 compare(badge, badge)";
    let prepared = [LOG, BADGE, compare, less]
        .into_iter()
        .chain(operators)
        .chain([class]);
    let statement = "SELECT id FROM people ORDER BY ROW(id)::badge";
    writes_pets::<DB>(prepared, statement).await;
}

/// Nobody marks such functions as what they are.
async fn what_only_computes_is_not_noticed<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE TYPE vec AS (x bigint, y bigint)",
            "CREATE FUNCTION vec_add(vec, vec) RETURNS vec LANGUAGE sql AS 'SELECT ROW($1.x + $2.x, $1.y + $2.y)::vec'",
            "CREATE OPERATOR + (LEFTARG = vec, RIGHTARG = vec, FUNCTION = vec_add)",
            "CREATE FUNCTION vec_text(vec) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1.x || '','' || $1.y; END'",
            "CREATE CAST (vec AS text) WITH FUNCTION vec_text(vec)",
            "CREATE FUNCTION is_mail(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN $1 LIKE ''%@%''; END'",
            "CREATE DOMAIN mail AS text CHECK (is_mail(VALUE))",
            "CREATE FUNCTION length_of(vec) RETURNS double precision LANGUAGE sql AS 'SELECT sqrt($1.x * $1.x + $1.y * $1.y)'",
        ])
        .scene()
        .await;
    let rows = "(SELECT p.id + 1 AS id, p.name::text AS name FROM people p) AS answer";
    scene.rows(rows).await;
    assert_eq!(scene.source(rows).await, Source::Local);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.source(rows).await, Source::Local);
}
