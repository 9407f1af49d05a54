use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use super::{explore::survey, fingerprint, hash};

fn shape<T: serde::de::DeserializeOwned>() -> BTreeSet<String> {
    survey::<T>().shape
}

/// The fingerprint as if every type had the same name and size: what its fields alone say.
fn by_shape<T: serde::de::DeserializeOwned>() -> u128 {
    hash::<()>(&shape::<T>())
}

/// Versions of one struct, each in a module of its own so that the name is the same.
macro_rules! versions {
    ($($version:ident { $($body:tt)* })*) => {$(
        #[allow(dead_code, reason = "only the types of the fields matter")]
        mod $version {
            #[allow(unused_imports, reason = "not every version needs them")]
            use std::collections::HashMap;
            use serde::Deserialize;
            $($body)*
        }
    )*};
}

versions! {
    base {
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i32), C { _x: u8 } }
        #[derive(Deserialize)] pub(super) struct Place { _x: f64, _tags: Vec<String> }
    }
    same {
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i32), C { _x: u8 } }
        #[derive(Deserialize)] pub(super) struct Place { _x: f64, _tags: Vec<String> }
    }
    added {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place, _more: Option<i64> }
    }
    removed {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _kind: Kind, _at: Place }
    }
    renamed {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _title: String, _note: Option<String>, _kind: Kind, _at: Place }
    }
    renamed_for_serde {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, #[serde(rename = "title")] _name: String, _note: Option<String>, _kind: Kind, _at: Place }
    }
    reordered {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _name: String, _id: i64, _note: Option<String>, _kind: Kind, _at: Place }
    }
    narrower {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i32, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
    }
    unsigned {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: u64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
    }
    text {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: String, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
    }
    optional {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: Option<String>, _note: Option<String>, _kind: Kind, _at: Place }
    }
    required {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: String, _kind: Kind, _at: Place }
    }
    within_the_option {
        use super::base::{Kind, Place};
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<char>, _kind: Kind, _at: Place }
    }
    nested_retyped {
        use super::base::Kind;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) struct Place { _x: f32, _tags: Vec<String> }
    }
    within_the_vector {
        use super::base::Kind;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) struct Place { _x: f64, _tags: Vec<i64> }
    }
    a_map_for_the_vector {
        use super::base::Kind;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) struct Place { _x: f64, _tags: HashMap<String, String> }
    }
    nested_added {
        use super::base::Kind;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) struct Place { _x: f64, _y: f64, _tags: Vec<String> }
    }
    variant_added {
        use super::base::Place;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i32), C { _x: u8 }, D }
    }
    variants_reordered {
        use super::base::Place;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { B(i32), A, C { _x: u8 } }
    }
    variant_retyped {
        use super::base::Place;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i64), C { _x: u8 } }
    }
    variant_field_renamed {
        use super::base::Place;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i32), C { _y: u8 } }
    }
    last_variant_retyped {
        use super::base::Place;
        #[derive(Deserialize)] pub(super) struct Row { _id: i64, _name: String, _note: Option<String>, _kind: Kind, _at: Place }
        #[derive(Deserialize)] pub(super) enum Kind { A, B(i32), C { _x: u16 } }
    }
}

#[test]
fn a_type_of_the_same_fields_has_the_same_shape() {
    assert_eq!(shape::<base::Row>(), shape::<same::Row>());
    assert_eq!(fingerprint::<base::Row>(), fingerprint::<base::Row>());
    assert!(
        !shape::<base::Row>()
            .iter()
            .any(|line| line.contains("opaque"))
    );
}

#[test]
fn every_change_of_a_type_changes_its_shape() {
    let mut seen = HashMap::from([(by_shape::<base::Row>(), "base")]);
    macro_rules! differ {
        ($($version:ident)*) => {$(
            let before = seen.insert(by_shape::<$version::Row>(), stringify!($version));
            assert_eq!(before, None, "{}", stringify!($version));
        )*};
    }
    differ! {
        added removed renamed renamed_for_serde reordered narrower unsigned text optional required within_the_option
        nested_retyped within_the_vector a_map_for_the_vector nested_added variant_added variants_reordered
        variant_retyped variant_field_renamed last_variant_retyped
    }
}

#[test]
fn scalars_and_collections_differ_from_each_other() {
    let mut seen = HashMap::new();
    macro_rules! differ {
        ($($kind:ty,)*) => {$(
            assert_eq!(seen.insert(by_shape::<$kind>(), stringify!($kind)), None, "{}", stringify!($kind));
            assert!(!shape::<$kind>().iter().any(|line| line.contains("opaque")), "{}", stringify!($kind));
        )*};
    }
    differ! {
        bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64, char, String, (),
        Option<i64>, Option<Option<i64>>, Vec<i64>, Vec<u8>, Vec<Option<i64>>, [i64; 2], [i64; 3], (i64, String), (String, i64),
        BTreeMap<String, i64>, BTreeMap<i64, String>, IpAddr, SocketAddr, Duration, SystemTime,
        Result<i64, String>, serde_json::Value, Wrapped<i64>,
    }
}

#[allow(dead_code, reason = "only its type matters")]
#[derive(Deserialize)]
struct Wrapped<T>(T);

/// As identifiers, dates and the like do.
macro_rules! refuses_all_but {
    ($($name:ident $method:ident $visit:ident $($samples:pat_param)|+,)*) => {$(
        struct $name;
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("something else")
                    }
                    fn $visit<E: serde::de::Error>(self, value: refuses_all_but!(@ $visit)) -> Result<$name, E> {
                        match value { $($samples)|+ => Ok($name), _ => Err(E::custom("no")) }
                    }
                }
                from.$method(Visitor)
            }
        }
    )*};
    (@ visit_str) => { &str };
    (@ visit_bytes) => { &[u8] };
}

