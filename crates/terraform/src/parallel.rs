//! Large documents are read by all cores. Small ones start no thread.

use std::num::NonZero;
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::thread;

/// Fewer pieces than this for each thread, and starting it would cost more than it brings.
const FEWEST: usize = 256;

/// A text of fewer bytes is read faster than a thread is started.
const LARGE: usize = 1 << 18;

/// More threads than this bring nothing: finding the pieces in the text is one thread's work.
const MOST: usize = 8;

/// Asked only where there is work for several: Linux answers by way of several files.
fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST));
    *CORES
}

/// `work` on what `find` finds, a batch at a time: by other cores while this one is still finding, and by this one, too,
/// when it is done. Gives what `find` gives, and the results in order.
pub(crate) fn in_batches<I: Send, O: Send, R>(
    find: impl FnOnce(&mut dyn FnMut(I)) -> R,
    work: impl Fn(Vec<I>) -> O + Sync,
) -> (R, Vec<O>) {
    let (sender, receiver) = mpsc::channel::<(usize, Vec<I>)>();
    let receiver = Mutex::new(receiver);
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let work_off = || {
        let mut results = Vec::new();
        while let Ok((number, batch)) = next() {
            results.push((number, work(batch)));
        }
        results
    };
    thread::scope(|scope| {
        let mut helpers = Vec::new();
        let mut count = 0;
        let mut batch = Vec::new();
        // It fails only when nobody listens, and we do.
        let mut send = |batch| {
            let _ = sender.send((count, batch));
            count += 1;
        };
        let found = find(&mut |piece| {
            batch.push(piece);
            if batch.len() == FEWEST {
                send(std::mem::take(&mut batch));
                if helpers.is_empty() {
                    let start = |_| thread::Builder::new().spawn_scoped(scope, work_off);
                    helpers.extend((1..cores()).map(start));
                }
            }
        });
        send(batch);
        drop(sender);
        let mut results = work_off();
        // Where the system gives no thread, there is one helper less.
        for helper in helpers.into_iter().flatten() {
            match helper.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results.sort_unstable_by_key(|(number, _)| *number);
        (found, results.into_iter().map(|(_, result)| result).collect())
    })
}

/// What both come to: on two cores where the text that they are about is large.
pub(crate) fn both<A, B: Send>(text: &str, one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    if text.len() < LARGE || cores() == 1 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let started = thread::Builder::new().spawn_scoped(scope, &other);
        let one = one();
        let other = match started.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // The system gives no more threads.
            Err(_) => other(),
        };
        (one, other)
    })
}

/// `work` on parts of `pieces`, as many as there are cores to work on them; the results in order.
pub(crate) fn in_parts<I: Sync, O: Send>(pieces: &[I], work: impl Fn(&[I]) -> O + Sync) -> Vec<O> {
    let parts = match pieces.len() / FEWEST {
        0 | 1 => 1,
        most => most.min(cores()),
    };
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
    fn every_piece_that_is_found_is_worked_on_once_and_in_order() {
        for count in [0, 1, FEWEST - 1, FEWEST, FEWEST + 1, 40 * FEWEST] {
            let (found, results) = in_batches(
                |give| {
                    (0..count).for_each(give);
                    "found"
                },
                |batch: Vec<usize>| batch,
            );
            assert_eq!(found, "found");
            assert_eq!(results.concat(), (0..count).collect::<Vec<_>>(), "{count} pieces");
        }
    }

    #[test]
    fn both_are_done_whatever_the_size() {
        for length in [0, LARGE - 1, LARGE, LARGE + 1] {
            let text = "x".repeat(length);
            assert_eq!(
                both(&text, || text.len(), || text.len() + 1),
                (length, length + 1)
            );
        }
    }

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
