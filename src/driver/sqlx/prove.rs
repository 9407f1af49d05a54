//! Proofs, each time a pool is built, of what nobody has promised.

use super::Backend;
use crate::{cache::Params, error::Error};

/// Both proofs.
pub(super) fn prove<DB: Backend>() -> Result<(), Error> {
    prove_keys::<DB>()?;
    prove_values::<DB>()
}

/// The canary: keys are made from what sqlx shows of its arguments, which no version of it has promised.
fn prove_keys<DB: Backend>() -> Result<(), Error> {
    let keys = |arguments: Vec<DB::Arguments>| -> Vec<(Params, Params)> {
        let twice = |mut arguments: DB::Arguments| {
            let (mut first, mut again) = (Params::new(), Params::new());
            DB::parameters(&mut arguments, &mut first);
            // A second look shows whether the first one left the arguments as they were.
            DB::parameters(&mut arguments, &mut again);
            (first, again)
        };
        arguments.into_iter().map(twice).collect()
    };
    let (keys, same) = (keys(DB::canaries()), keys(DB::canaries()));
    let repeatable = keys == same && keys.iter().all(|(first, again)| first == again);
    let distinct = keys
        .iter()
        .enumerate()
        .all(|(at, key)| !keys[..at].contains(key));
    if repeatable && distinct {
        Ok(())
    } else {
        Err(Error::keys())
    }
}

/// The same for the values by which rows are told apart: one that is read wrongly would invalidate another row.
fn prove_values<DB: Backend>() -> Result<(), Error> {
    let right = DB::value_canaries()
        .into_iter()
        .all(|(mut arguments, values)| {
            // The second look is for the same reason as above.
            DB::values(&mut arguments) == values && DB::values(&mut arguments) == values
        });
    if right { Ok(()) } else { Err(Error::keys()) }
}
