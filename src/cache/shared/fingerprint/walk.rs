//! One run of a type's `Deserialize`: where it is, what it has asked for, and what it is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Nested deeper than this, a type is taken to have no end.
const MAX_DEPTH: usize = 40;
/// A type that is within itself this often is given the least that it takes from there on.
const MAX_SELF: usize = 2;
/// How often a place that cannot be seen may end a run, until what else could be visited before it has been.
const MAX_ENDS: usize = 3;
/// The names that one map is found to want.
const MAX_NAMES: usize = 256;

/// A struct, or a variant with fields, by its names in serde.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cache) struct Named {
    pub(in crate::cache) name: &'static str,
    /// Empty for a struct.
    pub(in crate::cache) variant: &'static str,
}

/// The fields that a type asks for.
pub(in crate::cache) type Asked = BTreeMap<Named, BTreeSet<&'static str>>;

/// What all runs of one type have found.
#[derive(Default)]
pub(super) struct Survey {
    /// What was asked for at which place, one line each. The places of all runs together.
    pub(super) shape: BTreeSet<String>,
    /// Which sample is next at a place that refused the ones before.
    pub(super) choices: BTreeMap<String, usize>,
    /// Places that refuse every sample, and how often they have ended a run. The more often, the later they are visited,
    /// so that each hides nothing else.
    opaque: BTreeMap<String, usize>,
    /// Names that were missed in a map, or are expected of an identifier.
    pub(super) names: BTreeMap<String, Vec<&'static str>>,
    /// The fields of whatever has fields, their aliases among them.
    fields: Asked,
    /// Names that turned out to be others of a field that has been named already.
    aliases: BTreeSet<(Named, &'static str)>,
    /// The first names of fields that have aliases: visited before these.
    first: BTreeSet<(Named, &'static str)>,
    /// Enum variants that are still to be seen, each with those on the way to it.
    pub(super) plans: Vec<BTreeMap<String, usize>>,
    /// Places whose variants are planned.
    planned: BTreeSet<String>,
    /// What may still be asked for, in all runs.
    steps: usize,
}

/// One run.
pub(super) struct Walk<'s> {
    pub(super) survey: &'s mut Survey,
    plan: BTreeMap<String, usize>,
    path: String,
    depth: usize,
    /// Structs and enums that the place is in.
    within: Vec<(&'static str, &'static [&'static str])>,
    /// The last place that was given a sample, and how many there are for it.
    last: Option<(String, usize)>,
    /// The last map, where a name that is missed would have stood.
    last_map: Option<String>,
    /// The last field that was named.
    pub(super) last_field: Option<(Named, &'static str)>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(survey: &'s mut Survey, plan: BTreeMap<String, usize>) -> Self {
        Self {
            survey,
            plan,
            path: String::new(),
            depth: 0,
            within: Vec::new(),
            last: None,
            last_map: None,
            last_field: None,
        }
    }

    /// Notes what is asked for here.
    pub(super) fn note(&mut self, asked: fmt::Arguments<'_>) -> Result<(), Refusal> {
        self.survey.steps = self.survey.steps.checked_sub(1).ok_or(Refusal::Exhausted)?;
        self.survey.shape.insert(format!("{} {asked}", self.path));
        Ok(())
    }

    /// Goes one level down for as long as `visit` runs.
    pub(super) fn down<T>(
        &mut self,
        step: fmt::Arguments<'_>,
        visit: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::Other);
        }
        let length = self.path.len();
        self.path.push_str(&format!("/{step}"));
        self.depth += 1;
        let visited = visit(self);
        self.depth -= 1;
        self.path.truncate(length);
        visited
    }

    /// Is in a struct or enum of this name for as long as `visit` runs.
    pub(super) fn inside<T>(
        &mut self,
        name: &'static str,
        parts: &'static [&'static str],
        visit: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.within.push((name, parts));
        let visited = visit(self);
        self.within.pop();
        visited
    }

    fn times_within(&self, name: &str, parts: &[&str]) -> usize {
        self.within
            .iter()
            .filter(|at| **at == (name, parts))
            .count()
    }

    /// Which of `count` samples is to be given here.
    pub(super) fn choose(&mut self, count: usize) -> usize {
        self.last = Some((self.path.clone(), count));
        let chosen = self.survey.choices.get(&self.path).copied();
        chosen.unwrap_or(0).min(count - 1)
    }

    /// One of `samples`.
    pub(super) fn sample<T: Copy>(&mut self, samples: &[T]) -> T {
        samples[self.choose(samples.len())]
    }

