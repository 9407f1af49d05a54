//! The terms a caller sets for a read: per query, in a comment of its SQL, or kept in a value and used many times.

use std::{borrow::Cow, fmt, time::Duration};

use crate::{
    cache::{Consistency, Engine, Mode, Terms, Token},
    sql::Hints,
};

/// How one read may be answered: every hint that `.cached(&pool)` takes, in a value that can be kept and shared.
///
/// What it leaves out comes from the comment in the SQL text, then from the pool. Apply it with
/// `.policy(&policy)`; hints named after that win over it.
///
/// # Example
/// ```
/// use cachedpool::CachePolicy;
/// use std::time::Duration;
///
/// let dashboard = CachePolicy::new()
///     .ttl(Duration::from_secs(30))
///     .stale_while_revalidate(Duration::from_secs(300))
///     .tag("dashboard");
/// ```
#[derive(Clone, Default)]
#[must_use = "a policy does nothing until a read is given it"]
pub struct CachePolicy {
    ttl: Option<Duration>,
    stale_while_revalidate: Option<Duration>,
    stale_if_error: Option<Duration>,
    tolerate_stale: Option<Duration>,
    consistency: Option<Consistency>,
    max_rows: Option<usize>,
    max_bytes: Option<usize>,
    pub(crate) tags: Vec<Cow<'static, str>>,
    pub(crate) depends_on: Vec<Cow<'static, str>>,
    pub(crate) scope: Option<Vec<u8>>,
    pub(crate) mode: Option<Mode>,
    pub(crate) bypass: bool,
    pub(crate) local_only: bool,
    after: Vec<Token>,
}

