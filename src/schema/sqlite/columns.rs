//! How SQLite compares the values of a column.

use crate::schema::{ColumnKind, catalog::Column};

/// What `pragma_table_xinfo` says of a column.
pub(super) struct Described {
    pub(super) name: String,
    /// The declared type; SQLite takes any words.
    pub(super) declared: String,
    /// The place in the primary key, from 1; 0 if it is not in it.
    pub(super) key: String,
    /// 0, or how it is hidden: 2 and 3 are generated columns.
    pub(super) hidden: String,
}

impl Described {
    /// Whether an INSERT without a list of columns leaves it out.
    pub(super) fn is_hidden(&self) -> bool {
        self.hidden != "0"
    }

    /// `collates`: the table's text names a collation somewhere.
    pub(super) fn column(self, collates: bool) -> Column {
        Column {
            kind: match affinity(&self.declared) {
                ColumnKind::Text { .. } if collates => ColumnKind::Other,
                kind => kind,
            },
            computed: self.is_hidden(),
            // An alias of the rowid, where NULL stands for the next one. (lang_createtable.html §5.)
            numbered: self.key == "1" && self.declared.eq_ignore_ascii_case("INTEGER"),
            name: self.name.into(),
        }
    }
}

/// The affinity of a declared type, by the first rule that fits (datatype3.html §3.1).
///
/// A type is only a wish, and yet an integer identifies the rows that have it. Integer affinity makes an integer of
/// whatever is one: 7.0, '7'. What stays a real has a fraction, is no 64-bit integer, or is the least of them, -2^63;
/// what stays text or a blob equals no number. An integer that is given is stored unchanged, and SQLite compares integers
/// with reals exactly. So no stored value equals two different integers, which is what a pin needs. Of text in a column of
/// text affinity the same is true: numbers become text, blobs equal no text, and BINARY compares bytes (§7).
///
/// NUMERIC and REAL affinity are left out: nobody keys by them.
fn affinity(declared: &str) -> ColumnKind {
    let declared = declared.to_ascii_uppercase();
    let has = |word| declared.contains(word);
    if has("INT") {
        ColumnKind::Integer {
            min: i64::MIN,
            max: i64::MAX,
        }
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        ColumnKind::Text { max_chars: None }
    } else {
        ColumnKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_affinity_go_in_their_order() {
        let integer = ColumnKind::Integer {
            min: i64::MIN,
            max: i64::MAX,
        };
        let text = ColumnKind::Text { max_chars: None };
        for (declared, kind) in [
            ("INTEGER", integer),
            ("unsigned big int", integer),
            ("CHARINT", integer),
            ("FLOATING POINT", integer),
            ("varchar(20)", text),
            ("NATIVE CHARACTER(70)", text),
            ("clob", text),
            ("", ColumnKind::Other),
            ("BLOB", ColumnKind::Other),
            ("STRING", ColumnKind::Other),
            ("ANY", ColumnKind::Other),
            ("DECIMAL(10,5)", ColumnKind::Other),
            ("BOOLEAN", ColumnKind::Other),
            ("DOUBLE PRECISION", ColumnKind::Other),
        ] {
            assert_eq!(affinity(declared), kind, "{declared}");
        }
    }
}
