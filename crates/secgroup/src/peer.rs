//! From or to whom: addresses, groups, prefix lists, or not known yet.

use crate::address::{AddressSet, Cidr, list};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is known of a peer that is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnknownPeer {
    /// Some IPv4 block.
    Ipv4,
    /// Some IPv6 block.
    Ipv6,
    /// Some security group.
    Group,
    /// Some prefix list.
    PrefixList,
    /// Nothing at all is known.
    Any,
}

/// One rule's peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A block of addresses.
    Cidr(Cidr),
    /// The members of a group: its id, or, before it is made, its Terraform address.
    Group {
        /// `sg-…`, or the Terraform address of a group that is yet to be made.
        id: String,
        /// The owner's account, when it is another one.
        account: Option<String>,
    },
    /// The members of the rule's own group.
    SelfGroup,
    /// The entries of a managed prefix list: `pl-…`, or its Terraform address before it is made.
    PrefixList(String),
    /// Known only after apply.
    Unknown(UnknownPeer),
}

impl Peer {
    /// A group of the same account.
    #[must_use]
    pub fn group(id: impl Into<String>) -> Self {
        Self::Group {
            id: id.into(),
            account: None,
        }
    }

    /// Whether it is not known yet.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl fmt::Display for Peer {
    /// As EC2 writes it: the canonical CIDR, `sg-…`, `account/sg-…` or `pl-…`; `self` and `(unknown)` in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => write!(f, "{cidr}"),
            Self::Group {
                id,
                account: Some(account),
            } => write!(f, "{account}/{id}"),
            Self::Group { id, account: None } | Self::PrefixList(id) => f.write_str(id),
            Self::SelfGroup => f.write_str("self"),
            Self::Unknown(_) => f.write_str("(known after apply)"),
        }
    }
}

/// The entries of prefix lists, by id. A list that is not in it, or in it without entries, is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrefixLists(BTreeMap<String, Entries>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entries {
    known: AddressSet,
    /// Whether there are no others.
    all: bool,
}

impl PrefixLists {
    /// Notes the entries of a list.
    pub fn insert(&mut self, id: impl Into<String>, entries: AddressSet) {
        let entries = Entries {
            known: entries,
            all: true,
        };
        self.0.insert(id.into(), entries);
    }

    /// Notes some entries of a list, which may hold others.
    pub fn insert_partly(&mut self, id: impl Into<String>, entries: AddressSet) {
        let entries = Entries {
            known: entries,
            all: false,
        };
        self.0.insert(id.into(), entries);
    }

    /// Notes that a list exists whose entries are not known.
    pub fn insert_unknown(&mut self, id: impl Into<String>) {
        self.0.entry(id.into()).or_default();
    }

    /// The ids of the lists that are noted, with or without entries, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The entries of a list, when all of them are known.
    #[must_use]
    pub fn entries(&self, id: &str) -> Option<&AddressSet> {
        let entries = self.0.get(id).filter(|entries| entries.all);
        entries.map(|entries| &entries.known)
    }

    /// The entries that a list has for certain, among others perhaps.
    #[must_use]
    pub fn known_entries(&self, id: &str) -> Option<&AddressSet> {
        self.0.get(id).map(|entries| &entries.known)
    }
}

/// A peer that is no address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// The members of a group.
    Group(String),
    /// The members of the group that holds the rule.
    SelfGroup,
    /// A prefix list, as itself.
    PrefixList(String),
}

/// A set of peers that are no addresses: some of them, or all but some.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenSet {
    named: BTreeSet<Token>,
    all_but: bool,
}

impl TokenSet {
    /// Every group and prefix list there is or will be.
    #[must_use]
    pub fn all() -> Self {
        Self {
            named: BTreeSet::new(),
            all_but: true,
        }
    }

    /// Those it names: who is in it, or, when it is all but some, who is not.
    pub(crate) fn named(&self) -> &BTreeSet<Token> {
        &self.named
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all_but && self.named.is_empty()
    }

    /// Who is in it, sorted; `None` when it is all but some.
    #[must_use]
    pub fn listed(&self) -> Option<&BTreeSet<Token>> {
        (!self.all_but).then_some(&self.named)
    }

    /// Whether `token` is in it.
    #[must_use]
    pub fn contains(&self, token: &Token) -> bool {
        self.named.contains(token) != self.all_but
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self {
            named: self.named.clone(),
            all_but: !self.all_but,
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let named = match (self.all_but, other.all_but) {
            (false, false) => self.named.intersection(&other.named).cloned().collect(),
            (false, true) => self.named.difference(&other.named).cloned().collect(),
            (true, false) => other.named.difference(&self.named).cloned().collect(),
            (true, true) => self.named.union(&other.named).cloned().collect(),
        };
        Self {
            named,
            all_but: self.all_but && other.all_but,
        }
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.complement().intersection(&other.complement()).complement()
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }
}

impl FromIterator<Token> for TokenSet {
    fn from_iter<I: IntoIterator<Item = Token>>(iter: I) -> Self {
        Self {
            named: iter.into_iter().collect(),
            all_but: false,
        }
    }
}

/// A set of peers: addresses, groups and prefix lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerSet {
    addresses: AddressSet,
    tokens: TokenSet,
}

