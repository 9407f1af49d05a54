//! The types that a column can have, with values at their edges.

/// Types of a user's own.
pub(super) const OWN: [&str; 12] = [
    "CREATE TYPE mood AS ENUM ('', 'sad', 'Gl\u{fc}cklich, \"sehr\"')",
    "CREATE TYPE pair AS (number integer, word text)",
    "CREATE TYPE nest AS (inner_pair pair, moods mood[], \"Last One\" double precision)",
    "CREATE TYPE hollow AS ()",
    "CREATE DOMAIN positive AS bigint CHECK (VALUE > 0)",
    "CREATE DOMAIN tiny AS positive CHECK (VALUE < 10)",
    "CREATE DOMAIN numbers AS integer[]",
    "CREATE DOMAIN couple AS pair",
    "CREATE DOMAIN feeling AS mood",
    "CREATE TYPE span AS RANGE (subtype = double precision)",
    "CREATE TYPE stretch AS RANGE (subtype = tiny, multirange_type_name = stretches)",
    "CREATE TABLE home (street text, size numeric)",
];

/// A type, as it is written, and some of its values, as they are written. NULL is tried of each.
pub(super) type Sample = (&'static str, &'static [&'static str]);

/// All types of PostgreSQL 17 that a column can have, but for arrays, which are made from these.
pub(super) const BUILT_IN: &[Sample] = &[
    ("boolean", &["true", "false"]),
    ("\"char\"", &["", "a", "\\377"]),
    ("smallint", &["-32768", "0", "32767"]),
    ("integer", &["-2147483648", "0", "2147483647"]),
    (
        "bigint",
        &["-9223372036854775808", "0", "9223372036854775807"],
    ),
    (
        "real",
        &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "-0",
            "1e-45",
            "-1.17549435e-38",
            "3.4028235e38",
        ],
    ),
    (
        "double precision",
        &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "-0",
            "5e-324",
            "-2.2250738585072014e-308",
            "1.7976931348623157e308",
        ],
    ),
    (
        "numeric",
        &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "0.000",
            "-0.00000000000000000001",
            "123456789012345678901234567890.123456789",
        ],
    ),
    (
        "money",
        &["-92233720368547758.08", "0", "92233720368547758.07"],
    ),
    ("text", TEXTS),
    ("character varying", TEXTS),
    ("bpchar", &["", "a", "a   ", "\u{fc}\u{4e16}\u{1f980}"]),
    (
        "name",
        &[
            "",
            "\u{fc}\u{4e16}",
            "a name of the greatest length that there is: 63 bytes, not more",
        ],
    ),
    ("bytea", &["\\x", "\\x00", "\\x00ff5c27", "\\xffffffff"]),
    ("json", JSONS),
    ("jsonb", JSONS),
    (
        "jsonpath",
        &["$", "strict $.\"a b\"[*] ? (@ > 1 && @.x == \"y\")"],
    ),
    (
        "xml",
        &[
            "",
            "text",
            "<a b=\"c\">\u{fc}</a>",
            "<?xml version=\"1.0\"?><a/>",
        ],
    ),
    (
        "uuid",
        &[
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
    ),
    (
        "date",
        &[
            "-infinity",
            "4714-11-24 BC",
            "0001-12-31 BC",
            "2000-01-01",
            "5874897-12-31",
            "infinity",
        ],
    ),
    ("time", &["00:00:00", "23:59:59.999999", "24:00:00"]),
    (
        "timetz",
        &["00:00:00+15:59:59", "12:00:00+00", "24:00:00-15:59:59"],
    ),
    ("timestamp", TIMESTAMPS),
    (
        "timestamptz",
        &[
            "-infinity",
            "4714-11-24 00:00:00+00 BC",
            "2000-01-01 00:00:00-07",
            "294276-12-31 23:59:59.999999+00",
            "infinity",
        ],
    ),
    (
        "interval",
        &[
            "0",
            "-infinity",
            "infinity",
            "1 year 2 mons -3 days 04:05:06.789",
            "-178000000 years",
            "2147483647 days -00:00:00.000001",
        ],
    ),
    ("bit(5)", &["00000", "10101"]),
    ("bit varying", &["", "1", "101010101010101"]),
    (
        "inet",
        &[
            "0.0.0.0/0",
            "255.255.255.255",
            "::/0",
            "::ffff:1.2.3.4",
            "fe80::1/64",
        ],
    ),
    (
        "cidr",
        &["0.0.0.0/0", "10.1.0.0/16", "::/0", "2001:db8::/32"],
    ),
    ("macaddr", &["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"]),
    (
        "macaddr8",
        &["00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"],
    ),
    ("point", &["(0,-0)", "(NaN,-Infinity)", "(1e308,5e-324)"]),
    ("line", &["{1,-1,0}", "{0,1,Infinity}"]),
    ("lseg", &["[(0,0),(0,0)]", "[(0,1),(2.5,-3)]"]),
    ("box", &["(0,0),(0,0)", "(2,3),(-1,-Infinity)"]),
    (
        "path",
        &["[(0,0)]", "[(0,0),(1,1),(2,0)]", "((0,0),(1,1),(2,0))"],
    ),
    ("polygon", &["((0,0))", "((0,0),(1,1),(2,0))"]),
    ("circle", &["<(0,0),0>", "<(1,-2),Infinity>"]),
    (
        "tsvector",
        &["", "fat:2B,4C cat:1A", "'it''s' '\u{fc}':16383"],
    ),
    ("tsquery", &["", "'fat' & ( 'rat' | !'cat':*AB ) <-> 'x'"]),
    ("pg_lsn", &["0/0", "FFFFFFFF/FFFFFFFF"]),
    ("txid_snapshot", &["1:1:", "10:20:10,14,15"]),
    ("pg_snapshot", &["1:1:", "10:20:10,14,15"]),
    ("oid", OIDS),
    ("xid", OIDS),
    ("cid", OIDS),
    ("xid8", &["0", "18446744073709551615"]),
    ("tid", &["(0,0)", "(4294967295,65535)"]),
    ("regclass", &["-", "pg_catalog.pg_class", "4294967295"]),
    ("regtype", &["-", "integer", "4294967295"]),
    ("regproc", &["-", "pg_catalog.now", "4294967295"]),
    ("regprocedure", &["-", "pg_catalog.now()"]),
    ("regoper", &["0", "4294967295"]),
    ("regoperator", &["0", "+(integer,integer)"]),
    ("regrole", &["-", "postgres"]),
    ("regnamespace", &["-", "pg_catalog"]),
    ("regcollation", &["-", "\"C\""]),
    ("regconfig", &["-", "english"]),
    ("regdictionary", &["-", "simple"]),
    ("refcursor", &["", "a cursor"]),
    ("int2vector", &["", "1 -2 3"]),
    ("oidvector", &["", "1 2 4294967295"]),
    ("int4range", &["empty", "(,)", "[1,10)", "[5,)"]),
    (
        "int8range",
        &["empty", "(,)", "[-9223372036854775808,9223372036854775807)"],
    ),
    ("numrange", &["empty", "(,)", "(1.50,NaN]", "[-Infinity,0)"]),
    (
        "tsrange",
        &[
            "empty",
            "(,)",
            "[-infinity,infinity]",
            "(2000-01-01,2000-01-02]",
        ],
    ),
    ("tstzrange", &["empty", "(,)", "[-infinity,infinity]"]),
    ("daterange", &["empty", "(,)", "[2000-01-01,2000-01-31)"]),
    ("int4multirange", &["{}", "{(,)}", "{[1,2),[5,)}"]),
    ("int8multirange", &["{}", "{(,)}", "{[1,2),[5,)}"]),
    ("nummultirange", &["{}", "{(,)}", "{[1,2),(5.5,NaN]}"]),
    ("tsmultirange", &["{}", "{(,)}", "{[2000-01-01,infinity]}"]),
    (
        "tstzmultirange",
        &["{}", "{(,)}", "{[2000-01-01,infinity]}"],
    ),
    ("datemultirange", &["{}", "{(,)}", "{[2000-01-01,)}"]),
    ("information_schema.cardinal_number", &["0", "2147483647"]),
    ("information_schema.character_data", &["", "\u{fc}"]),
    ("information_schema.sql_identifier", &["", "\u{fc}"]),
    (
        "information_schema.time_stamp",
        &["-infinity", "2000-01-01 00:00:00.12+00"],
    ),
    ("information_schema.yes_or_no", &["YES", "NO"]),
    // Nobody can write a value of these.
    ("pg_node_tree", &[]),
    ("pg_ndistinct", &[]),
    ("pg_dependencies", &[]),
    ("pg_mcv_list", &[]),
    ("pg_brin_bloom_summary", &[]),
    ("pg_brin_minmax_multi_summary", &[]),
    // No client can read them in binary form, nor can the driver.
    ("aclitem", &["=r/postgres"]),
    ("gtsvector", &[]),
];

