//! What the user vouches for, checked against the catalog.

use super::{Catalog, names::Names};
use crate::sql::{Dialect, Functions, Relation, is_built_in};

/// What the user says about the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) functions: Functions,
    pub(crate) triggers: Vec<DeclaredTrigger>,
    /// Foreign and unlogged tables that may be cached.
    pub(crate) cacheable: Vec<Relation>,
    /// Tables without tags of rows.
    pub(crate) table_level: Vec<Relation>,
}

/// A trigger whose effects somebody vouches for.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredTrigger {
    /// Its name; with a table's before it, only that of this table.
    pub(crate) name: Relation,
    pub(crate) writes: Vec<Relation>,
}

/// A declaration that names what is not there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misnamed {
    /// Which setting of the builder.
    pub(crate) setting: &'static str,
    pub(crate) name: String,
    /// What it may have been meant to be.
    pub(crate) nearest: Option<String>,
}

impl DeclaredTrigger {
    /// Whether it is about the trigger `name` of `relation`.
    pub(super) fn is_about(&self, name: &str, relation: &Relation) -> bool {
        let same = |own: &str, other: &str| own.eq_ignore_ascii_case(other);
        let table = self.name.schema.as_deref();
        same(&self.name.name, name) && table.is_none_or(|table| same(table, &relation.name))
    }
}

impl Declarations {
    /// Finds the first declaration that names what is not in the catalog.
    pub(crate) fn check(&self, dialect: Dialect, catalog: &Catalog) -> Result<(), Misnamed> {
        let relations = Names::new(dialect, catalog.relations.iter().map(|entry| &entry.name));
        let routines = Names::new(
            dialect,
            catalog.routines.iter().map(|routine| &routine.name),
        );
        let table = |setting: &'static str, name: &Relation| match relations.anywhere(name)[..] {
            [] => Err(Misnamed {
                setting,
                name: name.to_string(),
                nearest: relations.nearest(name),
            }),
            _ => Ok(()),
        };
        let lists = [
            ("assume_cacheable", &self.cacheable),
            ("table_level", &self.table_level),
        ];
        for (setting, names) in lists {
            names.iter().try_for_each(|name| table(setting, name))?;
        }
        for trigger in &self.triggers {
            let mut hooks = catalog.hooks.iter();
            if !hooks.any(|hook| trigger.is_about(&hook.name, &hook.relation)) {
                let triggers = catalog.hooks.iter().map(|hook| Relation {
                    schema: Some(hook.relation.name.clone()),
                    name: hook.name.clone(),
                });
                let triggers: Vec<Relation> = triggers.collect();
                return Err(Misnamed {
                    setting: "declare_trigger",
                    name: trigger.name.to_string(),
                    nearest: Names::new(dialect, &triggers).nearest(&trigger.name),
                });
            }
            let mut writes = trigger.writes.iter();
            writes.try_for_each(|name| table("declare_trigger", name))?;
        }
        for (function, tables) in self.functions.declarations() {
            // SQLite's functions are the application's own: no catalog has them.
            let is_known = dialect == Dialect::Sqlite
                || is_built_in(dialect, function)
                || !routines.anywhere(function).is_empty();
            if !is_known {
                return Err(Misnamed {
                    setting: "assume_pure / declare_function",
                    name: function.to_string(),
                    nearest: routines.nearest(function),
                });
            }
            let mut tables = tables.into_iter();
            tables.try_for_each(|name| table("declare_function", name))?;
        }
        Ok(())
    }
}
