//! How MySQL and MariaDB compare the values of a column.

use crate::schema::{ColumnKind, catalog::Column};

/// A row of [`COLUMNS`](super::listing::COLUMNS), without the table.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) column_type: String,
    pub(super) max_chars: String,
    pub(super) max_bytes: String,
    pub(super) collation: String,
    pub(super) extra: String,
}

impl Described {
    /// Whether an INSERT without a list of columns leaves it out.
    pub(super) fn is_invisible(&self) -> bool {
        self.extra.to_ascii_uppercase().contains("INVISIBLE")
    }

    pub(super) fn column(self) -> Column {
        // MySQL calls a default that is an expression DEFAULT_GENERATED; a value that is given stays what it is.
        let extra = self
            .extra
            .to_ascii_uppercase()
            .replace("DEFAULT_GENERATED", "");
        Column {
            kind: self.kind(),
            computed: ["GENERATED", "VIRTUAL", "PERSISTENT", "ON UPDATE"]
                .iter()
                .any(|mark| extra.contains(mark)),
            numbered: extra.contains("AUTO_INCREMENT"),
            name: self.name.into(),
        }
    }

    fn kind(&self) -> ColumnKind {
        let bits = match self.data_type.as_str() {
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            "bigint" => 64,
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                return self.text();
            }
            "date" => return ColumnKind::Date,
            _ => return ColumnKind::Other,
        };
        // Values past the bounds are cut to them outside strict mode, so they are no values of this column.
        let signed_max = i64::MAX >> (64 - bits);
        match self.column_type.contains("unsigned") {
            true => ColumnKind::Integer {
                min: 0,
                max: signed_max.saturating_mul(2).saturating_add(1),
            },
            false => ColumnKind::Integer {
                min: -signed_max - 1,
                max: signed_max,
            },
        }
    }

    /// Text is compared by its bytes under the binary collations alone. In other character sets than utf8mb4 a value can be
    /// stored with `?` in place of characters.
    fn text(&self) -> ColumnKind {
        let max_chars = match self.data_type.as_str() {
            "char" | "varchar" => self.max_chars.parse().ok(),
            // The limit of a TEXT is one of bytes, of which a character has up to four.
            _ => self
                .max_bytes
                .parse::<u64>()
                .ok()
                .and_then(|bytes| u32::try_from(bytes / 4).ok()),
        };
        match (self.collation.as_str(), self.data_type.as_str()) {
            _ if max_chars.is_none() => ColumnKind::Other,
            // CHAR loses the spaces at its end when it is stored, however it is compared.
            ("utf8mb4_bin", _) | ("utf8mb4_0900_bin" | "utf8mb4_nopad_bin", "char") => {
                ColumnKind::PaddedText { max_chars }
            }
            ("utf8mb4_0900_bin" | "utf8mb4_nopad_bin", _) => ColumnKind::Text { max_chars },
            _ => ColumnKind::Other,
        }
    }
}
