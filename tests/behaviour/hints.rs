//! What a reader asks for: in the builder's methods, in a policy, in a comment of the SQL, in the pool's defaults.

use std::time::Duration;

use cachedpool::{CacheExt as _, CachePolicy, Source, is_not_cached, observe::Event};

use crate::kit::{Number, Person, Scene, Server, Setting, TestDatabase, bare, read};

tests!(sqlite, postgres, mariadb => [
    a_time_to_live_is_taken_from_the_nearest_hint,
    a_comment_turns_the_cache_off,
    an_unknown_hint_is_told_and_the_query_runs,
    scopes_do_not_mix,
    tags_are_invalidated_wherever_they_were_given,
    a_tag_in_the_comment_of_a_write_is_invalidated_with_it,
    a_declared_table_counts_like_a_named_one,
    a_refresh_reads_the_database_and_keeps_what_it_got,
    a_bypass_leaves_the_cache_alone,
    only_if_cached_never_asks_the_database,
    results_over_the_caps_are_returned_and_not_stored,
    a_read_sets_its_own_caps,
    a_declared_function_makes_its_callers_cacheable,
]);

const SQL: &str = "SELECT id, name FROM people ORDER BY id";

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

async fn a_time_to_live_is_taken_from_the_nearest_hint<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.default_ttl(secs(40)))
        .scene()
        .await;
    let plain = SQL.to_owned();
    let commented = format!("{SQL} /* cachedpool: ttl=30s */");
    let policy = CachePolicy::new().ttl(secs(20));
    let empty = CachePolicy::new();
    // Each read has a key of its own, by its scope.
    for (scope, sql, policy, call, expected) in [
        ("pool", &plain, &empty, None, 40),
        ("comment", &commented, &empty, None, 30),
        ("policy", &commented, &policy, None, 20),
        ("call", &commented, &policy, Some(10), 10),
        ("longer call", &plain, &policy, Some(90), 90),
    ] {
        let source = async || {
            let mut read = read::<DB, Person>(sql, []).cached(&scene.pool).scope(scope);
            if let Some(ttl) = call {
                read = read.ttl(secs(ttl));
            }
            read.policy(policy)
                .fetch_all_shared()
                .await
                .unwrap()
                .source()
        };
        assert_eq!(source().await, Source::Database, "{scope}");
        scene.hand.advance(secs(expected) - Duration::from_nanos(1));
        assert_eq!(source().await, Source::Local, "{scope}");
        scene.hand.advance(Duration::from_nanos(1));
        assert_eq!(source().await, Source::Database, "{scope}");
    }
}

async fn a_comment_turns_the_cache_off<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let off = || {
        read::<DB, Person>(
            "SELECT id, name FROM people /* cachedpool: off */ ORDER BY id",
            [],
        )
    };
    for _ in 0..2 {
        let rows = off().cached(&scene.pool).fetch_all_shared().await.unwrap();
        assert_eq!(rows.source(), Source::Database);
    }
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.pool.stats().bypasses["hint_off"], 2);
}

async fn an_unknown_hint_is_told_and_the_query_runs<DB: TestDatabase>() {
    let mut scene = Scene::<DB>::new().await;
    let sql = format!("{SQL} /* cachedpool: ttl=10s colour=red swr=soon tags= off=1 */");
    let source = async || {
        let read = read::<DB, Person>(&sql, []).cached(&scene.pool);
        read.fetch_all_shared().await.unwrap().source()
    };
    assert_eq!(source().await, Source::Database);
    assert_eq!(source().await, Source::Local);
    // The hints beside it count.
    scene.hand.advance(secs(10));
    assert_eq!(source().await, Source::Database);
    let told: Vec<_> = scene
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::HintFault { names } => Some(names.to_vec()),
            _ => None,
        })
        .collect();
    assert_eq!(told, [["colour", "swr", "tags", "off"]]);
}