/// Types that only exist as a user made them.
pub(super) const DERIVED: &[Sample] = &[
    ("mood", &["", "sad", "Gl\u{fc}cklich, \"sehr\""]),
    (
        "pair",
        &["(,)", "(1,)", "(-2147483648,\"\")", "(1,\"a,\"\"b\")"],
    ),
    (
        "nest",
        &[
            "(,,)",
            "(\"(1,a)\",\"{sad,NULL,\"\"\"\"}\",NaN)",
            "(\"(,)\",{},-0)",
        ],
    ),
    ("hollow", &["()"]),
    ("positive", &["1", "9223372036854775807"]),
    ("tiny", &["1", "9"]),
    (
        "numbers",
        &["{}", "{1,NULL}", "[-3:-2]={1,2}", "{{1,2},{3,4}}"],
    ),
    ("couple", &["(,)", "(1,a)"]),
    ("feeling", &["", "sad"]),
    ("span", &["empty", "(,)", "[-Infinity,5e-324)"]),
    ("span_multirange", &["{}", "{(,)}", "{[1,2),[NaN,)}"]),
    ("stretch", &["empty", "(,)", "[1,9)"]),
    ("stretches", &["{}", "{[1,2),(3,)}"]),
    ("home", &["(,)", "(\"Long Street\",12.50)"]),
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "NULL",
    "it's \"quoted\" \\ \t\n",
    "Gr\u{fc}\u{df}e, \u{4e16}\u{754c} \u{1f980}e\u{301}",
];

