//! The columns by which rows are found: those of indexes.

use super::{ask, relations::Relations};
use crate::schema::{CatalogReader, LoadError, reader::fields};

/// Adds the keys that indexes show: all columns of a unique one, and the first column of any. A partial index holds for
/// some rows only, and one over expressions has no columns, so they show none.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
    relations: &mut Relations,
) -> Result<(), LoadError<R::Error>> {
    let sql = "SELECT indrelid::text, indkey::text, \
        CASE WHEN indisunique THEN indnkeyatts ELSE 1 END::text \
        FROM pg_catalog.pg_index \
        WHERE indisvalid AND indpred IS NULL AND indexprs IS NULL ORDER BY indexrelid";
    for row in ask(reader, sql).await? {
        let [oid, numbers, count] = fields(row);
        let numbers: Vec<&str> = numbers.split(' ').collect();
        let count = count.parse().unwrap_or(1).min(numbers.len());
        relations.add_key(&oid, &numbers[..count]);
        relations.add_key(&oid, &numbers[..1]);
    }
    Ok(())
}