impl CachePolicy {
    /// A policy that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long after it was loaded a result is fresh. Zero means: never answer from the cache.
    ///
    /// It is judged by the reader: a result that another caller stored with a longer time to live is not fresh for this
    /// one. Up to a tenth of it (see [`ttl_jitter`](crate::Builder::ttl_jitter)) is cut off, differently for each entry,
    /// so that entries that were loaded together do not expire together.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long past its time to live a result may still be answered while it is loaded anew in the background
    /// (RFC 5861 §3). It does not apply to results that a write has invalidated: see
    /// [`tolerate_stale`](Self::tolerate_stale).
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = Some(window);
        self
    }

    /// How long past its time to live a result may still be answered when the database cannot be reached
    /// (RFC 5861 §4). An error that the query itself causes is always the caller's.
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = Some(window);
        self
    }

    /// Accepts results that a write has invalidated, or whose time to live is over, while they are no older than this,
    /// counted from their load. They are loaded anew in the background. Without it an invalidated result is never
    /// answered, nor to a strict read with it.
    pub fn tolerate_stale(mut self, age: Duration) -> Self {
        self.tolerate_stale = Some(age);
        self
    }

    /// Overrides the pool's [`Consistency`] for this read.
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = Some(consistency);
        self
    }

    /// Overrides the pool's cap on rows: a result with more is returned and not stored.
    pub fn max_rows(mut self, rows: usize) -> Self {
        self.max_rows = Some(rows);
        self
    }

    /// Overrides the pool's cap on encoded bytes: a larger result is returned and not stored.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Hangs the result on a word of your own, for `pool.invalidate_tags`. The tags are part of the key.
    pub fn tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// [`tag`](Self::tag), several times.
    pub fn tags<T: Into<Cow<'static, str>>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Makes the result depend on further tables, for what the SQL text does not show (the tables behind a view).
    pub fn depends_on<T: Into<Cow<'static, str>>>(
        mut self,
        tables: impl IntoIterator<Item = T>,
    ) -> Self {
        self.depends_on.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Partitions the cache: a result is answered only to reads of the same scope (tenant, role, locale). Called more
    /// than once, the scopes nest. Scopes are compared whole, in the text that [`Display`](fmt::Display) gives.
    pub fn scope(mut self, scope: impl fmt::Display) -> Self {
        let text = scope.to_string();
        let key = self.scope.get_or_insert_default();
        // The length in front keeps ("a", "bc") and ("ab", "c") apart.
        key.extend_from_slice(&(text.len() as u64).to_le_bytes());
        key.extend_from_slice(text.as_bytes());
        self
    }

    /// Answers with nothing older than the write that this token was made for, whichever process wrote it. Called more than
    /// once, all of the tokens hold.
    ///
    /// Where this process already knows of the write, the read goes as always. Else it validates its answer with the shared
    /// tier, and takes no stale one; without a shared tier, or where the token cannot be compared, it asks the database.
    /// Never answers what [`tolerate_stale`](Self::tolerate_stale) would let pass.
    pub fn after(mut self, token: &Token) -> Self {
        self.after.push(token.clone());
        self
    }

    /// Reads the database whatever the cache holds, and keeps the result.
    pub fn refresh(mut self) -> Self {
        self.mode = Some(Mode::Refresh);
        self
    }

    /// Reads the database and leaves the cache alone.
    pub fn bypass(mut self) -> Self {
        self.bypass = true;
        self
    }

    /// Keeps the result in this process: it is neither taken from a shared tier nor given to one. What is written still
    /// invalidates it from everywhere.
    ///
    /// For rows that do not come back from bytes as they were, such as those with `#[serde(skip)]`, and rows that must not leave the
    /// process. For a row type of which two builds mean different things, [`Builder::generation`](crate::Builder::generation)
    /// keeps the builds apart.
    pub fn local_only(mut self) -> Self {
        self.local_only = true;
        self
    }

    /// Never asks the database: where the cache has no answer, the read fails with an error for which
    /// [`is_not_cached`](crate::is_not_cached) is true.
    pub fn only_if_cached(mut self) -> Self {
        self.mode = Some(Mode::OnlyIfCached);
        self
    }

    /// This policy where it speaks, `under` where it does not.
    pub(crate) fn over(mut self, under: &CachePolicy) -> CachePolicy {
        self.ttl = self.ttl.or(under.ttl);
        self.stale_while_revalidate = self.stale_while_revalidate.or(under.stale_while_revalidate);
        self.stale_if_error = self.stale_if_error.or(under.stale_if_error);
        self.tolerate_stale = self.tolerate_stale.or(under.tolerate_stale);
        self.consistency = self.consistency.or(under.consistency);
        self.max_rows = self.max_rows.or(under.max_rows);
        self.max_bytes = self.max_bytes.or(under.max_bytes);
        self.tags.extend(under.tags.iter().cloned());
        self.depends_on.extend(under.depends_on.iter().cloned());
        if let Some(scope) = &under.scope {
            self.scope.get_or_insert_default().extend_from_slice(scope);
        }
        self.mode = self.mode.or(under.mode);
        self.bypass |= under.bypass;
        self.local_only |= under.local_only;
        self.after.extend(under.after.iter().cloned());
        self
    }

    /// The terms of a read under this policy, where `base` is what the pool and the SQL text say.
    pub(crate) fn terms(&self, base: &Terms) -> Terms {
        let mut terms = *base;
        if let Some(ttl) = self.ttl {
            terms.ttl = ttl;
        }
        if let Some(window) = self.stale_while_revalidate {
            terms.stale_while_revalidate = window;
        }
        if let Some(window) = self.stale_if_error {
            terms.stale_if_error = window;
        }
        if self.tolerate_stale.is_some() {
            terms.tolerate_stale = self.tolerate_stale;
        }
        if let Some(consistency) = self.consistency {
            terms.consistency = consistency;
        }
        if let Some(rows) = self.max_rows {
            terms.max_rows = rows;
        }
        if let Some(bytes) = self.max_bytes {
            terms.max_bytes = bytes;
        }
        if let Some(mode) = self.mode {
            terms.mode = mode;
        }
        if !self.after.is_empty() {
            terms.tolerate_stale = None;
        }
        terms
    }

    /// Makes the terms demand an answer that is as new as the tokens.
    ///
    /// # Errors
    /// When only the database can give one.
    pub(crate) fn demand_after(
        &self,
        engine: &Engine,
        terms: &mut Terms,
    ) -> Result<(), AskDatabase> {
        let mut news = self
            .after
            .iter()
            .filter(|token| !engine.covers(token))
            .peekable();
        if news.peek().is_none() {
            return Ok(());
        }
        if !engine.is_shared() || news.any(|token| token.is_blind()) {
            return Err(AskDatabase);
        }
        // The words of a token are in the shared tier since before it was made, and a strict read compares its answer with
        // what is there now.
        terms.consistency = Consistency::Strict;
        // What stands in for a load is judged by the clock of this process, which does not know of the write.
        terms.stale_while_revalidate = Duration::ZERO;
        terms.stale_if_error = Duration::ZERO;
        Ok(())
    }
}

/// No cache can tell that it has what was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskDatabase;

impl From<&Hints> for CachePolicy {
    fn from(hints: &Hints) -> Self {
        CachePolicy {
            ttl: hints.ttl,
            stale_while_revalidate: hints.stale_while_revalidate,
            stale_if_error: hints.stale_if_error,
            tags: hints
                .tags
                .iter()
                .map(|tag| Cow::Owned(tag.to_string()))
                .collect(),
            ..CachePolicy::default()
        }
    }
}

impl fmt::Debug for CachePolicy {
    /// Leaves tags and scope out: they are often somebody's identity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePolicy")
            .field("ttl", &self.ttl)
            .field("stale_while_revalidate", &self.stale_while_revalidate)
            .field("stale_if_error", &self.stale_if_error)
            .field("tolerate_stale", &self.tolerate_stale)
            .field("consistency", &self.consistency)
            .field("max_rows", &self.max_rows)
            .field("max_bytes", &self.max_bytes)
            .field("mode", &self.mode)
            .field("bypass", &self.bypass)
            .field("local_only", &self.local_only)
            .finish_non_exhaustive()
    }
}