refuses_all_but! {
    Date deserialize_str visit_str "1970-01-01",
    Id deserialize_bytes visit_bytes [0, 0, 0, 0],
    Stubborn deserialize_str visit_str "only this",
}

#[test]
fn a_type_that_refuses_samples_is_given_others() {
    for shape in [
        shape::<Date>(),
        shape::<Vec<Option<Date>>>(),
        shape::<Id>(),
        shape::<NonZeroU32>(),
    ] {
        assert!(
            !shape.iter().any(|line| line.contains("opaque")),
            "{shape:?}"
        );
    }
    assert_ne!(by_shape::<Date>(), by_shape::<Id>());
}

#[test]
fn a_field_that_cannot_be_seen_hides_no_other_field() {
    #[derive(Deserialize)]
    struct Inner<T> {
        _hidden: Stubborn,
        _seen: T,
    }
    #[derive(Deserialize)]
    struct Outer<T> {
        _first: Stubborn,
        _inner: Inner<T>,
        _second: Stubborn,
        _other: Inner<T>,
        _last: T,
    }
    let shape = shape::<Outer<i64>>();
    for place in [
        "/_first opaque",
        "/_inner/_hidden opaque",
        "/_second opaque",
    ] {
        assert!(shape.contains(place), "{place}: {shape:?}");
    }
    for place in [
        "/_inner/_seen visit_i64",
        "/_other/_seen visit_i64",
        "/_last visit_i64",
    ] {
        assert!(shape.contains(place), "{place}: {shape:?}");
    }
    assert_ne!(by_shape::<Outer<i64>>(), by_shape::<Outer<i32>>());
}

#[test]
fn what_can_be_left_out_is_left_out_where_it_would_hide_others() {
    let shape = shape::<(
        Option<(Stubborn, i64)>,
        Vec<Stubborn>,
        BTreeMap<String, Stubborn>,
        i32,
    )>();
    for place in [
        "/0/some/0 opaque",
        "/1/0 opaque",
        "/2/value opaque",
        "/3 visit_i32",
    ] {
        assert!(shape.contains(place), "{place}: {shape:?}");
    }
}

#[test]
fn a_panic_in_foreign_code_is_a_field_that_cannot_be_seen() {
    struct Panics;
    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            i64::deserialize(from)?;
            std::panic::resume_unwind(Box::new("a value that this type does not expect"));
        }
    }
    let shape = shape::<(i32, Panics)>();
    assert!(shape.contains("/1 opaque"), "{shape:?}");
    assert_eq!(fingerprint::<Panics>(), fingerprint::<Panics>());
}

#[test]
fn a_type_that_contains_itself_comes_to_an_end() {
    #[derive(Deserialize)]
    struct List<T> {
        _value: T,
        _next: Option<Box<List<T>>>,
    }
    #[derive(Deserialize)]
    struct Tree<T> {
        _value: T,
        _children: Vec<Tree<T>>,
        _by_name: BTreeMap<String, Tree<T>>,
    }
    #[allow(dead_code, reason = "only its shape matters")]
    #[derive(Deserialize)]
    enum Expression<T> {
        Add(Box<Expression<T>>, Box<Expression<T>>),
        Not(Box<Expression<T>>),
        All(Vec<Expression<T>>),
        Literal(T),
    }
    #[derive(Deserialize)]
    struct Endless {
        _endless: Box<Endless>,
    }
    for shape in [
        shape::<List<i64>>(),
        shape::<Tree<i64>>(),
        shape::<Expression<i64>>(),
    ] {
        assert!(!shape.contains("unfinished"), "{shape:?}");
        assert!(
            shape.iter().any(|line| line.contains("visit_i64")),
            "{shape:?}"
        );
    }
    assert_ne!(by_shape::<List<i64>>(), by_shape::<List<i32>>());
    assert_ne!(by_shape::<Tree<i64>>(), by_shape::<Tree<i32>>());
    assert_ne!(by_shape::<Expression<i64>>(), by_shape::<Expression<i32>>());
    assert!(!shape::<Endless>().is_empty());
}

#[test]
fn the_names_of_flattened_and_tagged_types_are_found_out() {
    #[derive(Deserialize)]
    struct Inner<T> {
        _x: T,
    }
    #[derive(Deserialize)]
    struct Outer<T> {
        _id: i64,
        #[serde(flatten)]
        _inner: Inner<T>,
    }
    #[derive(Deserialize)]
    struct OtherName<T> {
        _key: i64,
        #[serde(flatten)]
        _inner: Inner<T>,
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Tagged<T> {
        A { _x: T },
        B { _y: i64 },
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum More<T> {
        A { _x: T },
        B { _y: i64 },
        C,
    }
    let outer = shape::<Outer<String>>();
    assert!(outer.contains("/_id visit_i64"), "{outer:?}");
    let distinct = [
        by_shape::<Outer<String>>(),
        by_shape::<Outer<i64>>(),
        by_shape::<OtherName<i64>>(),
        by_shape::<Tagged<String>>(),
        by_shape::<Tagged<bool>>(),
        by_shape::<More<bool>>(),
    ];
    let count = BTreeSet::from(distinct).len();
    assert_eq!(count, distinct.len());
}

#[test]
fn a_fingerprint_is_the_same_in_every_process() {
    #[derive(Deserialize)]
    struct Golden {
        _id: i64,
        _name: Option<String>,
        _kinds: Vec<(i64, f64)>,
    }
    assert_eq!(
        format!("{:032x}", fingerprint::<Golden>()),
        "3697a66da84af55af7a9ef951686512a"
    );
}