async fn scopes_do_not_mix<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let reads: [&dyn Fn() -> CachePolicy; 8] = [
        &CachePolicy::new,
        &|| CachePolicy::new().scope("a"),
        &|| CachePolicy::new().scope("b"),
        &|| CachePolicy::new().scope(""),
        &|| CachePolicy::new().scope("a").scope("b"),
        &|| CachePolicy::new().scope("ab"),
        &|| CachePolicy::new().scope("b").scope("a"),
        &|| CachePolicy::new().tag("a"),
    ];
    let source = async |policy: CachePolicy| {
        let read = read::<DB, Person>(SQL, [])
            .cached(&scene.pool)
            .policy(&policy);
        read.fetch_all_shared().await.unwrap().source()
    };
    for policy in reads {
        assert_eq!(source(policy()).await, Source::Database, "{:?}", policy());
    }
    for policy in reads {
        assert_eq!(source(policy()).await, Source::Local, "{:?}", policy());
    }
    scene.through("DELETE FROM people WHERE id = 1").await;
    for policy in reads {
        assert_eq!(source(policy()).await, Source::Database, "{:?}", policy());
    }
}

async fn tags_are_invalidated_wherever_they_were_given<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let policy = CachePolicy::new().tags(["in:policy", "other"]);
    let sql = format!("{SQL} /* cachedpool: tags=in:comment,more */");
    let read = async || {
        let read = read::<DB, Person>(&sql, []).cached(&scene.pool);
        read.tag("in:call")
            .policy(&policy)
            .fetch_all_shared()
            .await
            .unwrap()
    };
    for tag in ["in:call", "in:policy", "in:comment", "other", "more"] {
        read().await;
        assert_eq!(read().await.source(), Source::Local, "{tag}");
        scene.pool.invalidate_tags(["unheard of"]).await.unwrap();
        assert_eq!(read().await.source(), Source::Local, "{tag}");
        scene.pool.invalidate_tags([tag]).await.unwrap();
        let fresh = read().await;
        assert_eq!(fresh.source(), Source::Database, "{tag}");
        let tags: Vec<String> = fresh.tags().map(str::to_owned).collect();
        assert_eq!(
            bare(&tags),
            [
                "in:call",
                "in:comment",
                "in:policy",
                "more",
                "other",
                "people"
            ]
        );
    }
}

async fn a_tag_in_the_comment_of_a_write_is_invalidated_with_it<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let tagged = async || {
        let read = read::<DB, Person>(SQL, []).cached(&scene.pool).tag("team");
        read.fetch_all_shared().await.unwrap().source()
    };
    tagged().await;
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(tagged().await, Source::Local);
    scene
        .through("INSERT INTO pets VALUES (2, 1, 'Tom') /* cachedpool: tags=team */")
        .await;
    assert_eq!(tagged().await, Source::Database);
}

async fn a_declared_table_counts_like_a_named_one<DB: TestDatabase>() {
    let view = "CREATE VIEW owners AS SELECT DISTINCT owner AS id FROM pets";
    let scene = Setting::<DB>::usual().with([view]).scene().await;
    for table in ["pets", "owners"] {
        let people = async || {
            let read = read::<DB, Person>(SQL, []).cached(&scene.pool);
            read.depends_on([table]).fetch_all_shared().await.unwrap()
        };
        people().await;
        scene.behind("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
        assert_eq!(people().await.source(), Source::Local, "{table}");
        scene.through("DELETE FROM pets").await;
        assert_eq!(people().await.source(), Source::Database, "{table}");
    }
}

async fn a_refresh_reads_the_database_and_keeps_what_it_got<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    assert_eq!(scene.rows("people").await.len(), 2);
    // Later than the entry, as any real clock would have it.
    scene.hand.advance(secs(1));
    let refresh = read::<DB, Person>(SQL, []).cached(&scene.pool).refresh();
    assert_eq!(refresh.fetch_all().await.unwrap().len(), 1);
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.rows("people").await.len(), 1);
}

async fn a_bypass_leaves_the_cache_alone<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let bypass = async || {
        let read = read::<DB, Person>(SQL, []).cached(&scene.pool).bypass();
        read.fetch_all_shared().await.unwrap()
    };
    assert_eq!(bypass().await.source(), Source::Database);
    assert_eq!(scene.pool.stats().entries, 0);
    scene.warm().await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    assert_eq!(bypass().await.len(), 1);
    assert_eq!(scene.rows("people").await.len(), 2);
    assert_eq!(scene.pool.stats().bypasses["bypass"], 2);
}

