//! Runs a type's `Deserialize` again and again until nothing new is seen.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::de::DeserializeOwned;

use super::{
    probe::Probe,
    walk::{Refusal, Survey, Walk},
};

/// What all runs together may ask for, and how many there may be.
const MAX_STEPS: usize = 200_000;
const MAX_RUNS: usize = 4_000;

/// What `T` asks for at which place.
pub(super) fn survey<T: DeserializeOwned>() -> Survey {
    let mut survey = Survey::new(MAX_STEPS);
    let mut runs = 0;
    while let Some(plan) = survey.plans.pop() {
        while run::<T>(&mut survey, &plan) {
            runs += 1;
            if runs == MAX_RUNS {
                survey.shape.insert("unfinished".to_owned());
                return survey;
            }
        }
    }
    // Which sample a type took in the end says what it is where nothing else does.
    let taken = survey.choices.iter();
    let taken: Vec<_> = taken
        .map(|(at, choice)| format!("{at} took {choice}"))
        .collect();
    survey.shape.extend(taken);
    survey
}

/// Whether another run can see more.
fn run<T: DeserializeOwned>(survey: &mut Survey, plan: &BTreeMap<String, usize>) -> bool {
    let mut walk = Walk::new(survey, plan.clone());
    // Foreign code on values that it may not expect. What it leaves behind is only looked at through `ended`.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        T::deserialize(Probe(&mut walk)).map(drop)
    }));
    let ended = walk.end();
    match outcome {
        Ok(Ok(())) => false,
        Ok(Err(refusal)) => survey.learn(&refusal, ended),
        Err(_) => survey.learn(&Refusal::Other, ended),
    }
}
