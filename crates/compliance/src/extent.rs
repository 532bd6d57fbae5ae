//! How much of the named peers must be open before it is too much.

use portcullis_secgroup::{AddressSet, Covered, Overlay, TrafficSet};
use std::fmt;

/// How much of the named peers must be open before a rule speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Any point of it.
    Any,
    /// At least this share of the addresses of one family, for one and the same traffic, in millionths.
    Share(u32),
}

/// All of it, in millionths.
const WHOLE: u32 = 1_000_000;

impl Extent {
    /// `any`, `whole`, or a percentage above 0 and up to 100 with at most four decimals.
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "whole" => Some(Self::Share(WHOLE)),
            percent => {
                let number = percent.strip_suffix('%')?.trim();
                let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 4 {
                    return None;
                }
                let millionths: u32 = format!("{whole}{decimals:0<4}").parse().ok()?;
                (1..=WHOLE)
                    .contains(&millionths)
                    .then_some(Self::Share(millionths))
            }
        }
    }
}

/// The traffic at which the share of the named addresses is open, by family: each is counted by itself.
pub(crate) fn reached_by_family(share: u32, open: &Overlay<'_>, named: &AddressSet) -> [TrafficSet; 2] {
    let sizes = Sizes::of(named);
    open.traffic_where(named, |covered| sizes.reached(covered, share))
}

/// The same, where `left` is what remains of `open` when what is waived is taken away.
///
/// What is waived counts neither as open nor as spoken of, just like an exception; but nothing becomes too much by it.
pub(crate) fn still_reached_by_family(
    share: u32,
    open: &Overlay<'_>,
    left: &Overlay<'_>,
    named: &AddressSet,
) -> [TrafficSet; 2] {
    let sizes = Sizes::of(named);
    open.traffic_where_both(left, named, |open, left| {
        let (before, after) = (
            sizes.reached(open, share),
            sizes.left(open, left).reached(left, share),
        );
        [before[0] && after[0], before[1] && after[1]]
    })
}

/// How many addresses of each family are spoken of.
#[derive(Clone, Copy)]
struct Sizes {
    v4: u128,
    v6: u128,
}

impl Sizes {
    fn of(named: &AddressSet) -> Self {
        Self {
            v4: named.v4().size(),
            v6: named.v6().size(),
        }
    }

    /// Without what is open, but not left.
    fn left(self, open: Covered, left: Covered) -> Self {
        Self {
            v4: self.v4 - (open.v4 - left.v4),
            v6: self.v6 - (open.v6 - left.v6),
        }
    }

    /// Of IPv4, and of IPv6.
    fn reached(self, covered: Covered, share: u32) -> [bool; 2] {
        [
            family(covered.v4, covered.whole_v4, self.v4, share),
            family(covered.v6, covered.whole_v6, self.v6, share),
        ]
    }
}

impl fmt::Display for Extent {
    /// As a policy writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Any => f.write_str("any"),
            Self::Share(WHOLE) => f.write_str("whole"),
            Self::Share(share) => {
                let decimals = format!("{:04}", share % 10_000);
                let decimals = decimals.trim_end_matches('0');
                let point = if decimals.is_empty() { "" } else { "." };
                write!(f, "{}{point}{decimals}%", share / 10_000)
            }
        }
    }
}

/// Whether `part` of `whole` addresses reaches the share; `all` tells that it is each of them, exactly.
fn family(part: u128, all: bool, whole: u128, share: u32) -> bool {
    if whole == 0 {
        return false;
    }
    if share >= WHOLE {
        return all || part == whole && whole < u128::MAX;
    }
    times(part, WHOLE) >= times(whole, share)
}

/// A product that does not fit 128 bits: its high and its low part, in units of 2^64.
fn times(number: u128, factor: u32) -> (u128, u128) {
    const LOW: u128 = (1 << 64) - 1;
    let factor = u128::from(factor);
    let low = (number & LOW) * factor;
    ((number >> 64) * factor + (low >> 64), low & LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_exactly_and_written_back() {
        for (word, millionths) in [
            ("50%", 500_000),
            ("1.1%", 11_000),
            ("0.0001%", 1),
            ("99.9999%", 999_999),
            ("7.25%", 72_500),
        ] {
            assert_eq!(Extent::read(word), Some(Extent::Share(millionths)), "{word}");
            assert_eq!(Extent::Share(millionths).to_string(), word);
        }
        assert_eq!(Extent::read("100%"), Extent::read("whole"));
        for word in [
            "",
            "%",
            "0%",
            "0.0000%",
            "100.0001%",
            "101%",
            "-5%",
            "+5%",
            "5",
            "5.%",
            ".5%",
            "1e1%",
            "0.00001%",
            "1000%",
            "Whole",
            "inf%",
        ] {
            assert_eq!(Extent::read(word), None, "{word}");
        }
    }

    #[test]
    fn shares_of_the_largest_numbers_are_exact() {
        let all = u128::MAX;
        assert!(family(all / 2 + 1, false, all, WHOLE / 2));
        assert!(!family(all / 2 - 1_000, false, all, WHOLE / 2));
        assert!(!family(all, false, all, WHOLE), "one address of 2^128 is missing");
        assert!(family(all, true, all, WHOLE));
        assert_eq!(times(u128::MAX, 1), (u128::MAX >> 64, (1 << 64) - 1));
    }
}
