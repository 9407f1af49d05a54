//! However deep it is nested, and whatever stands around it: what a program does is found.

use cachedpool::sql::{Body, Dialect, Functions, Language, Ops, Relation, body};
use proptest::{prelude::*, sample::select};

/// How a block of statements (`{}`) stands in another.
type Frames = &'static [&'static str];

const PLPGSQL: Frames = &[
    "BEGIN {} END;",
    "BEGIN {} EXCEPTION WHEN unique_violation OR others THEN NULL; END;",
    "BEGIN NULL; EXCEPTION WHEN SQLSTATE '23505' THEN {} END;",
    "<<outer>> DECLARE x numeric(10, 2) := 1; c CURSOR (n int) FOR SELECT * FROM u; BEGIN {} END outer;",
    "IF (a) THEN {} END IF;",
    "IF a THEN NULL; ELSIF CASE WHEN b THEN c ELSE d END THEN {} END IF;",
    "IF a THEN RETURN; ELSE {} END IF;",
    "LOOP {} EXIT WHEN x > 3; END LOOP;",
    "<<l>> WHILE (x < 3) LOOP {} END LOOP l;",
    "FOR i IN REVERSE 10..1 LOOP {} END LOOP;",
    "FOR r IN SELECT a AS update FROM u FOR UPDATE LOOP {} END LOOP;",
    "FOREACH x SLICE 1 IN ARRAY y LOOP {} END LOOP;",
    "CASE x WHEN 1, 2 THEN {} END CASE;",
    "CASE WHEN a THEN NULL; ELSE {} END CASE;",
];

const PLPGSQL_NOISE: &[&str] = &[
    "x := CASE WHEN a THEN 1 ELSE CASE b WHEN 1 THEN 2 END END;",
    "y.z[1] := y.z[2] || 'DELETE FROM other';",
    "RAISE NOTICE 'INSERT INTO other VALUES (%)', x USING HINT = $$ UPDATE other SET x = 1; $$;",
    "PERFORM lower(a) FROM u FOR UPDATE;",
    "/* DELETE FROM other; /* BEGIN */ */",
    "-- INSERT INTO other VALUES (1);\n",
    "SELECT a INTO STRICT x FROM u WHERE b = \"delete\";",
    "GET STACKED DIAGNOSTICS x = MESSAGE_TEXT;",
    "RETURN QUERY (SELECT a FROM u);",
    "NULL;",
];

const STORED: Frames = &[
    "BEGIN {} END;",
    "l: BEGIN DECLARE x, y DECIMAL(10,2) DEFAULT 0; {} END l;",
    "BEGIN DECLARE c CURSOR FOR SELECT a FROM u FOR UPDATE; {} END;",
    "BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND, 1062, SQLSTATE VALUE '23000' BEGIN {} END; END;",
    "IF (a) THEN {} END IF;",
    "IF a THEN SET x = 1; ELSEIF CASE WHEN b THEN c ELSE d END THEN {} END IF;",
    "IF a THEN SET x = 1; ELSE {} END IF;",
    "l: LOOP {} LEAVE l; END LOOP l;",
    "WHILE x < 3 DO {} END WHILE;",
    "REPEAT {} UNTIL x > 3 END REPEAT;",
    "CASE x WHEN 1 THEN {} END CASE;",
    "CASE WHEN a THEN SET x = 1; ELSE {} END CASE;",
    "FOR r IN (SELECT a FROM u) DO {} END FOR;",
];

const STORED_NOISE: &[&str] = &[
    "SET x = CASE WHEN a THEN 1 ELSE CASE b WHEN 1 THEN 2 END END;",
    "SET NEW.y = REPLACE('DELETE FROM other', 'a', \"INSERT INTO other\"), x = INSERT('a', 1, 1, 'b');",
    "SET x = REPEAT('UPDATE other', 3), y = IF(a, 1, 2), z = TRUNCATE(1.5, 0);",
    "/* DELETE FROM other; */",
    "# INSERT INTO other VALUES (1);\n",
    "-- INSERT INTO other VALUES (1);\n",
    "SELECT a INTO x FROM u WHERE b = `delete` FOR UPDATE;",
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'UPDATE other SET a = 1';",
    "FETCH NEXT FROM c INTO x;",
];

