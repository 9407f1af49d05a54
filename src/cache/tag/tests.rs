use super::*;

#[test]
fn slots_are_the_same_in_every_release() {
    let slots: Vec<u16> = [
        Tag::table("users"),
        Tag::table("orders"),
        Tag::user("users"),
        Tag::user("org:7"),
    ]
    .iter()
    .map(|tag| tag.slot)
    .collect();
    assert_eq!(slots, [62649, 14217, 25343, 48893]);
}

#[test]
fn a_table_and_a_word_of_one_name_are_different_tags() {
    assert_ne!(Tag::table("users"), Tag::user("users"));
    let both: Tags = [Tag::table("users"), Tag::user("users")]
        .into_iter()
        .collect();
    assert_eq!(both.len(), 2);
}

#[test]
fn a_set_is_sorted_and_holds_each_slot_once() {
    let tags: Tags = ["b", "a", "b", "c"].into_iter().map(Tag::table).collect();
    assert_eq!(tags.len(), 3);
    assert_eq!(tags.read_slots()[0], EVERYTHING);
    assert!(tags.read_slots().is_sorted());
    assert_eq!(tags.read_slots().len(), 4);
    assert_eq!(tags.write_slots(), &tags.read_slots()[1..]);
}

#[test]
fn everything_swallows_what_it_is_joined_with() {
    let users: Tags = [Tag::table("users")].into_iter().collect();
    assert!(users.union(&Tags::everything()).is_everything());
    assert_eq!(Tags::everything().write_slots(), [EVERYTHING]);
    assert!(!Tags::everything().is_empty());
    assert!(Tags::none().is_empty());
    assert!(!Tags::none().same_slots(&Tags::everything()));
}

#[test]
fn a_union_keeps_slots_whose_names_nobody_knows() {
    let users: Tags = [Tag::table("users")].into_iter().collect();
    let both = users.union(&Tags::of_slots(&[7, 3]));
    let slot = users.write_slots()[0];
    assert_eq!(both.read_slots(), [EVERYTHING, 3, 7, slot]);
    assert!(!Tags::of_slots(&[7]).is_empty());
}

#[test]
fn no_tag_lands_on_a_slot_with_a_meaning_of_its_own() {
    let kept = [EVERYTHING, DEFINITIONS];
    assert!((0..200_000).all(|n| !kept.contains(&Tag::user(&n.to_string()).slot)));
    assert_eq!(Tag::definitions().slot, DEFINITIONS);
}

#[test]
fn the_tags_of_a_table_are_different_ones_and_have_one_name() {
    let tags = [
        Tag::table("t"),
        Tag::below("t"),
        Tag::unpinned("t"),
        Tag::key("t", "id"),
        Tag::row("t", "id", b"7"),
        Tag::row("t", "id", b"8"),
        Tag::row("t", "org", b"7"),
    ];
    let set: Tags = tags.into_iter().collect();
    assert_eq!((set.len(), set.write_slots().len()), (7, 7));
    assert_eq!(set.names().collect::<Vec<_>>(), ["t"]);
}

#[test]
fn a_key_stands_for_its_rows() {
    assert_eq!(Tag::row("t", "id", b"7").widened(), Tag::key("t", "id"));
    assert_eq!(Tag::table("t").widened(), Tag::table("t"));
}

#[test]
fn definitions_move_with_everything_only_where_it_says_so() {
    let ddl: Tags = [Tag::table("t"), Tag::definitions()].into_iter().collect();
    assert!(ddl.write_slots().contains(&DEFINITIONS));
    let both = ddl.union(&Tags::everything());
    assert_eq!(both.write_slots(), [EVERYTHING, DEFINITIONS]);
    assert_eq!(Tags::everything().write_slots(), [EVERYTHING]);
    assert_eq!(Tags::definitions().read_slots(), [DEFINITIONS]);
    assert_eq!(Tags::definitions().write_slots(), [DEFINITIONS]);
}

#[test]
fn a_label_is_one_word_in_any_list() {
    for (word, label) in [
        ("public.users", "public.users"),
        ("a, b%", "a%2C%20b%25"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("\"x\"\n", "%22x%22%0A"),
    ] {
        let tags: Tags = [Tag::user(word)].into_iter().collect();
        assert_eq!(tags.labels().collect::<Vec<_>>(), [label]);
        assert_eq!(tags.wide_labels().collect::<Vec<_>>(), [label]);
    }
    let row = Tag::row("a b", "id", b"1").label();
    assert!(row.starts_with("a%20b/"), "{row}");
}
