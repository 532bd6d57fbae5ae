//! Sets of whole numbers as sorted, disjoint, closed intervals.

use std::fmt::Debug;

/// A number type that intervals can be made of.
pub trait Point: Copy + Ord + Debug {
    /// The smallest value.
    const MIN: Self;
    /// The largest value.
    const MAX: Self;
    /// The next larger value; `None` at [`Point::MAX`].
    fn next(self) -> Option<Self>;
    /// The next smaller value; `None` at [`Point::MIN`].
    fn previous(self) -> Option<Self>;
    /// How many values lie in `self..=last`, at most `u128::MAX`.
    fn count_to(self, last: Self) -> u128;
}

macro_rules! point {
    ($($number:ty),*) => {$(
        impl Point for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
            #[allow(clippy::allow_attributes, clippy::unnecessary_cast, reason = "one macro for u32 and u128")]
            fn count_to(self, last: Self) -> u128 {
                ((last - self) as u128).saturating_add(1)
            }
        }
    )*};
}
point!(u32, u128);

/// A set of numbers, in its one normal form: sorted closed intervals that neither overlap nor touch.
///
/// Equal sets are therefore equal values. All operations are linear in the number of intervals; building from `n`
/// unsorted intervals costs a sort.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalSet<T> {
    intervals: Vec<(T, T)>,
}

impl<T> Default for IntervalSet<T> {
    fn default() -> Self {
        Self {
            intervals: Vec::new(),
        }
    }
}

impl<T: Point> IntervalSet<T> {
    /// The set without any number.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The set of all numbers.
    #[must_use]
    pub fn full() -> Self {
        Self {
            intervals: vec![(T::MIN, T::MAX)],
        }
    }

    /// The numbers from `first` to `last`, both included; empty when `first > last`.
    #[must_use]
    pub fn range(first: T, last: T) -> Self {
        if first > last {
            Self::empty()
        } else {
            Self {
                intervals: vec![(first, last)],
            }
        }
    }

    /// The intervals, sorted, disjoint and never touching.
    #[must_use]
    pub fn intervals(&self) -> &[(T, T)] {
        &self.intervals
    }

    /// Whether there is no number in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Whether every number is in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.intervals == [(T::MIN, T::MAX)]
    }

    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        let after = self.intervals.partition_point(|&(first, _)| first <= value);
        after > 0 && self.intervals[after - 1].1 >= value
    }

    /// Whether it holds any number from `first` to `last`, both included.
    #[must_use]
    pub fn overlaps(&self, first: T, last: T) -> bool {
        let after = self.intervals.partition_point(|&(_, end)| end < first);
        first <= last && self.intervals.get(after).is_some_and(|&(start, _)| start <= last)
    }

    /// What is in it from `first` to `last`, both included. Costs no more than what is found.
    #[must_use]
    pub fn clip(&self, first: T, last: T) -> Self {
        let from = self.intervals.partition_point(|&(_, end)| end < first);
        let found = self.intervals[from..]
            .iter()
            .take_while(|&&(start, _)| first <= last && start <= last);
        Self {
            intervals: found
                .map(|&(start, end)| (start.max(first), end.min(last)))
                .collect(),
        }
    }

    /// How many numbers are in it, at most `u128::MAX`.
    #[must_use]
    pub fn size(&self) -> u128 {
        self.intervals
            .iter()
            .fold(0, |sum, &(first, last)| sum.saturating_add(first.count_to(last)))
    }

    /// The smallest number in it.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.intervals.first().map(|&(first, _)| first)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let mut merged = Vec::with_capacity(self.intervals.len() + other.intervals.len());
        let (mut a, mut b) = (
            self.intervals.iter().peekable(),
            other.intervals.iter().peekable(),
        );
        loop {
            let from_a = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => x <= y,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if let Some(&interval) = if from_a { a.next() } else { b.next() } {
                push_joined(&mut merged, interval);
            }
        }
        Self { intervals: merged }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut i, mut j) = (0, 0);
        while i < self.intervals.len() && j < other.intervals.len() {
            let ((a, b), (c, d)) = (self.intervals[i], other.intervals[j]);
            let (first, last) = (a.max(c), b.min(d));
            if first <= last {
                out.push((first, last));
            }
            if b < d {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self { intervals: out }
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.intervals.len() + 1);
        let mut from = Some(T::MIN);
        for &(first, last) in &self.intervals {
            if let (Some(start), Some(end)) = (from, first.previous())
                && start <= end
            {
                out.push((start, end));
            }
            from = last.next();
        }
        if let Some(start) = from {
            out.push((start, T::MAX));
        }
        Self { intervals: out }
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        if other.is_empty() {
            self.clone()
        } else {
            self.intersection(&other.complement())
        }
    }

    /// Whether each number in it is in `other`, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        let mut j = 0;
        self.intervals.iter().all(|&(first, last)| {
            while j < other.intervals.len() && other.intervals[j].1 < first {
                j += 1;
            }
            other
                .intervals
                .get(j)
                .is_some_and(|&(start, end)| start <= first && last <= end)
        })
    }
}

impl<T: Point> FromIterator<(T, T)> for IntervalSet<T> {
    /// The union of closed intervals in any order; those whose first is above their last are empty.
    fn from_iter<I: IntoIterator<Item = (T, T)>>(iter: I) -> Self {
        let mut raw: Vec<(T, T)> = iter.into_iter().filter(|(first, last)| first <= last).collect();
        raw.sort_unstable();
        let mut intervals = Vec::with_capacity(raw.len());
        for interval in raw {
            push_joined(&mut intervals, interval);
        }
        Self { intervals }
    }
}

/// Appends an interval that starts at or after the last one's start, joining what overlaps or touches.
fn push_joined<T: Point>(intervals: &mut Vec<(T, T)>, (first, last): (T, T)) {
    match intervals.last_mut() {
        Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = (*end).max(last),
        _ => intervals.push((first, last)),
    }
}
