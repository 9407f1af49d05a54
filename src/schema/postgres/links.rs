//! What ties relations to one another: foreign keys, and whose rows are also another's.

use super::{answer::elements, ask, relations::Relations};
use crate::{
    schema::{CatalogReader, LoadError, catalog::ForeignKey, reader::fields},
    sql::{Ops, Relation},
};

/// The foreign keys, also those that a partition has from its parent. Their columns are keys of the child.
pub(super) async fn foreign_keys<R: CatalogReader>(
    reader: &mut R,
    relations: &mut Relations,
) -> Result<Vec<ForeignKey>, LoadError<R::Error>> {
    let sql = "SELECT conname::text, conrelid::text, confrelid::text, confdeltype::text, \
        confupdtype::text, conkey::text, confkey::text \
        FROM pg_catalog.pg_constraint WHERE contype = 'f' ORDER BY oid";
    let mut keys = Vec::new();
    for row in ask(reader, sql).await? {
        let [
            name,
            child,
            parent,
            at_delete,
            at_update,
            columns,
            referenced,
        ] = fields(row);
        let columns = elements(&columns);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        relations.add_key(&child, &columns);
        let (Some(child), Some(of)) = (relations.name(&child), relations.name(&parent)) else {
            continue;
        };
        let on_delete = match at_delete.as_str() {
            "c" => Ops::DELETE,
            "n" | "d" => Ops::UPDATE,
            _ => Ops::NONE,
        };
        let on_update = match at_update.as_str() {
            "c" | "n" | "d" => Ops::UPDATE,
            _ => Ops::NONE,
        };
        keys.push(ForeignKey {
            name: name.into(),
            child: child.clone(),
            parent: of.clone(),
            // A row that is moved to another partition is so by other columns.
            referenced: match relations.is_partitioned(&parent) {
                true => Vec::new(),
                false => relations.columns(&parent, &elements(&referenced)),
            },
            on_delete,
            // Until PostgreSQL 15, a row that an UPDATE moves to another partition counts as deleted.
            on_update: if relations.is_partitioned(&parent) {
                on_update.and(on_delete)
            } else {
                on_update
            },
        });
    }
    Ok(keys)
}

/// Child and parent, by partitioning or inheritance.
pub(super) async fn parents<R: CatalogReader>(
    reader: &mut R,
    relations: &Relations,
) -> Result<Vec<(Relation, Relation)>, LoadError<R::Error>> {
    let sql = "SELECT inhrelid::text, inhparent::text FROM pg_catalog.pg_inherits \
        ORDER BY inhrelid, inhseqno";
    let rows = ask(reader, sql).await?;
    // The others are indexes, and temporary children that no other session sees.
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let [child, parent] = fields(row);
            let (child, parent) = (relations.name(&child)?, relations.name(&parent)?);
            Some((child.clone(), parent.clone()))
        })
        .collect())
}