const PLPGSQL_WRITES: &[(&str, Ops)] = &[
    ("INSERT INTO precious VALUES (1);", Ops::INSERT),
    (
        "insert\n into only_once.\"precious\" select 1;",
        Ops::INSERT,
    ),
    ("UPDATE ONLY precious SET a = 1;", Ops::UPDATE),
    ("update/* */precious p set a = 1;", Ops::UPDATE),
    ("DELETE FROM precious RETURNING a INTO x;", Ops::DELETE),
    (
        "WITH g AS (DELETE FROM precious RETURNING *) SELECT * INTO x FROM g;",
        Ops::DELETE,
    ),
    (
        "FOR r IN DELETE FROM precious RETURNING * LOOP NULL; END LOOP;",
        Ops::DELETE,
    ),
    (
        "RETURN QUERY UPDATE precious SET a = 1 RETURNING *;",
        Ops::UPDATE,
    ),
    ("TRUNCATE u, precious;", Ops::TRUNCATE),
    (
        "MERGE INTO precious p USING u ON a THEN DO NOTHING;",
        Ops::UPDATE,
    ),
];

const STORED_WRITES: &[(&str, Ops)] = &[
    ("INSERT INTO precious VALUES (1);", Ops::INSERT),
    ("insert ignore precious set a = 1;", Ops::INSERT),
    ("REPLACE precious (a) VALUES (1);", Ops::DELETE),
    ("UPDATE LOW_PRIORITY `precious` SET a = 1;", Ops::UPDATE),
    (
        "UPDATE u JOIN precious p ON u.a = p.a SET p.b = 1;",
        Ops::UPDATE,
    ),
    (
        "DELETE p FROM precious AS p JOIN u ON u.a = p.a;",
        Ops::DELETE,
    ),
    (
        "DECLARE EXIT HANDLER FOR SQLEXCEPTION DELETE FROM precious;",
        Ops::DELETE,
    ),
    ("delete/* */from precious;", Ops::DELETE),
];

const STRANGE: &[&str] = &[
    "EXECUTE 'DELETE FROM precious';",
    "CREATE TABLE precious (a int);",
    "DROP TABLE precious;",
    "ALTER TABLE precious ADD a int;",
    "GRANT ALL ON precious TO PUBLIC;",
    "COMMIT;",
    "ROLLBACK;",
];

/// `inner` in frames of `frames`, with noise around it at each step.
fn around(
    inner: impl Strategy<Value = String>,
    frames: Frames,
    noise: Frames,
) -> impl Strategy<Value = String> {
    let noise = || prop::collection::vec(select(noise), 0..3);
    let steps = prop::collection::vec((select(frames), noise(), noise()), 0..6);
    (inner, steps).prop_map(move |(inner, steps)| {
        let nested = steps
            .into_iter()
            .fold(inner, |inner, (frame, before, after)| {
                let block = format!("{} {inner} {}", before.join(" "), after.join(" "));
                frame.replace("{}", &block)
            });
        format!("BEGIN {nested} END")
    })
}

fn read(language: Language, text: &str) -> Body {
    let dialect = match language {
        Language::StoredProgram => Dialect::MySql,
        _ => Dialect::Postgres,
    };
    body(dialect, language, text, &Functions::new())
}

fn writes_precious(body: &Body, ops: Ops) -> bool {
    body.actions
        .iter()
        .any(|action| &*action.relation.name == "precious" && action.ops.holds(ops))
}

