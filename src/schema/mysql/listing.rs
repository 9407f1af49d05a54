//! The questions to `information_schema`: each is one kind of rows, which can be listed or digested.
//!
//! Promises that the digest of a listing is another one if its rows are, so the fingerprint misses nothing that a load
//! reads. No column is named that rows or ANALYZE change (times, counts, the next number), nor TRUNCATE on MariaDB.

use crate::schema::{
    CatalogReader, LoadError,
    reader::{ask, fields},
};

/// Rows of `N` columns. A NULL is listed as the empty text.
pub(super) struct Listing<const N: usize> {
    columns: [&'static str; N],
    from: &'static str,
    order: &'static str,
}

/// Databases that are the server's own.
macro_rules! own {
    ($column:literal) => {
        concat!(
            $column,
            " NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
        )
    };
}

/// Without the session's temporary tables, which MariaDB lists too.
pub(super) const TABLES: Listing<4> = Listing {
    columns: ["table_schema", "table_name", "table_type", "engine"],
    from: concat!(
        "information_schema.tables WHERE table_type NOT LIKE 'TEMPORARY%' AND ",
        own!("table_schema")
    ),
    order: "1, 2",
};

pub(super) const COLUMNS: Listing<10> = Listing {
    columns: [
        "table_schema",
        "table_name",
        "column_name",
        "ordinal_position",
        "data_type",
        "column_type",
        "character_maximum_length",
        "character_octet_length",
        "collation_name",
        "extra",
    ],
    from: concat!("information_schema.columns WHERE ", own!("table_schema")),
    order: "ordinal_position",
};

/// Without indexes that do not compare whole values (FULLTEXT, SPATIAL, VECTOR).
pub(super) const INDEXES: Listing<7> = Listing {
    columns: [
        "table_schema",
        "table_name",
        "index_name",
        "seq_in_index",
        "non_unique",
        "column_name",
        "sub_part",
    ],
    from: concat!(
        "information_schema.statistics WHERE index_type IN ('BTREE', 'HASH') AND ",
        own!("table_schema")
    ),
    order: "seq_in_index",
};

pub(super) const VIEWS: Listing<3> = Listing {
    columns: ["table_schema", "table_name", "view_definition"],
    from: concat!("information_schema.views WHERE ", own!("table_schema")),
    order: "1, 2",
};

pub(super) const FOREIGN_KEYS: Listing<7> = Listing {
    columns: [
        "constraint_schema",
        "constraint_name",
        "table_name",
        "unique_constraint_schema",
        "referenced_table_name",
        "delete_rule",
        "update_rule",
    ],
    from: concat!(
        "information_schema.referential_constraints WHERE ",
        own!("constraint_schema")
    ),
    order: "1, 2",
};

pub(super) const FOREIGN_KEY_COLUMNS: Listing<6> = Listing {
    columns: [
        "table_schema",
        "table_name",
        "constraint_name",
        "ordinal_position",
        "column_name",
        "referenced_column_name",
    ],
    from: concat!(
        "information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL AND ",
        own!("table_schema")
    ),
    order: "ordinal_position",
};

pub(super) const TRIGGERS: Listing<7> = Listing {
    columns: [
        "trigger_name",
        "action_timing",
        "event_manipulation",
        "event_object_schema",
        "event_object_table",
        "action_statement",
        "sql_mode",
    ],
    from: concat!(
        "information_schema.triggers WHERE ",
        own!("event_object_schema")
    ),
    order: "event_object_schema, trigger_name",
};

pub(super) const ROUTINES: Listing<8> = Listing {
    columns: [
        "routine_schema",
        "routine_name",
        "routine_type",
        "routine_body",
        "routine_definition",
        "is_deterministic",
        "sql_data_access",
        "sql_mode",
    ],
    from: concat!("information_schema.routines WHERE ", own!("routine_schema")),
    order: "1, 2",
};

/// Routines that have parameters.
pub(super) const PARAMETERS: Listing<3> = Listing {
    columns: ["specific_schema", "specific_name", "routine_type"],
    from: concat!(
        "information_schema.parameters WHERE ordinal_position = 1 AND ",
        own!("specific_schema")
    ),
    order: "1, 2",
};

/// Since when tables have their names, in whole seconds: two of one definition that are renamed into each other show nowhere
/// else. MariaDB has it from InnoDB's file, which RENAME and whatever makes the table anew (ALTER, OPTIMIZE) change; rows,
/// TRUNCATE and ANALYZE do not. Those of other engines change with TRUNCATE.
pub(super) const NAMED_SINCE: Listing<3> = Listing {
    columns: ["table_schema", "table_name", "UNIX_TIMESTAMP(create_time)"],
    from: concat!(
        "information_schema.tables WHERE engine = 'InnoDB' AND table_type NOT LIKE 'TEMPORARY%' AND ",
        own!("table_schema")
    ),
    order: "1, 2",
};

impl<const N: usize> Listing<N> {
    /// The question for the rows. With a LIMIT of its own, or `sql_select_limit` would cut it off.
    pub(super) fn query(&self) -> String {
        let columns = self.columns.map(text).join(", ");
        let Self { from, order, .. } = self;
        format!("SELECT {columns} FROM {from} ORDER BY {order} LIMIT 18446744073709551615")
    }

    /// The rows.
    pub(super) async fn rows<R: CatalogReader>(
        &self,
        reader: &mut R,
    ) -> Result<Vec<[String; N]>, LoadError<R::Error>> {
        let rows = ask(reader, self.query()).await?;
        Ok(rows.into_iter().map(fields).collect())
    }

    /// Their number, and two sums of their digests, which do not depend on their order; computed by the server.
    pub(super) async fn digest<R: CatalogReader>(
        &self,
        reader: &mut R,
    ) -> Result<String, LoadError<R::Error>> {
        // QUOTE tells NULL from any text, and where a value ends.
        let quoted = self
            .columns
            .map(|column| format!("QUOTE({})", text(column)));
        let half =
            |from| format!("SUM(CAST(CONV(SUBSTRING(line, {from}, 15), 16, 10) AS UNSIGNED))");
        let query = format!(
            "SELECT {} FROM (SELECT SHA2(CONCAT_WS(',', {}), 256) AS line FROM {}) AS listed LIMIT 1",
            text(&format!(
                "CONCAT_WS('.', COUNT(*), {}, {})",
                half(1),
                half(16)
            )),
            quoted.join(", "),
            self.from,
        );
        let rows = ask(reader, query).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }
}

/// An expression as text that the driver can read: the dictionary's own columns are binary, numbers or of other character
/// sets.
pub(super) fn text(expression: &str) -> String {
    format!("CONVERT({expression} USING utf8mb4)")
}
