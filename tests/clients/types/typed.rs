//! Values of Rust's types: read from each tier, alone and in arrays, and given as parameters.

use std::{
    fmt::Debug,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use postgres_types::{Date, FromSql, PgLsn, Timestamp, ToSql};
use serde_json::{Value, json};
use time::{
    OffsetDateTime, PrimitiveDateTime,
    macros::{date, datetime, time},
};
use uuid::Uuid;

use super::{Two, all, filled, samples::Sample};

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "mood")]
enum Mood {
    #[postgres(name = "")]
    None,
    #[postgres(name = "sad")]
    Sad,
    #[postgres(name = "Gl\u{fc}cklich, \"sehr\"")]
    Happy,
}

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "pair")]
struct Pair {
    number: Option<i32>,
    word: Option<String>,
}

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "nest")]
struct Nest {
    inner_pair: Option<Pair>,
    moods: Option<Vec<Option<Mood>>>,
    #[postgres(name = "Last One")]
    last: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "positive")]
struct Positive(i64);

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "tiny")]
struct Tiny(Positive);

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "couple")]
struct Couple(Pair);

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "feeling")]
struct Feeling(Mood);

fn find(kind: &str) -> (usize, &'static Sample) {
    all().find(|(_, sample)| sample.0 == kind).unwrap()
}

/// That the samples of a type are these values; `None` for one that the type in Rust cannot express.
async fn hold<T>(two: &Two, kind: &str, values: &[Option<T>])
where
    T: ToSql + for<'r> FromSql<'r> + Clone + PartialEq + Debug + Sync,
{
    let (at, sample) = find(kind);
    assert_eq!(values.len(), sample.1.len(), "{kind}");
    let known: Vec<(i32, &T)> = (1..)
        .zip(values)
        .filter_map(|(id, value)| Some((id, value.as_ref()?)))
        .collect();

    let by_id = format!("SELECT c FROM t{at} WHERE id = $1");
    for (id, value) in &known {
        for (source, rows) in two.everywhere(&by_id, &[id]).await {
            assert_eq!(rows[0].get::<_, T>("c"), **value, "{kind} {source:?}");
        }
    }
    for (source, rows) in two.everywhere(&by_id, &[&0]).await {
        assert_eq!(rows[0].get::<_, Option<T>>(0), None, "{kind} {source:?}");
        assert!(rows[0].try_get::<_, T>(0).is_err(), "{kind} {source:?}");
    }

    let ids: Vec<i32> = [0]
        .into_iter()
        .chain(known.iter().map(|(id, _)| *id))
        .collect();
    let in_one = format!("SELECT array_agg(c ORDER BY id) FROM t{at} WHERE id = ANY ($1)");
    let expected: Vec<Option<T>> = [None]
        .into_iter()
        .chain(known.iter().map(|(_, value)| Some((*value).clone())))
        .collect();
    for (source, rows) in two.everywhere(&in_one, &[&ids]).await {
        assert_eq!(
            rows[0].get::<_, Vec<Option<T>>>(0),
            expected,
            "{kind} {source:?}"
        );
    }

    let by_value = format!("SELECT id FROM t{at} WHERE c::text = $1::{kind}::text");
    for (id, value) in &known {
        for (source, rows) in two.everywhere(&by_value, &[*value]).await {
            let found: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
            assert!(found.contains(id), "{kind} {source:?}: {found:?}");
        }
    }
}

fn some<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    values.iter().cloned().map(Some).collect()
}

#[tokio::test]
async fn plain_values_are_read_and_given_as_rusts_types() {
    let two = &filled().await;
    hold(two, "boolean", &some(&[true, false])).await;
    hold(two, "\"char\"", &some(&[0_i8, 97, -1])).await;
    hold(two, "smallint", &some(&[i16::MIN, 0, i16::MAX])).await;
    hold(two, "integer", &some(&[i32::MIN, 0, i32::MAX])).await;
    hold(two, "bigint", &some(&[i64::MIN, 0, i64::MAX])).await;
    hold(two, "oid", &some(&[0, u32::MAX])).await;
    let (inf, tiny, max) = (f32::INFINITY, f32::MIN_POSITIVE, f32::MAX);
    let reals = [inf, -inf, 0.0, -0.0, f32::from_bits(1), -tiny, max].map(Some);
    hold(two, "real", &[&[None], &reals[..]].concat()).await;
    let (inf, tiny, max) = (f64::INFINITY, f64::MIN_POSITIVE, f64::MAX);
    let doubles = [inf, -inf, 0.0, -0.0, f64::from_bits(1), -tiny, max].map(Some);
    hold(two, "double precision", &[&[None], &doubles[..]].concat()).await;
    let texts = |kind| {
        let values = find(kind).1.1.iter();
        values
            .map(|text| Some((*text).to_owned()))
            .collect::<Vec<_>>()
    };
    for kind in ["text", "character varying", "bpchar", "name"] {
        hold(two, kind, &texts(kind)).await;
    }
    let bytes: [&[u8]; 4] = [b"", b"\0", b"\0\xff\\'", &[255; 4]];
    hold(two, "bytea", &some(&bytes.map(<[u8]>::to_vec))).await;
    let lsns = [0, u64::MAX].map(PgLsn::from);
    hold(two, "pg_lsn", &some(&lsns)).await;
    let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let addresses = [
        None,
        address("255.255.255.255"),
        None,
        address("::ffff:1.2.3.4"),
        None,
    ];
    hold(two, "inet", &addresses).await;
    let seven = SystemTime::UNIX_EPOCH + Duration::from_secs(946_710_000);
    hold(two, "timestamptz", &[None, None, Some(seven), None, None]).await;
}