async fn only_if_cached_never_asks_the_database<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let only = || {
        read::<DB, Person>(SQL, [])
            .cached(&scene.pool)
            .only_if_cached()
    };
    assert!(is_not_cached(&only().fetch_all().await.unwrap_err()));
    scene.warm().await;
    assert_eq!(
        only().fetch_all_shared().await.unwrap().source(),
        Source::Local
    );
    scene.through("DELETE FROM people").await;
    assert!(is_not_cached(&only().fetch_all().await.unwrap_err()));
    let loads = scene.pool.stats().loads;
    assert!(is_not_cached(
        &only()
            .stale_while_revalidate(secs(9))
            .fetch_all()
            .await
            .unwrap_err()
    ));
    let volatile = read::<DB, Number>(
        "SELECT count(*) FROM people WHERE CURRENT_TIMESTAMP IS NULL",
        [],
    );
    let answer = volatile
        .cached(&scene.pool)
        .only_if_cached()
        .fetch_all()
        .await;
    assert!(is_not_cached(&answer.unwrap_err()));
    assert_eq!(scene.pool.stats().loads, loads);
}

async fn results_over_the_caps_are_returned_and_not_stored<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.max_rows(3).max_bytes(100))
        .scene()
        .await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    scene.warm().await;
    scene.through("INSERT INTO people VALUES (4, 'Zoe')").await;
    for _ in 0..2 {
        assert_eq!(scene.rows("people").await.len(), 4);
        assert_eq!(scene.source("people").await, Source::Database);
    }
    scene.through("DELETE FROM people WHERE id > 2").await;
    scene.warm().await;
    scene
        .through(&format!("UPDATE people SET name = '{}'", "x".repeat(90)))
        .await;
    for _ in 0..2 {
        assert_eq!(scene.rows("people").await.len(), 2);
        assert_eq!(scene.source("people").await, Source::Database);
    }
    let stats = scene.pool.stats();
    assert_eq!(stats.stores_skipped["too many rows"], 4);
    assert_eq!(stats.stores_skipped["too many bytes"], 4);
}

async fn a_read_sets_its_own_caps<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.max_rows(1))
        .scene()
        .await;
    let source = async |policy: &CachePolicy| {
        let read = read::<DB, Person>("SELECT id, name FROM people", []).cached(&scene.pool);
        read.policy(policy)
            .fetch_all_shared()
            .await
            .unwrap()
            .source()
    };
    let (few, small, roomy) = (
        CachePolicy::new(),
        CachePolicy::new().max_rows(2).max_bytes(5),
        CachePolicy::new().max_rows(2),
    );
    for tight in [&few, &small] {
        source(tight).await;
        assert_eq!(source(tight).await, Source::Database);
    }
    source(&roomy).await;
    assert_eq!(source(&roomy).await, Source::Local);
}

async fn a_declared_function_makes_its_callers_cacheable<DB: TestDatabase>() {
    let sql = "SELECT slug(name) FROM people";
    let functions = match DB::SERVER {
        Server::Sqlite => vec![],
        Server::Postgres => vec![
            "CREATE FUNCTION slug(text) RETURNS text LANGUAGE sql AS 'SELECT lower($1)'",
            "CREATE FUNCTION pets_of(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
            "CREATE FUNCTION touch(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        ],
        Server::MariaDb => vec![
            "CREATE FUNCTION slug(name TEXT) RETURNS TEXT RETURN LOWER(name)",
            "CREATE FUNCTION pets_of(id BIGINT) RETURNS BIGINT RETURN 1",
            "CREATE FUNCTION touch(id BIGINT) RETURNS BIGINT RETURN 1",
        ],
    };
    let scene = Setting::<DB>::usual()
        .with(functions)
        .pool(|builder| {
            builder
                .assume_pure("slug")
                .declare_function("pets_of", ["pets"], [""; 0])
                .declare_function("touch", [""; 0], ["people"])
        })
        .scene()
        .await;
    assert_eq!(scene.pool.explain(sql).statement.reason, None);
    assert_eq!(bare(&scene.pool.explain(sql).tags), ["people"]);
    let tags = scene.pool.explain("SELECT pets_of(id) FROM people").tags;
    assert_eq!(bare(&tags), ["people", "pets"]);
    assert!(
        !scene
            .pool
            .explain("SELECT touch(id) FROM pets")
            .statement
            .cacheable
    );
    assert!(
        !scene
            .pool
            .explain("SELECT other(id) FROM pets")
            .statement
            .cacheable
    );
}
