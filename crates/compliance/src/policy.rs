//! The policy as valid: what the judge works with. Only [`Policy::read`] makes one.

use crate::document::{
    DirectionWord, ExposureDocument, PartialPlans, Per, PolicyDocument, RuleDocument, SeverityWord,
    WaiverDocument, Words,
};
use crate::error::PolicyError;
use crate::extent::Extent;
use jiff::civil::Date;
use portcullis_report::Severity;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, GroupSelector, Peer, PeerSet, Ports, PrefixLists, Protocol, Token, TokenSet,
    TrafficSet,
};
use serde_saphyr::Spanned;
use std::collections::{BTreeMap, BTreeSet};

/// A policy that was read and found to make sense.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) rules: Vec<Rule>,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) partial_plans: PartialPlans,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) frameworks: Vec<String>,
    pub(crate) groups: GroupSelector,
    pub(crate) per: Per,
    pub(crate) check: Check,
}

#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Nothing of this may be open; what is allowed instead stands in `allowed`, for the advice.
    Forbidden {
        exposure: Box<Exposure>,
        extent: Extent,
        allowed: Option<TrafficSet>,
    },
    /// Each rule must say what it is for.
    Description,
}

/// Directions × traffic × peers.
#[derive(Debug, Clone)]
pub(crate) struct Exposure {
    pub(crate) directions: Vec<Direction>,
    pub(crate) traffic: TrafficSet,
    pub(crate) peers: PeerTerms,
    pub(crate) except: PeerTerms,
}

/// Peers as named by the policy; prefix lists get their entries from the subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerTerms {
    pub(crate) words: Vec<String>,
    fixed: PeerSet,
    lists: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Waiver {
    pub(crate) rule: String,
    pub(crate) resource: String,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) reason: String,
    pub(crate) owner: String,
    pub(crate) expires: Date,
}

impl Exposure {
    /// The peers it names, less those taken out again.
    pub(crate) fn peers(&self, lists: &PrefixLists) -> PeerSet {
        self.peers.resolve(lists).difference(&self.except.resolve(lists))
    }
}

impl PeerTerms {
    fn any() -> Self {
        Self {
            words: vec!["any".to_owned()],
            fixed: PeerSet::any(),
            lists: Vec::new(),
        }
    }

    fn resolve(&self, lists: &PrefixLists) -> PeerSet {
        self.lists.iter().fold(self.fixed.clone(), |sum, id| {
            sum.union(&PeerSet::certain(&Peer::PrefixList(id.clone()), lists))
        })
    }
}

impl Policy {
    /// Reads a policy, format 1 (docs/policy.md).
    ///
    /// # Errors
    /// [`PolicyError`] with the line: text that is no YAML, unknown keys, another version, no rule at all, ids that are not
    /// unique kebab-case, a rule without exactly one of `deny`, `allow_only` and `require`, and words, ports, addresses or
    /// dates that make no sense.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        if text.trim().is_empty() {
            return Err(PolicyError::new(None, "the policy is empty")
                .hint_at("an empty gate must not pass: write a rule"));
        }
        let document: PolicyDocument = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map(|location| location.line());
            PolicyError::new(line, first_line(&error.without_snippet().to_string()))
        })?;
        valid(document)
    }

    /// The ids of its rules, in the order of the file.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }
}

/// The parser's message without its own place, which we show in ours.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ")
        .map_or(line, |(what, _)| what)
        .to_owned()
}

fn valid(document: PolicyDocument) -> Result<Policy, PolicyError> {
    if document.version.value != 1 {
        let message = format!(
            "version {} is not known: this version reads 1",
            document.version.value
        );
        return Err(PolicyError::new(Some(line(&document.version)), message));
    }
    if document.rules.is_empty() {
        return Err(PolicyError::new(None, "the policy has no rule")
            .hint_at("an empty gate must not pass: write a rule"));
    }
    let mut networks = BTreeMap::new();
    for (name, blocks) in document.networks {
        if ["internet", "any", "private"].contains(&name.as_str()) || name.parse::<Cidr>().is_ok() {
            let message = format!("a network can't be called `{name}`: the word has a meaning already");
            return Err(PolicyError::new(Some(line(&blocks)), message));
        }
        let set = blocks
            .value
            .iter()
            .map(|text| text.parse::<Cidr>())
            .collect::<Result<AddressSet, _>>()
            .map_err(|error| PolicyError::new(Some(line(&blocks)), format!("network {name}: {error}")))?;
        if set.is_empty() {
            return Err(PolicyError::new(
                Some(line(&blocks)),
                format!("network {name} holds no address"),
            ));
        }
        networks.insert(name, set);
    }
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for rule in document.rules {
        let (id, at) = (rule.id.value.clone(), line(&rule.id));
        if !is_kebab(&id) {
            return Err(PolicyError::new(
                Some(at),
                format!("`{id}` is no rule id: lower-case words, joined by hyphens"),
            ));
        }
        if !seen.insert(id.clone()) {
            return Err(PolicyError::new(Some(at), format!("rule id `{id}` stands twice")));
        }
        rules.push(valid_rule(rule, at, &networks)?);
    }
    let waivers = document
        .waivers
        .into_iter()
        .map(|waiver| valid_waiver(waiver, &rules, &networks))
        .collect::<Result<_, _>>()?;
    Ok(Policy {
        rules,
        waivers,
        partial_plans: document.partial_plans,
    })
}

