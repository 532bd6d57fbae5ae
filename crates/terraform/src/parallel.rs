//! Large documents are read by all cores. Small ones start no thread.

use std::num::NonZero;
use std::thread;

/// Fewer pieces than this for each thread, and starting it would cost more than it brings.
const FEWEST: usize = 256;

/// More threads than this bring nothing: finding the pieces in the text is one thread's work.
const MOST: usize = 8;

/// `work` on parts of `pieces`, as many as there are cores to work on them; the results in order.
pub(crate) fn in_parts<I: Sync, O: Send>(pieces: &[I], work: impl Fn(&[I]) -> O + Sync) -> Vec<O> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let parts = cores.min(MOST).min(pieces.len() / FEWEST).max(1);
    split(pieces, parts, work)
}

fn split<I: Sync, O: Send>(pieces: &[I], parts: usize, work: impl Fn(&[I]) -> O + Sync) -> Vec<O> {
    let (own, others) = pieces.split_at(pieces.len().div_ceil(parts));
    let work = &work;
    thread::scope(|scope| {
        let started: Vec<_> = others
            .chunks(own.len().max(1))
            .map(|part| {
                let thread = thread::Builder::new().spawn_scoped(scope, move || work(part));
                (part, thread)
            })
            .collect();
        let mut results = vec![work(own)];
        for (part, thread) in started {
            results.push(match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // The system gives no more threads.
                Err(_) => work(part),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once_and_in_order() {
        for count in [0, 1, 2, 7, 8, 1000] {
            let pieces: Vec<usize> = (0..count).collect();
            for parts in 1..=8 {
                let results = split(&pieces, parts, <[usize]>::to_vec);
                assert!(results.len() <= parts, "{count} pieces in {parts} parts");
                assert_eq!(results.concat(), pieces, "{count} pieces in {parts} parts");
            }
            assert_eq!(in_parts(&pieces, <[usize]>::to_vec).concat(), pieces);
        }
    }
}