    /// Which of its variants an enum is to be here.
    pub(super) fn variant(
        &mut self,
        name: &'static str,
        variants: &'static [&'static str],
    ) -> usize {
        let seen = self.times_within(name, variants);
        if seen > 0 {
            // Within itself: another one at each level, so that one without an end is left soon; or the next, if refused.
            return (seen + self.choose(variants.len())) % variants.len();
        }
        self.plan_for(variants.len());
        self.plan.get(&self.path).copied().unwrap_or(0)
    }

    /// Plans a run for each of `count` alternatives of this place but the first.
    fn plan_for(&mut self, count: usize) {
        if self.survey.planned.insert(self.path.clone()) {
            for other in (1..count).rev() {
                let mut plan = self.plan.clone();
                plan.insert(self.path.clone(), other);
                self.survey.plans.push(plan);
            }
        }
    }

    /// Notes that these fields are asked for. Gives them in the order in which they are visited, each by one name.
    pub(super) fn ask(
        &mut self,
        named: Named,
        fields: &'static [&'static str],
    ) -> Vec<&'static str> {
        let survey = &mut *self.survey;
        survey.fields.entry(named).or_default().extend(fields);
        let mut ordered = fields.to_vec();
        ordered.retain(|field| !survey.aliases.contains(&(named, field)));
        ordered.sort_by_cached_key(|field| {
            let ends = survey.ends_within(&format!("{}/{field}", self.path));
            (!survey.first.contains(&(named, field)), ends)
        });
        ordered
    }

    /// Whether there is nothing new to see below this place, which can do without: because it is so deep within a type
    /// that contains itself, or because it has ended runs often enough.
    pub(super) fn is_done(&self) -> bool {
        let repeats = self
            .within
            .iter()
            .any(|(name, parts)| self.times_within(name, parts) > MAX_SELF);
        repeats || self.survey.ends_within(&self.path) >= Some(MAX_ENDS)
    }

    /// What an identifier is to be here: a name that is known to be expected.
    pub(super) fn identifier(&mut self) -> &'static str {
        self.last = Some((self.path.clone(), 1));
        let names = self.survey.names.get(&self.path).cloned();
        let names = names.filter(|names| !names.is_empty());
        match names {
            Some(names) => {
                self.plan_for(names.len());
                let planned = self.plan.get(&self.path).copied().unwrap_or(0);
                names[planned.min(names.len() - 1)]
            }
            None => "a",
        }
    }

    /// Begins a map, and says which names it is known to want.
    pub(super) fn map(&mut self) -> Vec<&'static str> {
        self.last_map = Some(self.path.clone());
        self.survey
            .names
            .get(&self.path)
            .cloned()
            .unwrap_or_default()
    }

    /// The run ends here.
    pub(super) fn end(self) -> Ended {
        Ended {
            place: self.last,
            map: self.last_map,
            field: self.last_field,
        }
    }

    /// The map ends here; whatever is missed was missed in it.
    pub(super) fn end_map(&mut self) {
        self.last_map = Some(self.path.clone());
    }
}

impl Survey {
    /// Of nothing yet; for so many steps.
    pub(super) fn new(steps: usize) -> Self {
        Self {
            steps,
            plans: vec![BTreeMap::new()],
            ..Self::default()
        }
    }

    /// The fields that were asked for, each by the name that it has when it is written.
    pub(super) fn asked(&self) -> Asked {
        let mut asked = self.fields.clone();
        for (named, alias) in &self.aliases {
            if let Some(fields) = asked.get_mut(named) {
                fields.remove(alias);
            }
        }
        asked
    }

    /// Learns from the end of a run. Whether another one can see more.
    pub(super) fn learn(&mut self, refusal: &Refusal, ended: Ended) -> bool {
        if let (Refusal::Duplicate(first), Some((named, field))) = (refusal, ended.field)
            && self.duplicate(named, first, field)
        {
            return true;
        }
        match (refusal, ended.place, ended.map) {
            (Refusal::Exhausted, _, _) => {
                self.shape.insert("unfinished".to_owned());
                false
            }
            (Refusal::Missing(name), _, Some(map)) if self.miss(&map, name) => true,
            (Refusal::Variant(names), Some((place, _)), _) if self.expect(&place, names) => true,
            (_, Some((place, count)), _) => self.refuse(place, count),
            (_, None, _) => {
                self.shape.insert("opaque".to_owned());
                false
            }
        }
    }

    /// How often `place`, or one below it, has ended a run; the most often.
    fn ends_within(&self, place: &str) -> Option<usize> {
        let after = self.opaque.range(place.to_owned()..);
        after
            .take_while(|(at, _)| at.starts_with(place))
            .filter(|(at, _)| matches!(at.as_bytes().get(place.len()), None | Some(b'/')))
            .map(|(_, &ends)| ends)
            .max()
    }

    fn duplicate(&mut self, named: Named, first: &'static str, field: &'static str) -> bool {
        if field == first {
            // An alias came before it.
            self.first.insert((named, field))
        } else {
            self.aliases.insert((named, field))
        }
    }

    fn miss(&mut self, map: &str, name: &'static str) -> bool {
        let names = self.names.entry(map.to_owned()).or_default();
        let new = !names.contains(&name) && names.len() < MAX_NAMES;
        if new {
            names.push(name);
            self.shape.insert(format!("{map} wants {name}"));
        }
        new
    }

    fn expect(&mut self, place: &str, names: &'static [&'static str]) -> bool {
        let new = !self.names.contains_key(place);
        if new {
            self.names.insert(place.to_owned(), names.to_vec());
            self.shape.insert(format!("{place} is one of {names:?}"));
        }
        new
    }

    fn refuse(&mut self, place: String, count: usize) -> bool {
        let choice = self.choices.entry(place.clone()).or_default();
        if *choice + 1 < count {
            *choice += 1;
            return true;
        }
        self.shape.insert(format!("{place} opaque"));
        let ends = self.opaque.entry(place).or_default();
        *ends += 1;
        *ends <= MAX_ENDS
    }
}

/// Where a run ended.
pub(super) struct Ended {
    place: Option<(String, usize)>,
    map: Option<String>,
    field: Option<(Named, &'static str)>,
}

/// Why a run ended early.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A name was missed.
    Missing(&'static str),
    /// The field of this name was there already.
    Duplicate(&'static str),
    /// One of these names was expected.
    Variant(&'static [&'static str]),
    /// There were too many steps.
    Exhausted,
    /// The sample was refused, or the type has no end.
    Other,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sample was refused")
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Variant(expected)
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        // As with a variant: the names are what there is to learn.
        Self::Variant(expected)
    }
}
