//! How much of the named peers must be open before it is too much.

use portcullis_secgroup::{AddressSet, IntervalSet, OpenSet, PeerSet, Point};
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

    /// The part of `left` that is too much, where `named` are the peers spoken of, and `left` is what remains of `open`
    /// when what is waived is taken away. Empty when it is not too much.
    ///
    /// What is waived counts neither as open nor as spoken of, just like an exception; but nothing becomes too much by it.
    pub(crate) fn of(self, open: &OpenSet, left: OpenSet, named: &PeerSet) -> OpenSet {
        let Self::Share(share) = self else { return left };
        let named = named.addresses();
        if *open == left {
            return left
                .pieces()
                .iter()
                .filter(|piece| reaches(piece.peers.addresses(), named, share))
                .cloned()
                .collect();
        }
        let mut out = OpenSet::empty();
        for whole in open.pieces() {
            if !reaches(whole.peers.addresses(), named, share) {
                continue;
            }
            let here = left.intersection(&OpenSet::of(&whole.traffic(), &whole.peers));
            for piece in here.pieces() {
                let addresses = piece.peers.addresses();
                let waived = whole.peers.addresses().difference(addresses);
                if reaches(addresses, &named.difference(&waived), share) {
                    out = out.union(&OpenSet::of(&piece.traffic(), &piece.peers));
                }
            }
        }
        out
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

fn reaches(open: &AddressSet, named: &AddressSet, share: u32) -> bool {
    family(open.v4(), named.v4(), share) || family(open.v6(), named.v6(), share)
}

fn family<T: Point>(open: &IntervalSet<T>, named: &IntervalSet<T>, share: u32) -> bool {
    if named.is_empty() {
        return false;
    }
    if share >= WHOLE {
        return named.is_subset(open);
    }
    let part = open.intersection(named).size();
    times(part, WHOLE) >= times(named.size(), share)
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
        let all = IntervalSet::<u128>::full();
        let half = IntervalSet::range(0, u128::MAX / 2);
        let less = IntervalSet::range(0, u128::MAX / 2 - 1_000);
        assert!(family(&half, &all, WHOLE / 2));
        assert!(!family(&less, &all, WHOLE / 2));
        assert_eq!(times(u128::MAX, 1), (u128::MAX >> 64, (1 << 64) - 1));
    }
}