fn mentions(body: &Body, name: &str) -> bool {
    body.mentions.contains(&Relation {
        schema: None,
        name: name.into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_write_is_found_however_deep_it_is_nested_in_plpgsql((text, ops) in select(PLPGSQL_WRITES)
        .prop_flat_map(|(write, ops)| (around(Just(write.to_owned()), PLPGSQL, PLPGSQL_NOISE), Just(ops))))
    {
        let found = read(Language::PlPgSql, &text);
        prop_assert!(writes_precious(&found, ops), "{}\n{:?}", text, found);
        // It is not found because everything counts as unknown, or as written.
        prop_assert_eq!(&found.unknown, &None, "{}", text);
        prop_assert!(found.actions.len() <= 2 && !mentions(&found, "other"), "{}\n{:?}", text, found);
    }

    #[test]
    fn a_write_is_found_however_deep_it_is_nested_in_a_stored_program((text, ops) in select(STORED_WRITES)
        .prop_flat_map(|(write, ops)| (around(Just(write.to_owned()), STORED, STORED_NOISE), Just(ops))))
    {
        let found = read(Language::StoredProgram, &text);
        prop_assert!(writes_precious(&found, ops), "{}\n{:?}", text, found);
        prop_assert_eq!(&found.unknown, &None, "{}", text);
        prop_assert!(found.actions.len() <= 1, "{}\n{:?}", text, found);
    }

    #[test]
    fn what_can_do_anything_is_unknown_however_deep_it_is_nested(
        plpgsql in around(select(STRANGE).prop_map(str::to_owned), PLPGSQL, PLPGSQL_NOISE),
        stored in around(select(STRANGE).prop_map(str::to_owned), STORED, STORED_NOISE),
    ) {
        prop_assert!(read(Language::PlPgSql, &plpgsql).unknown.is_some(), "{}", plpgsql);
        prop_assert!(read(Language::StoredProgram, &stored).unknown.is_some(), "{}", stored);
    }

    #[test]
    fn what_a_query_in_it_reads_and_calls_is_found(
        plpgsql in around(Just("x := (SELECT secret(a) FROM s.hidden);".to_owned()), PLPGSQL, PLPGSQL_NOISE),
        stored in around(Just("SET x = (SELECT secret(a) FROM s.hidden);".to_owned()), STORED, STORED_NOISE),
    ) {
        let called = Relation { schema: None, name: "secret".into() };
        let hidden = Relation { schema: Some("s".into()), name: "hidden".into() };
        for (language, text) in [(Language::PlPgSql, plpgsql), (Language::StoredProgram, stored)] {
            let found = read(language, &text);
            prop_assert!(found.calls.contains(&called) && found.mentions.contains(&hidden), "{}\n{:?}", text, found);
            prop_assert!(found.actions.is_empty(), "{}\n{:?}", text, found);
        }
    }

    /// Whatever precedes it that no server would take.
    #[test]
    fn a_write_is_never_lost_in_soup(mut before in super::properties::soup(), after in super::properties::soup()) {
        let opens = |piece: &&str| ["'", "\"", "`", "$", "/*", "--", "#", "["].iter().any(|mark| piece.contains(mark));
        before.retain(|piece| !opens(piece));
        let write = format!("{} ; delete from precious where 1 = 1 ; {}", before.join(" "), after.join(" "));
        for (dialect, language) in [
            (Dialect::Postgres, Language::PlPgSql),
            (Dialect::Postgres, Language::Sql),
            (Dialect::MySql, Language::StoredProgram),
        ] {
            let found = body(dialect, language, &write, &Functions::new());
            prop_assert!(found.unknown.is_some() || writes_precious(&found, Ops::DELETE), "{:?}: {}\n{:?}", language, write, found);
        }
        let trigger = format!("CREATE TRIGGER g DELETE ON t BEGIN {write} END");
        let found = body(Dialect::Sqlite, Language::SqliteTrigger, &trigger, &Functions::new());
        prop_assert!(found.unknown.is_some() || writes_precious(&found, Ops::DELETE), "{}\n{:?}", trigger, found);
        let rule = format!("CREATE RULE r AS ON DELETE TO t DO ({write})");
        let found = body(Dialect::Postgres, Language::Rule, &rule, &Functions::new());
        prop_assert!(found.unknown.is_some() || writes_precious(&found, Ops::DELETE), "{}\n{:?}", rule, found);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", pieces in super::properties::soup()) {
        for text in [text, pieces.join(" ")] {
            for language in [Language::Sql, Language::PlPgSql, Language::StoredProgram, Language::SqliteTrigger, Language::Rule] {
                for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
                    let _ = body(dialect, language, &text, &Functions::new());
                }
            }
        }
    }
}

#[test]
fn a_long_body_is_read_in_a_moment() {
    let statement = "x := age(age(age(lower(a)))); UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END;";
    let text = format!("BEGIN {} END", statement.repeat(5_000));
    let start = std::time::Instant::now();
    assert!(!read(Language::PlPgSql, &text).actions.is_empty());
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}
