//! Peers as a policy names them.

use portcullis_secgroup::{AddressSet, Peer, PeerSet, PrefixLists, Token, TokenSet};

/// Peers as named by the policy; prefix lists get their entries from the subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerTerms {
    pub(crate) words: Vec<String>,
    pub(crate) fixed: PeerSet,
    pub(crate) lists: Vec<String>,
}

impl PeerTerms {
    pub(crate) fn any() -> Self {
        Self {
            words: vec!["any".to_owned()],
            fixed: PeerSet::any(),
            lists: Vec::new(),
        }
    }

    /// Who is named for certain: of a list whose entries are not known, nobody.
    pub(crate) fn certain(&self, lists: &PrefixLists) -> PeerSet {
        self.sum(|list| PeerSet::certain(list, lists))
    }

    /// Who may be named: of a list whose entries are not known, everybody.
    pub(crate) fn possible(&self, lists: &PrefixLists) -> PeerSet {
        self.sum(|list| PeerSet::possible(list, lists))
    }

    /// Whether the entries of all its lists are known.
    pub(crate) fn is_settled(&self, lists: &PrefixLists) -> bool {
        self.lists.iter().all(|id| lists.entries(id).is_some())
    }

    /// Whether it names addresses, or may.
    pub(crate) fn names_addresses(&self) -> bool {
        !self.fixed.addresses().is_empty() || !self.lists.is_empty()
    }

    fn sum(&self, entries: impl Fn(&Peer) -> PeerSet) -> PeerSet {
        self.lists.iter().fold(self.fixed.clone(), |sum, id| {
            sum.union(&entries(&Peer::PrefixList(id.clone())))
        })
    }
}

/// The same peers as a group sees them whose id they name: with its own members.
pub(crate) fn with_own(peers: &PeerSet) -> PeerSet {
    peers.union(&own())
}

/// The same peers as a group sees them whose id they do not name.
pub(crate) fn without_own(peers: &PeerSet) -> PeerSet {
    peers.difference(&own())
}

fn own() -> PeerSet {
    PeerSet::new(AddressSet::empty(), TokenSet::from_iter([Token::SelfGroup]))
}