impl<'a> FromIterator<&'a PeerSet> for PeerSet {
    /// The union of many sets.
    fn from_iter<I: IntoIterator<Item = &'a PeerSet>>(iter: I) -> Self {
        let sets: Vec<&PeerSet> = iter.into_iter().collect();
        let (some, all_but): (Vec<_>, Vec<_>) = sets
            .iter()
            .map(|set| &set.tokens)
            .partition(|tokens| !tokens.all_but);
        let some: TokenSet = some.iter().flat_map(|tokens| &tokens.named).cloned().collect();
        Self {
            addresses: sets.iter().map(|set| &set.addresses).collect(),
            tokens: all_but.into_iter().fold(some, |sum, tokens| sum.union(tokens)),
        }
    }
}

impl PeerSet {
    /// Nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// All addresses, all groups, all prefix lists.
    #[must_use]
    pub fn any() -> Self {
        Self {
            addresses: AddressSet::all(),
            tokens: TokenSet::all(),
        }
    }

    /// These addresses and these others.
    #[must_use]
    pub fn new(addresses: AddressSet, tokens: TokenSet) -> Self {
        Self { addresses, tokens }
    }

    /// The addresses in it.
    #[must_use]
    pub fn addresses(&self) -> &AddressSet {
        &self.addresses
    }

    /// The groups and prefix lists in it.
    #[must_use]
    pub fn tokens(&self) -> &TokenSet {
        &self.tokens
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.tokens.is_empty()
    }

    /// Who is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            addresses: self.addresses.union(&other.addresses),
            tokens: self.tokens.union(&other.tokens),
        }
    }

    /// Who is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            addresses: self.addresses.intersection(&other.addresses),
            tokens: self.tokens.intersection(&other.tokens),
        }
    }

    /// Who is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            addresses: self.addresses.difference(&other.addresses),
            tokens: self.tokens.difference(&other.tokens),
        }
    }

    /// Whether everybody in it is in `other`, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whom a rule's peer certainly lets in: nobody where that is not known.
    ///
    /// A prefix list stands for its entries, and for itself as a token.
    #[must_use]
    pub fn certain(peer: &Peer, lists: &PrefixLists) -> Self {
        match peer {
            Peer::Cidr(cidr) => Self {
                addresses: (*cidr).into(),
                tokens: TokenSet::default(),
            },
            Peer::Group { id, .. } => Self::token(Token::Group(id.clone())),
            Peer::SelfGroup => Self::token(Token::SelfGroup),
            Peer::PrefixList(id) => Self {
                addresses: lists.known_entries(id).cloned().unwrap_or_default(),
                tokens: TokenSet::from_iter([Token::PrefixList(id.clone())]),
            },
            Peer::Unknown(_) => Self::empty(),
        }
    }

    /// Whom a rule's peer may let in, whatever the unknown turns out to be.
    #[must_use]
    pub fn possible(peer: &Peer, lists: &PrefixLists) -> Self {
        match peer {
            Peer::PrefixList(id) if lists.entries(id).is_none() => Self {
                addresses: AddressSet::all(),
                tokens: TokenSet::from_iter([Token::PrefixList(id.clone())]),
            },
            Peer::Unknown(UnknownPeer::Ipv4) => Self::new(AddressSet::all_v4(), TokenSet::default()),
            Peer::Unknown(UnknownPeer::Ipv6) => Self::new(AddressSet::all_v6(), TokenSet::default()),
            Peer::Unknown(UnknownPeer::Group) => Self::new(AddressSet::empty(), TokenSet::all()),
            Peer::Unknown(UnknownPeer::PrefixList | UnknownPeer::Any) => Self::any(),
            known => Self::certain(known, lists),
        }
    }

    fn token(token: Token) -> Self {
        Self {
            addresses: AddressSet::empty(),
            tokens: TokenSet::from_iter([token]),
        }
    }

    /// The set in few words: `the whole internet`, `10.0.0.0/8 and sg-1`, `anybody`.
    #[must_use]
    pub fn describe(&self) -> String {
        if *self == Self::any() {
            return "anybody".to_owned();
        }
        let mut parts = Vec::new();
        if !self.addresses.is_empty() {
            parts.push(self.addresses.describe());
        }
        if self.tokens.all_but {
            parts.push("all groups and prefix lists".to_owned());
        } else {
            parts.extend(self.tokens.named.iter().map(|token| match token {
                Token::Group(id) | Token::PrefixList(id) => id.clone(),
                Token::SelfGroup => "the group's own members".to_owned(),
            }));
        }
        if parts.is_empty() {
            "nobody".to_owned()
        } else {
            list(&parts)
        }
    }

    /// One of them: an address where there is one. `None` when nobody is in it.
    #[must_use]
    pub fn witness(&self) -> Option<String> {
        if let Some(address) = self.addresses.witness() {
            return Some(address.to_string());
        }
        match self.tokens.named.first() {
            Some(Token::Group(id) | Token::PrefixList(id)) if !self.tokens.all_but => Some(id.clone()),
            Some(Token::SelfGroup) if !self.tokens.all_but => Some("a member of the group itself".to_owned()),
            _ => self.tokens.all_but.then(|| "any group".to_owned()),
        }
    }
}
