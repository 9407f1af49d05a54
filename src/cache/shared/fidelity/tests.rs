//! What comes back as it went, and what therefore stays.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use serde::Deserialize;
use serde_json::json;

use super::{
    super::fingerprint::{Named, asked},
    *,
};

fn packed<T: Serialize + DeserializeOwned + 'static>(value: T) -> Result<Vec<u8>, Stay> {
    pack(&value, &asked::<T>())
}

fn travels<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: T) {
    let payload = pack(&value, &asked::<T>()).expect("a value that comes back");
    assert_eq!(decode(&payload), Ok(value));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(rename = "class", alias = "sort", alias = "a_kind")]
    kind: Kind,
    counts: HashMap<String, u32>,
    children: Vec<Row>,
    ratio: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    One(Option<u8>),
    Two(u8, char),
    Named {
        a: i128,
        #[serde(default, alias = "c")]
        b: (),
    },
}

#[test]
fn ordinary_rows_come_back_as_they_are() {
    let kinds = [
        Kind::Plain,
        Kind::One(None),
        Kind::One(Some(3)),
        Kind::Two(1, 'x'),
        Kind::Named { a: -1, b: () },
    ];
    let row = |kind, children| Row {
        id: i64::MIN,
        note: None,
        kind,
        // In another order each time that it is read.
        counts: (0..40).map(|n| (n.to_string(), n)).collect(),
        children,
        ratio: 0.1,
    };
    let rows: Vec<_> = kinds.map(|kind| row(kind, vec![])).into();
    travels(rows.clone());
    travels(vec![row(Kind::Plain, rows)]);
    travels(vec![Some(1), None]);
    travels(json!({"a": [1, -1, 1.5, null], "b": {"c": "d"}}));
    travels(vec![(u128::MAX, "text".to_owned(), ())]);
}

#[test]
fn an_option_that_holds_nothing_stays() {
    #[derive(Serialize, Deserialize)]
    struct Document {
        body: Option<serde_json::Value>,
    }
    #[derive(Serialize, Deserialize)]
    struct Wrapped(Option<i64>);
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Nothing,
        Number(i64),
    }
    let nothing = Err(Stay::NothingInOption);
    assert_eq!(packed(vec![Some(None::<i64>)]), nothing);
    assert_eq!(packed(Some(())), nothing);
    assert_eq!(packed(Some(Wrapped(None))), nothing);
    assert_eq!(packed(Some(Loose::Nothing)), nothing);
    let body = Some(serde_json::Value::Null);
    assert_eq!(packed(Document { body }), nothing);
    assert!(packed(Document { body: None }).is_ok());
    assert!(packed(Some(Loose::Number(1))).is_ok());
    assert!(packed(Some(Wrapped(Some(1)))).is_ok());
}

#[test]
fn a_field_that_is_read_and_not_written_stays() {
    #[expect(dead_code, reason = "only whether it is written matters")]
    #[derive(Serialize, Deserialize)]
    struct Hidden {
        id: i64,
        #[serde(skip_serializing, default)]
        password: String,
    }
    #[derive(Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "id", deserialize = "key"), default)]
        id: i64,
    }
    #[derive(Serialize, Deserialize)]
    enum Within {
        Variant {
            #[serde(skip_serializing, default)]
            secret: u8,
            open: u8,
        },
    }
    let hidden = || Hidden {
        id: 1,
        password: "x".into(),
    };
    let lost = Err(Stay::FieldNotWritten);
    assert_eq!(packed(hidden()), lost);
    assert_eq!(packed(vec![Some((1, hidden()))]), lost);
    assert_eq!(packed(BTreeMap::from([(1, hidden())])), lost);
    assert_eq!(packed(Renamed { id: 0 }), lost);
    assert_eq!(packed(Within::Variant { secret: 1, open: 2 }), lost);
    assert!(packed(Vec::<Hidden>::new()).is_ok());
}

#[test]
fn what_is_read_as_another_value_stays() {
    #[derive(Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename(serialize = "id", deserialize = "key"))]
        id: i64,
    }
    #[derive(Serialize, Deserialize)]
    struct Left {
        #[serde(default = "one", skip_serializing_if = "is_zero")]
        count: i64,
    }
    #[derive(Serialize, Deserialize)]
    struct Unread {
        #[serde(skip_deserializing)]
        count: i64,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum First {
        Wide(f64),
        Narrow(f32),
    }
    fn one() -> i64 {
        1
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_zero(count: &i64) -> bool {
        *count == 0
    }
    assert!(matches!(
        packed(Renamed { id: 1 }),
        Err(Stay::FieldNotWritten | Stay::Altered)
    ));
    assert_eq!(packed(Left { count: 0 }), Err(Stay::Altered));
    assert!(packed(Left { count: 2 }).is_ok());
    assert_eq!(packed(Unread { count: 7 }), Err(Stay::Altered));
    assert_eq!(packed(First::Narrow(0.5)), Err(Stay::Altered));
    assert!(packed(First::Wide(0.5)).is_ok());
}

#[test]
fn what_is_nested_too_deep_to_be_read_stays() {
    let wrap = |value, _| serde_json::Value::Array(vec![value]);
    let nested = |depth| (0..depth).fold(json!(1), wrap);
    travels(nested(100));
    assert_eq!(packed(nested(101)), Err(Stay::TooDeep));
    assert_eq!(packed(nested(300)), Err(Stay::TooDeep));
}

#[test]
fn a_field_of_several_names_is_asked_for_by_the_first() {
    let asked = asked::<Vec<Row>>();
    let fields = |name, variant| asked[&Named { name, variant }].iter().copied();
    let row = ["children", "class", "counts", "id", "note", "ratio"];
    assert!(fields("Row", "").eq(row));
    assert!(fields("Kind", "Named").eq(["a", "b"]));
}

#[test]
fn a_failing_serialize_is_no_more_than_that() {
    #[derive(Deserialize)]
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secret 4711"))
        }
    }
    assert_eq!(packed(Refuses), Err(Stay::Unencodable));
}
