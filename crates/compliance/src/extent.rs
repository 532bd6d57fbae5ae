//! How much of the named peers must be open before it is too much.

use portcullis_secgroup::{AddressSet, IntervalSet, OpenSet, PeerSet, Point};

/// How much of the named peers must be open before a deny speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// Any point of it.
    Any,
    /// At least this share of the addresses of one family, for one and the same traffic; 1 is all of them.
    Share(f64),
}

impl Extent {
    pub(crate) fn read(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "whole" => Some(Self::Share(1.0)),
            percent => {
                let number: f64 = percent.strip_suffix('%')?.trim().parse().ok()?;
                (number > 0.0 && number <= 100.0).then_some(Self::Share(number / 100.0))
            }
        }
    }

    /// The part of `open` that is too much, where `named` are the peers spoken of. Empty when it is not too much.
    pub(crate) fn of(self, open: OpenSet, named: &PeerSet) -> OpenSet {
        let Self::Share(share) = self else { return open };
        let mut out = OpenSet::empty();
        for piece in open.pieces() {
            if reaches(piece.peers.addresses(), named.addresses(), share) {
                out = out.union(&OpenSet::of(&piece.traffic(), &piece.peers));
            }
        }
        out
    }
}

fn reaches(open: &AddressSet, named: &AddressSet, share: f64) -> bool {
    family(open.v4(), named.v4(), share) || family(open.v6(), named.v6(), share)
}

fn family<T: Point>(open: &IntervalSet<T>, named: &IntervalSet<T>, share: f64) -> bool {
    if named.is_empty() {
        return false;
    }
    if share >= 1.0 {
        return named.is_subset(open);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of 2^128 addresses needs no more than 53 bits"
    )]
    let (part, whole) = (open.intersection(named).size() as f64, named.size() as f64);
    part / whole >= share
}