fn line<T>(spanned: &Spanned<T>) -> u64 {
    spanned.defined.line()
}

fn is_kebab(id: &str) -> bool {
    !id.is_empty()
        && id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

type Networks = BTreeMap<String, AddressSet>;

fn valid_rule(rule: RuleDocument, at: u64, networks: &Networks) -> Result<Rule, PolicyError> {
    let error = |message: String| PolicyError::new(Some(at), message);
    let id = rule.id.value;
    let check = match (rule.deny, rule.allow_only, rule.require) {
        (Some(deny), None, None) => {
            let extent = match &deny.extent {
                Some(word) => Extent::read(&word.value.0.join(" ")).ok_or_else(|| {
                    PolicyError::new(
                        Some(line(word)),
                        "extent is any, whole, or a percentage such as \"50%\"",
                    )
                })?,
                None => Extent::Any,
            };
            Check::Forbidden {
                exposure: Box::new(valid_exposure(&deny, at, networks)?),
                extent,
                allowed: None,
            }
        }
        (None, Some(allow), None) => {
            if let Some(word) = &allow.extent {
                return Err(PolicyError::new(
                    Some(line(word)),
                    "extent belongs to deny, not to allow_only",
                ));
            }
            let mut exposure = valid_exposure(&allow, at, networks)?;
            let allowed = exposure.traffic.clone();
            exposure.traffic = allowed.complement();
            if exposure.traffic.is_empty() {
                return Err(error(format!(
                    "rule {id}: allow_only allows all traffic, so it can forbid nothing"
                ))
                .hint_at("name the protocols or ports that may be open"));
            }
            Check::Forbidden {
                exposure: Box::new(exposure),
                extent: Extent::Any,
                allowed: Some(allowed),
            }
        }
        (None, None, Some(require)) if require.description.value => Check::Description,
        (None, None, Some(require)) => {
            return Err(PolicyError::new(
                Some(line(&require.description)),
                "a require that requires nothing",
            ));
        }
        (None, None, None) => {
            return Err(error(format!(
                "rule {id} has none of deny, allow_only and require"
            )));
        }
        _ => {
            return Err(error(format!(
                "rule {id} has more than one of deny, allow_only and require"
            )));
        }
    };
    let groups = rule
        .groups
        .map_or_else(GroupSelector::default, |groups| GroupSelector {
            name: groups.name,
            tags: groups.tags,
        });
    Ok(Rule {
        id,
        title: rule.title,
        severity: match rule.severity {
            SeverityWord::Critical => Severity::Critical,
            SeverityWord::High => Severity::High,
            SeverityWord::Medium => Severity::Medium,
            SeverityWord::Low => Severity::Low,
            SeverityWord::Info => Severity::Info,
        },
        frameworks: rule.frameworks,
        groups,
        per: rule.per,
        check,
    })
}

fn valid_exposure(
    document: &ExposureDocument,
    at: u64,
    networks: &Networks,
) -> Result<Exposure, PolicyError> {
    let directions = match document.direction {
        Some(DirectionWord::Ingress) => vec![Direction::Ingress],
        Some(DirectionWord::Egress) => vec![Direction::Egress],
        None => vec![Direction::Ingress, Direction::Egress],
    };
    let traffic = valid_traffic(document.protocol.as_ref(), document.ports.as_ref())?;
    let terms = |words: &Option<Spanned<Words>>| {
        words
            .as_ref()
            .map(|words| valid_peers(words, networks))
            .transpose()
    };
    let peers = terms(&document.peers)?.unwrap_or_else(PeerTerms::any);
    let except = terms(&document.except)?.unwrap_or_default();
    let exposure = Exposure {
        directions,
        traffic,
        peers,
        except,
    };
    if exposure.peers(&PrefixLists::default()).is_empty() && exposure.peers.lists.is_empty() {
        let message = "the exceptions leave no peer: nothing can be judged";
        return Err(PolicyError::new(
            Some(document.except.as_ref().map_or(at, line)),
            message,
        ));
    }
    Ok(exposure)
}

fn valid_traffic(
    protocol: Option<&Spanned<Words>>,
    ports: Option<&Spanned<Words>>,
) -> Result<TrafficSet, PolicyError> {
    let mut protocols = vec![Protocol::All];
    if let Some(words) = protocol {
        protocols = words
            .value
            .0
            .iter()
            .map(|word| word.parse::<Protocol>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PolicyError::new(Some(line(words)), error.to_string()))?;
        if protocols.is_empty() {
            return Err(PolicyError::new(Some(line(words)), "an empty list of protocols"));
        }
    }
    let Some(words) = ports else {
        return Ok(protocols.into_iter().fold(TrafficSet::empty(), |sum, protocol| {
            sum.union(&TrafficSet::of(protocol, Ports::All))
        }));
    };
    if words.value.0.is_empty() {
        return Err(PolicyError::new(Some(line(words)), "an empty list of ports"));
    }
    let mut traffic = TrafficSet::empty();
    for protocol in protocols {
        let with_ports: &[Protocol] = match protocol {
            // Only these two have ports.
            Protocol::All => &[Protocol::TCP, Protocol::UDP],
            Protocol::TCP => &[Protocol::TCP],
            Protocol::UDP => &[Protocol::UDP],
            Protocol::Number(_) => {
                let message = format!("ports beside protocol {protocol}: only tcp and udp have ports");
                return Err(PolicyError::new(Some(line(words)), message));
            }
        };
        for word in &words.value.0 {
            let ports = read_ports(word).ok_or_else(|| {
                PolicyError::new(
                    Some(line(words)),
                    format!("`{word}` is neither a port (0 to 65535) nor a range such as \"5900-5910\""),
                )
            })?;
            for &protocol in with_ports {
                traffic = traffic.union(&TrafficSet::of(protocol, ports));
            }
        }
    }
    Ok(traffic)
}

fn read_ports(word: &str) -> Option<Ports> {
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    let (from, to) = (from.trim().parse::<u16>().ok()?, to.trim().parse::<u16>().ok()?);
    (from <= to).then_some(Ports::Range { from, to })
}

fn valid_peers(words: &Spanned<Words>, networks: &Networks) -> Result<PeerTerms, PolicyError> {
    let mut terms = PeerTerms {
        words: words.value.0.clone(),
        ..PeerTerms::default()
    };
    if terms.words.is_empty() {
        return Err(PolicyError::new(Some(line(words)), "an empty list of peers"));
    }
    for word in &words.value.0 {
        let addresses = |set| PeerSet::new(set, TokenSet::default());
        let more = match word.as_str() {
            "internet" => addresses(AddressSet::internet()),
            "private" => addresses(AddressSet::private()),
            "any" => PeerSet::any(),
            id if id.starts_with("sg-") => PeerSet::new(
                AddressSet::empty(),
                TokenSet::from_iter([Token::Group(id.to_owned())]),
            ),
            id if id.starts_with("pl-") => {
                terms.lists.push(id.to_owned());
                continue;
            }
            name => match (networks.get(name), name.parse::<Cidr>()) {
                (Some(set), _) => addresses(set.clone()),
                (None, Ok(cidr)) => addresses(cidr.into()),
                (None, Err(_)) => {
                    let known = networks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let message = format!(
                        "`{word}` is no peer: internet, any, private, a CIDR, sg-…, pl-…, or a network"
                    );
                    let message = if known.is_empty() {
                        message
                    } else {
                        format!("{message} ({known})")
                    };
                    return Err(PolicyError::new(Some(line(words)), message));
                }
            },
        };
        terms.fixed = terms.fixed.union(&more);
    }
    Ok(terms)
}

fn valid_waiver(waiver: WaiverDocument, rules: &[Rule], networks: &Networks) -> Result<Waiver, PolicyError> {
    let at = line(&waiver.rule);
    let Some(rule) = rules.iter().find(|rule| rule.id == waiver.rule.value) else {
        return Err(PolicyError::new(
            Some(at),
            format!("no rule is called `{}`", waiver.rule.value),
        ));
    };
    for (name, text) in [
        ("resource", &waiver.resource),
        ("reason", &waiver.reason),
        ("owner", &waiver.owner),
    ] {
        if text.value.trim().is_empty() {
            return Err(PolicyError::new(
                Some(line(text)),
                format!("the waiver's {name} is empty"),
            ));
        }
    }
    if waiver.resource.value.contains('*') {
        let message = format!(
            "`{}`: a waiver names one Terraform address, without wildcard",
            waiver.resource.value
        );
        return Err(PolicyError::new(Some(line(&waiver.resource)), message));
    }
    let exposure = waiver
        .exposure
        .as_ref()
        .map(|exposure| valid_exposure(exposure, at, networks))
        .transpose()?;
    if exposure.is_none() && !matches!(rule.check, Check::Description) {
        return Err(
            PolicyError::new(Some(at), "the waiver does not say which exposure it lets stand")
                .hint_at("add exposure: { protocol: …, ports: […], peers: […] }; nothing wider is waived"),
        );
    }
    let expires = waiver.expires.value.parse::<Date>().map_err(|_| {
        let message = format!("`{}` is no day: YYYY-MM-DD", waiver.expires.value);
        PolicyError::new(Some(line(&waiver.expires)), message)
    })?;
    Ok(Waiver {
        rule: waiver.rule.value,
        resource: waiver.resource.value,
        exposure,
        reason: waiver.reason.value,
        owner: waiver.owner.value,
        expires,
    })
}
