//! Large subjects are judged on all cores. Small ones start no thread.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

/// Fewer groups and members than this, and starting a thread would cost more than it brings.
const FEWEST: usize = 256;

/// In so many portions each thread's share of the pieces is taken.
const PORTIONS: usize = 16;

/// `work` on each piece; the results in order. `size` is how much there is to look at for each.
pub(crate) fn each<I: Sync, O: Send>(pieces: &[I], size: usize, work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let helpers = if size < FEWEST {
        0
    } else {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        cores.min(pieces.len()).saturating_sub(1)
    };
    with_helpers(pieces, helpers, work)
}

fn with_helpers<I: Sync, O: Send>(pieces: &[I], helpers: usize, work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    // Some pieces take longer than others, so each thread takes the next ones when it is done.
    let at_once = pieces.len() / (helpers + 1) / PORTIONS + 1;
    let next = Mutex::new(pieces.chunks(at_once).enumerate());
    let work_off = || {
        let mut results = Vec::new();
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, pieces)) = taken else {
                return results;
            };
            results.push((number, pieces.iter().map(&work).collect::<Vec<O>>()));
        }
    };
    let mut results = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, work_off);
        let helpers: Vec<_> = (0..helpers).map(start).collect();
        let mut results = work_off();
        // Where the system gives no thread, there is one helper less.
        for helper in helpers.into_iter().flatten() {
            match helper.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once_and_in_order() {
        for count in [0, 1, 2, 7, 100, 1_000] {
            let pieces: Vec<usize> = (0..count).collect();
            for helpers in 0..4 {
                assert_eq!(with_helpers(&pieces, helpers, |piece| *piece), pieces);
            }
            assert_eq!(each(&pieces, FEWEST, |piece| *piece), pieces);
        }
    }
}