#[tokio::test]
async fn values_of_other_crates_types_are_read_and_given() {
    let two = &filled().await;
    hold(two, "uuid", &some(&[Uuid::nil(), Uuid::max()])).await;
    let values = [Some(Value::Null), Some(json!("")), Some(json!({})), None];
    hold(two, "json", &values).await;
    hold(two, "jsonb", &values).await;
    let (from, to) = (Date::NegInfinity, Date::PosInfinity);
    let days = [
        date!(-4713 - 11 - 24),
        date!(0000 - 12 - 31),
        date!(2000 - 01 - 01),
    ];
    let [first, second, third] = days.map(Date::Value);
    let dates = [from, first, second, third];
    hold(
        two,
        "date",
        &[&some(&dates)[..], &[None, Some(to)]].concat(),
    )
    .await;
    let times = [time!(00:00), time!(23:59:59.999_999)];
    hold(two, "time", &[&some(&times)[..], &[None]].concat()).await;
    let moments: [Timestamp<PrimitiveDateTime>; 4] = [
        Timestamp::NegInfinity,
        Timestamp::Value(datetime!(-4713 - 11 - 24 00:00)),
        Timestamp::Value(datetime!(0000-12-31 23:59:59.999_999)),
        Timestamp::Value(datetime!(2000-01-01 00:00)),
    ];
    let end = [None, Some(Timestamp::PosInfinity)];
    hold(two, "timestamp", &[&some(&moments)[..], &end].concat()).await;
    let moments: [Timestamp<OffsetDateTime>; 3] = [
        Timestamp::NegInfinity,
        Timestamp::Value(datetime!(-4713 - 11 - 24 00:00 UTC)),
        Timestamp::Value(datetime!(2000-01-01 07:00 UTC)),
    ];
    let end = [None, Some(Timestamp::PosInfinity)];
    hold(two, "timestamptz", &[&some(&moments)[..], &end].concat()).await;
}

#[tokio::test]
async fn values_of_a_users_own_types_are_read_and_given() {
    let two = &filled().await;
    hold(two, "mood", &some(&[Mood::None, Mood::Sad, Mood::Happy])).await;
    let pair = |number, word: Option<&str>| Pair {
        number,
        word: word.map(str::to_owned),
    };
    let pairs = [
        pair(None, None),
        pair(Some(1), None),
        pair(Some(i32::MIN), Some("")),
        pair(Some(1), Some("a,\"b")),
    ];
    hold(two, "pair", &some(&pairs)).await;
    let nest = |inner_pair, moods, last| {
        Some(Nest {
            inner_pair,
            moods,
            last,
        })
    };
    let nests = [
        nest(None, None, None),
        // NaN is not equal to itself.
        None,
        nest(Some(pair(None, None)), Some(vec![]), Some(-0.0)),
    ];
    hold(two, "nest", &nests).await;
    hold(two, "positive", &some(&[Positive(1), Positive(i64::MAX)])).await;
    hold(two, "tiny", &some(&[Tiny(Positive(1)), Tiny(Positive(9))])).await;
    let couples = [pair(None, None), pair(Some(1), Some("a"))];
    hold(two, "couple", &some(&couples.map(Couple))).await;
    hold(two, "feeling", &some(&[Mood::None, Mood::Sad].map(Feeling))).await;
}

#[tokio::test]
async fn a_row_lends_its_bytes() {
    let two = filled().await;
    let (at, sample) = find("text");
    let sql = format!("SELECT c FROM t{at} WHERE id = 5");
    for (source, rows) in two.everywhere(&sql, &[]).await {
        let [row] = &*rows else { panic!("one row") };
        let (text, bytes) = (row.get::<_, &str>("C"), row.get::<_, &str>(0).as_bytes());
        assert_eq!(
            (text, bytes),
            (sample.1[4], sample.1[4].as_bytes()),
            "{source:?}"
        );
    }
}