const JSONS: &[&str] = &[
    "null",
    "\"\"",
    "{}",
    "{\"b\": [1, 1e400, null],  \"a\": \"\\u00fc\", \"a\": -0}",
];

const TIMESTAMPS: &[&str] = &[
    "-infinity",
    "4714-11-24 00:00:00 BC",
    "0001-12-31 23:59:59.999999 BC",
    "2000-01-01 00:00:00",
    "294276-12-31 23:59:59.999999",
    "infinity",
];

const OIDS: &[&str] = &["0", "4294967295"];

/// Values that are too long to be written out, as expressions.
pub(super) const LONGEST: &[(&str, &str)] = &[
    ("text", "repeat('a\u{fc}\u{4e16}\u{1f980}', 20000)"),
    ("bytea", "decode(repeat('00ff5c', 70000), 'hex')"),
    (
        "numeric",
        "(repeat('9', 131072) || '.' || repeat('1', 16383))::numeric",
    ),
    ("jsonb", "jsonb_build_object('a', repeat('b', 100000))"),
    ("bit varying", "repeat('01', 100000)::bit varying"),
    ("bpchar", "repeat(' ', 1000)::bpchar"),
];

/// Types without an operator `=`.
pub(super) const WITHOUT_EQUALITY: &[&str] = &[
    "json",
    "jsonpath",
    "xml",
    "point",
    "polygon",
    "txid_snapshot",
    "refcursor",
    "feeling",
    "pg_snapshot",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
];

/// Types that have no array.
pub(super) const WITHOUT_ARRAYS: &[&str] = &[
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
];

/// Types that have no binary form.
pub(super) const WITHOUT_BINARY: &[&str] = &["aclitem", "gtsvector"];
