//! What a read asks the cache: its key, its tags and its terms, or the reason why it must not ask.

use std::{any::TypeId, sync::Arc};

use super::{
    CachePolicy, front::Front, policy::AskDatabase, snapshot::Snapshot, statement::Statement,
    whole::RowIdentity,
};
use crate::{
    cache::{Key, Mode, Params, Question, Scope, Shape, Stamp, Tag, Terms},
    pool::Core,
};

/// A question to the cache.
pub(super) struct Ask {
    pub(super) key: Key,
    statement: Arc<Statement>,
    /// What this read adds to the statement's own tags, and its terms where they are not the statement's.
    own: Option<Box<(Vec<Tag>, Terms)>>,
    /// The result stays in this process.
    local_only: bool,
}

/// What to do where the cache must not be asked.
pub(super) enum Refusal {
    /// Ask the database; the stamp is for the result.
    Database(Box<Stamp>),
    /// Nothing: the read allows only a cached answer.
    NotCached,
}

/// What follows the arguments in a key. Each part is preceded by its kind and its length, so that no two lists of parts
/// have the same bytes.
#[derive(Clone, Copy)]
enum Part {
    Scope = 1,
    Tag = 2,
    Table = 3,
}

impl Ask {
    /// What to ask.
    #[inline]
    pub(super) fn new<DB: Front>(
        core: &Arc<Core<DB>>,
        query: &mut DB::Query,
        policy: Option<&CachePolicy>,
        shape: Shape,
        mapping: Option<TypeId>,
    ) -> Result<Ask, Refusal> {
        let statement = core.statements.of(DB::text(query));
        let mut terms = policy.map(|policy| policy.terms(&statement.terms));
        let plan = &statement.plan;
        let unscoped = || policy.is_none_or(|policy| policy.scope.is_none());
        let refusal = match (&plan.refusal, &plan.unscoped) {
            _ if policy.is_some_and(|policy| policy.bypass) => Some("bypass"),
            _ if terms.as_ref().unwrap_or(&statement.terms).ttl.is_zero() => Some("zero_ttl"),
            (Some(refusal), _) => Some(refusal.label()),
            (None, Some(refusal)) if unscoped() => Some(refusal.label()),
            _ if !core.engine.still_holds(&statement.snapshot.stamp) => {
                // What it depends on may be something else by now.
                core.look_soon();
                Some("schema_changed")
            }
            _ => policy
                .zip(terms.as_mut())
                .and_then(|(policy, terms)| policy.demand_after(&core.engine, terms).err())
                .map(|AskDatabase| "after_token"),
        };
        let row = match (refusal, mapping) {
            (None, Some(row)) => row,
            (refusal, _) => {
                let reason = refusal.unwrap_or("capturing_closure");
                core.engine.bypassed(reason);
                if let Some(scope) = Scope::current() {
                    // Its tables are known all the same, unless the user names more.
                    let own = policy.is_some_and(|policy| {
                        !policy.tags.is_empty() || !policy.depends_on.is_empty()
                    });
                    match core.unfollowed(&statement) {
                        None if !own && matches!(reason, "bypass" | "capturing_closure") => {}
                        why => scope.refuse(why.unwrap_or(reason)),
                    }
                }
                let only_if_cached =
                    policy.is_some_and(|policy| policy.mode == Some(Mode::OnlyIfCached));
                return Err(if only_if_cached {
                    Refusal::NotCached
                } else {
                    Refusal::Database(Box::new(core.engine.stamp(&plan.reads)))
                });
            }
        };
        let mut params = Params::new();
        DB::parameters(query, &mut params);
        let own = policy.zip(terms).map(|(policy, terms)| {
            Box::new((
                policy_parts(policy, &statement.snapshot, &mut params),
                terms,
            ))
        });
        let key = Key {
            statement: statement.id,
            row,
            shape,
            params,
        };
        Ok(Ask {
            key,
            statement,
            own,
            local_only: policy.is_some_and(|policy| policy.local_only),
        })
    }

    #[inline]
    pub(super) fn terms(&self) -> &Terms {
        self.own
            .as_ref()
            .map_or(&self.statement.terms, |own| &own.1)
    }

    /// The question as it is kept for as long as a load takes. `row` is what the mapping is among processes, if it is anything.
    pub(super) fn into_question<DB: Front>(
        self,
        core: &Core<DB>,
        query: &mut DB::Query,
        row: impl FnOnce() -> Option<RowIdentity>,
    ) -> Question {
        let values = || DB::values(query);
        let mut tags = self.statement.plan.reads_with(values);
        if let Some(own) = self.own.as_ref().filter(|own| !own.0.is_empty()) {
            tags = tags.union(&own.0.iter().cloned().collect());
        }
        let whole = match &core.home {
            Some(home) if core.engine.is_shared() && !self.local_only => row().and_then(|row| {
                home.key(
                    &self.statement.facts.normal,
                    row,
                    self.key.shape,
                    &self.key.params,
                    &tags,
                )
            }),
            _ => None,
        };
        Question {
            tags,
            terms: *self.terms(),
            key: self.key,
            whole,
        }
    }
}

/// Writes scope, tags and declared tables into the key. The tags and tables belong there because an entry carries those
/// of the read that stored it: a read with other ones must not be answered with it.
fn policy_parts(policy: &CachePolicy, snapshot: &Snapshot, params: &mut Params) -> Vec<Tag> {
    let mut part = |kind: Part, bytes: &[u8]| {
        params.push(kind as u8);
        params.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        params.extend_from_slice(bytes);
    };
    if let Some(scope) = &policy.scope {
        part(Part::Scope, scope);
    }
    for tag in &policy.tags {
        part(Part::Tag, tag.as_bytes());
    }
    let mut own: Vec<Tag> = policy.tags.iter().map(|tag| Tag::user(tag)).collect();
    for table in &policy.depends_on {
        for tag in snapshot.read_by_hand(table) {
            part(Part::Table, tag.name().as_bytes());
            own.push(tag);
        }
    }
    own
}
