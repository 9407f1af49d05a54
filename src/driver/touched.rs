//! What a write can have changed, as tags.

use crate::cache::{Tag, Tags};

/// The most tags that a transaction remembers one by one; past it, it has touched everything.
pub(super) const MOST_TAGS: usize = 1024;

/// A set of tags that a write can have moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Touched {
    #[default]
    Nothing,
    Tags(Vec<Tag>),
    Everything,
    /// Everything, and the definitions too.
    Definitions,
}

impl Touched {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Touched::Nothing
    }

    /// Whether the catalog must be read again.
    pub(crate) fn moves_definitions(&self) -> bool {
        match self {
            Touched::Nothing | Touched::Everything => false,
            Touched::Tags(tags) => tags.contains(&Tag::definitions()),
            Touched::Definitions => true,
        }
    }

    pub(crate) fn add(&mut self, more: &Touched) {
        match (&mut *self, more) {
            (Touched::Definitions, _) | (_, Touched::Nothing) => {}
            (_, Touched::Definitions) => *self = Touched::Definitions,
            (Touched::Everything, more) => {
                if more.moves_definitions() {
                    *self = Touched::Definitions;
                }
            }
            (_, Touched::Everything) => *self = self.widest(),
            (Touched::Nothing, Touched::Tags(_)) => *self = more.clone(),
            (Touched::Tags(mine), Touched::Tags(theirs)) => {
                for tag in theirs {
                    if !mine.contains(tag) {
                        mine.push(tag.clone());
                    }
                }
                self.bound();
            }
        }
    }

    /// Everything, with the definitions if they are among these.
    pub(crate) fn widest(&self) -> Touched {
        if self.moves_definitions() {
            Touched::Definitions
        } else {
            Touched::Everything
        }
    }

    /// Of too many rows, the keys that stand for them; of too many tags, everything.
    fn bound(&mut self) {
        let Touched::Tags(tags) = self else { return };
        if tags.len() <= MOST_TAGS {
            return;
        }
        *tags = tags.iter().map(Tag::widened).collect();
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > MOST_TAGS {
            *self = self.widest();
        }
    }

    /// The tags as the clock wants them.
    pub(crate) fn to_tags(&self) -> Tags {
        match self {
            Touched::Nothing => Tags::none(),
            Touched::Tags(tags) => tags.iter().cloned().collect(),
            Touched::Everything => Tags::everything(),
            Touched::Definitions => Tags::everything_and_definitions(),
        }
    }
}
