//! From the policy as written to the policy as valid.

use crate::document::{
    DirectionWord, ExposureDocument, GroupsDocument, Per, PolicyDocument, RequireDocument, RuleDocument,
    SeverityWord, WaiverDocument, Words,
};
use crate::error::PolicyError;
use crate::extent::Extent;
use crate::gate::Settings;
use crate::peers::PeerTerms;
use crate::policy::{Check, Exposure, Policy, Rule, Waiver};
use jiff::civil::Date;
use portcullis_report::Severity;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, GroupSelector, PeerSet, Ports, PrefixLists, Protocol, Token, TokenSet,
    TrafficSet,
};
use serde_saphyr::{Error as YamlError, Spanned};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// One policy from one or several files, each with what it is called; an error says which file it is about, by its place.
pub(crate) fn policy(files: &[(&str, &str)]) -> Result<Policy, (usize, PolicyError)> {
    let mut documents = Vec::new();
    for (at, (name, text)) in files.iter().enumerate() {
        documents.push((*name, document(text).map_err(|error| (at, error))?));
    }
    valid(documents)
}

fn document(text: &str) -> Result<PolicyDocument, PolicyError> {
    let is_blank = |line: &str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    };
    if text.trim_start_matches('\u{feff}').lines().all(is_blank) {
        return Err(PolicyError::new(None, "the policy is empty")
            .hint_at("an empty gate must not pass: write a rule"));
    }
    let document: PolicyDocument = serde_saphyr::from_str(text).map_err(|error| unreadable(&error))?;
    if document.version.value != 1 {
        let message = format!(
            "version {} is not known: this version reads 1",
            document.version.value
        );
        return Err(PolicyError::new(Some(line(&document.version)), message));
    }
    Ok(document)
}

/// The parser's error in our words: what its author can mend, and where.
fn unreadable(error: &YamlError) -> PolicyError {
    let line = error.location().map(|location| location.line());
    let mut inner = error;
    while let YamlError::WithSnippet { error, .. } | YamlError::AliasError { error, .. } = inner {
        inner = error;
    }
    match inner {
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            PolicyError::new(line, format!("`{key}` stands twice"))
        }
        YamlError::DuplicateMappingKey { .. } => PolicyError::new(line, "a key stands twice"),
        YamlError::MultipleDocuments { .. } => {
            PolicyError::new(line, "a second YAML document: a policy is one")
                .hint_at("take out the line `---` in the middle, and join the lists of rules")
        }
        YamlError::Budget { .. }
        | YamlError::AliasReplayCounterOverflow { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => PolicyError::new(
            line,
            "the file is nested too deep, or too large when its aliases are written out",
        ),
        other => {
            let what = first_line(&other.without_snippet().to_string());
            let error = PolicyError::new(line, &*what);
            if what == "missing field `version`" {
                error.hint_at("write `version: 1` at the top")
            } else {
                error
            }
        }
    }
}

/// The parser's message without its own place, which we show in ours.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let what = line.rsplit_once(" at line ").map_or(line, |(what, _)| what);
    match what {
        "expected sequence start" => "expected a list".to_owned(),
        "expected mapping start" => "expected keys with values".to_owned(),
        what if what.starts_with("cannot deserialize null") => "a value is missing".to_owned(),
        other => other.to_owned(),
    }
}

fn valid(documents: Vec<(&str, PolicyDocument)>) -> Result<Policy, (usize, PolicyError)> {
    // A file may hold no more than networks or waivers, as long as another one has rules.
    if documents
        .iter()
        .all(|(_, document)| document.rules.iter().flatten().next().is_none())
    {
        return Err((
            0,
            PolicyError::new(None, "the policy has no rule")
                .hint_at("an empty gate must not pass: write a rule"),
        ));
    }
    let several = documents.len() > 1;
    let mut networks = Networks::new();
    let mut places = Places::default();
    let (mut rules, mut waivers) = (Vec::new(), Vec::new());
    let (mut partial_plans, mut configuration) = (None, None);
    for (at, (name, document)) in documents.iter().enumerate() {
        for (network, blocks) in document.networks.iter().flatten() {
            let set = valid_network(network, blocks).map_err(|error| (at, error))?;
            match networks.get(network) {
                Some(other) if *other != set => {
                    let other = places.of("network", network);
                    let message = format!("network {network} holds other addresses than in {other}");
                    let error = PolicyError::new(Some(line(blocks)), message)
                        .hint_at("give one of the two another name");
                    return Err((at, error));
                }
                _ => {
                    networks.insert(network.clone(), set);
                    places.add("network", network, name, line(blocks));
                }
            }
        }
    }
    for (at, (name, document)) in documents.into_iter().enumerate() {
        let once = |asked: &'static str, line: u64, places: &mut Places| {
            let first = places.of(asked, "");
            if places.add(asked, "", name, line) {
                return Ok(());
            }
            let error = PolicyError::new(Some(line), format!("`{asked}` stands in {first} as well"))
                .hint_at("several files make one policy, and this can be said once: keep it in one of them");
            Err((at, error))
        };
        for rule in document.rules.into_iter().flatten() {
            let (id, line) = (rule.id.value.clone(), line(&rule.id));
            if !is_kebab(&id) {
                let message = format!("`{id}` is no rule id: lower-case words, joined by hyphens");
                return Err((at, PolicyError::new(Some(line), message)));
            }
            let first = places.of("rule", &id);
            if !places.add("rule", &id, name, line) {
                let mut message = format!("rule id `{id}` stands twice");
                if several {
                    message.push_str(&format!(": also in {first}"));
                }
                return Err((at, PolicyError::new(Some(line), message)));
            }
            rules.push(valid_rule(rule, line, &networks).map_err(|error| (at, error))?);
        }
        waivers.extend(document.waivers.into_iter().flatten().map(|waiver| (at, waiver)));
        if let Some(said) = document.partial_plans {
            once("partial_plans", line(&said), &mut places)?;
            partial_plans = Some(said.value);
        }
        if let Some(said) = document.configuration {
            once("configuration", line(&said), &mut places)?;
            configuration = Some((at, said.value));
        }
    }
    let waivers = waivers
        .into_iter()
        .map(|(at, waiver)| valid_waiver(waiver, &rules, &networks).map_err(|error| (at, error)))
        .collect::<Result<_, _>>()?;
    let (at, configuration) = configuration.map_or((0, None), |(at, said)| (at, Some(said)));
    Ok(Policy {
        rules,
        waivers,
        partial_plans: partial_plans.unwrap_or_default(),
        configuration: Settings::read(configuration).map_err(|error| (at, error))?,
        networks,
    })
}

/// Where a thing of several files was said first.
#[derive(Default)]
struct Places(BTreeMap<(&'static str, String), (String, u64)>);

impl Places {
    /// Whether it is the first of its kind and name.
    fn add(&mut self, kind: &'static str, name: &str, file: &str, line: u64) -> bool {
        match self.0.entry((kind, name.to_owned())) {
            Entry::Vacant(free) => {
                free.insert((file.to_owned(), line));
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    fn of(&self, kind: &'static str, name: &str) -> String {
        let found = self.0.get(&(kind, name.to_owned()));
        found.map_or_else(String::new, |(file, line)| format!("{file}, line {line}"))
    }
}

fn valid_network(name: &str, blocks: &Spanned<Vec<String>>) -> Result<AddressSet, PolicyError> {
    let error = |message: String| PolicyError::new(Some(line(blocks)), message);
    let taken = ["internet", "any", "private"].contains(&name)
        || name.starts_with("sg-")
        || name.starts_with("pl-")
        || name.contains('/');
    if taken || name.trim().is_empty() {
        return Err(error(format!(
            "a network can't be called `{name}`: it would be read as something else"
        )));
    }
    let set = blocks
        .value
        .iter()
        .map(|text| block(text))
        .collect::<Result<AddressSet, _>>()
        .map_err(|what| error(format!("network {name}: {what}")))?;
    if set.is_empty() {
        return Err(error(format!("network {name} holds no address")));
    }
    Ok(set)
}

/// A block as its author meant it: host bits are a slip, and masking them could widen an exception unseen.
fn block(text: &str) -> Result<Cidr, String> {
    match Cidr::parse_noting_host_bits(text) {
        Ok((cidr, false)) => Ok(cidr),
        Ok((cidr, true)) => Err(format!(
            "`{text}` has bits set behind its prefix: write {cidr} for the block, or {} for the one address",
            text.split('/')
                .next()
                .and_then(|address| address.parse().ok())
                .map_or_else(String::new, |address| Cidr::host(address).to_string())
        )),
        Err(error) => Err(error.to_string()),
    }
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
            let exposure = valid_exposure(&deny, at, networks)?;
            Check::Forbidden {
                extent: valid_extent(&deny, &exposure)?,
                exposure: Box::new(exposure),
                allowed: None,
            }
        }
        (None, Some(allow), None) => {
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
                extent: valid_extent(&allow, &exposure)?,
                exposure: Box::new(exposure),
                allowed: Some(allowed),
            }
        }
        (None, None, Some(require)) => valid_require(&require, at)?,
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
    if matches!(check, Check::Exists) && rule.groups.is_none() {
        let message = format!("rule {id} requires that a group exists, and does not say which");
        return Err(error(message).hint_at("name it with `groups`"));
    }
    let per = rule.per.unwrap_or_default();
    if matches!(check, Check::Exists) && per == Per::Member {
        let message = format!("rule {id}: `exists` asks of groups, not of members");
        return Err(error(message).hint_at("leave `per` out"));
    }
    let groups = rule
        .groups
        .map(|groups| selector(groups, at))
        .transpose()?
        .unwrap_or_default();
    Ok(Rule {
        id,
        title: rule.title.unwrap_or_default(),
        severity: match rule.severity {
            SeverityWord::Critical => Severity::Critical,
            SeverityWord::High => Severity::High,
            SeverityWord::Medium => Severity::Medium,
            SeverityWord::Low => Severity::Low,
            SeverityWord::Info => Severity::Info,
        },
        frameworks: rule.frameworks.unwrap_or_default(),
        groups,
        per,
        check,
    })
}

/// A selector that selects: one that says nothing is more likely a slip than "all groups".
fn valid_require(require: &RequireDocument, at: u64) -> Result<Check, PolicyError> {
    let asked = [&require.description, &require.exists];
    if let Some(not) = asked.into_iter().flatten().find(|asked| !asked.value) {
        return Err(PolicyError::new(
            Some(line(not)),
            "a require that requires nothing",
        ));
    }
    match asked {
        [Some(_), None] => Ok(Check::Description),
        [None, Some(_)] => Ok(Check::Exists),
        [None, None] => Err(PolicyError::new(Some(at), "a require that requires nothing")
            .hint_at("write `description: true` or `exists: true`")),
        [Some(_), Some(exists)] => Err(PolicyError::new(
            Some(line(exists)),
            "a require that requires two things",
        )
        .hint_at("make two rules of it")),
    }
}

fn selector(groups: GroupsDocument, at: u64) -> Result<GroupSelector, PolicyError> {
    if groups.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(PolicyError::new(Some(at), "groups: the name is empty"));
    }
    let tags = groups.tags.unwrap_or_default();
    if groups.name.is_none() && tags.is_empty() {
        let message = "groups: neither a name nor a tag";
        return Err(PolicyError::new(Some(at), message).hint_at("leave `groups` out to speak of all groups"));
    }
    Ok(GroupSelector {
        name: groups.name,
        tags,
    })
}

fn valid_extent(document: &ExposureDocument, exposure: &Exposure) -> Result<Extent, PolicyError> {
    let Some(words) = &document.extent else {
        return Ok(Extent::Any);
    };
    let at = Some(line(words));
    let extent = match words.value.0.as_slice() {
        [word] => Extent::read(word),
        _ => None,
    };
    let extent = extent.ok_or_else(|| {
        PolicyError::new(at, "extent is any, whole, or a percentage such as \"50%\"")
            .hint_at("more than 0 and at most 100, with at most four digits behind the point")
    })?;
    if extent != Extent::Any && !exposure.peers.names_addresses() {
        let message = "extent counts addresses, and these peers are none: it could never be reached";
        return Err(PolicyError::new(at, message).hint_at("leave extent out: any such rule is then too much"));
    }
    Ok(extent)
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
    let traffic = match &document.traffic {
        None => valid_traffic(document.protocol.as_ref(), document.ports.as_ref())?,
        Some(kinds) => {
            if let Some(words) = document.protocol.as_ref().or(document.ports.as_ref()) {
                let message = "`traffic` stands beside `protocol` or `ports`";
                return Err(PolicyError::new(Some(line(words)), message)
                    .hint_at("move them into the list under `traffic`, as one more kind"));
            }
            if kinds.value.is_empty() {
                return Err(PolicyError::new(Some(line(kinds)), "an empty list of traffic"));
            }
            kinds.value.iter().try_fold(TrafficSet::empty(), |sum, kind| {
                let more = valid_traffic(Some(&kind.protocol), kind.ports.as_ref())?;
                Ok(sum.union(&more))
            })?
        }
    };
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
    // With all lists open to be anything: what even then names nobody never will.
    if exposure.possible(&PrefixLists::default()).is_empty() {
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
                return Err(PolicyError::new(Some(line(words)), message).hint_at(
                    "for each protocol its own ports: traffic: [{ protocol: tcp, ports: [443] }, { protocol: icmp }]",
                ));
            }
        };
        for word in &words.value.0 {
            let ports = read_ports(word).map_err(|message| PolicyError::new(Some(line(words)), message))?;
            for &protocol in with_ports {
                traffic = traffic.union(&TrafficSet::of(protocol, ports));
            }
        }
    }
    Ok(traffic)
}

fn read_ports(word: &str) -> Result<Ports, String> {
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    let port = |text: &str| -> Option<u16> {
        let digits = text.trim();
        (digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse().ok())
            .flatten()
    };
    match (port(from), port(to)) {
        (Some(from), Some(to)) if from <= to => Ok(Ports::Range { from, to }),
        (Some(from), Some(to)) => Err(format!("the range `{word}` is backwards: write \"{to}-{from}\"")),
        _ => Err(format!(
            "`{word}` is neither a port (0 to 65535) nor a range such as \"5900-5910\""
        )),
    }
}

fn valid_peers(words: &Spanned<Words>, networks: &Networks) -> Result<PeerTerms, PolicyError> {
    let mut terms = PeerTerms {
        words: words.value.0.clone(),
        ..PeerTerms::default()
    };
    if terms.words.is_empty() {
        return Err(PolicyError::new(Some(line(words)), "an empty list of peers"));
    }
    let error = |message: String| PolicyError::new(Some(line(words)), message);
    for word in &words.value.0 {
        let addresses = |set| PeerSet::new(set, TokenSet::default());
        let more = match word.as_str() {
            "internet" => addresses(AddressSet::internet()),
            "private" => addresses(AddressSet::private()),
            "any" => PeerSet::any(),
            id if id.starts_with("sg-") || id.starts_with("pl-") => {
                if !is_id(id) {
                    return Err(error(format!(
                        "`{id}` is no id: sg- or pl- with hexadecimal digits behind it"
                    ))
                    .hint_at("name the group or list by its id; a network's name can't start so"));
                }
                if id.starts_with("pl-") {
                    terms.lists.push(id.to_owned());
                    continue;
                }
                PeerSet::new(
                    AddressSet::empty(),
                    TokenSet::from_iter([Token::Group(id.to_owned())]),
                )
            }
            name => match networks.get(name) {
                Some(set) => addresses(set.clone()),
                None if name.contains('/') => addresses(block(name).map_err(error)?.into()),
                None => {
                    let known = networks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let message = format!(
                        "`{word}` is no peer: internet, any, private, a CIDR, sg-…, pl-…, or a network"
                    );
                    return Err(error(if known.is_empty() {
                        message
                    } else {
                        format!("{message} ({known})")
                    }));
                }
            },
        };
        terms.fixed = terms.fixed.union(&more);
    }
    Ok(terms)
}

fn is_id(text: &str) -> bool {
    let digits = text.split_once('-').map_or("", |(_, digits)| digits);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
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
    let exposure = match (&waiver.exposure, &rule.check) {
        (_, Check::Exists) => {
            let message = format!(
                "rule {} requires that a group exists: that can't be waived",
                rule.id
            );
            return Err(PolicyError::new(Some(at), message).hint_at("take out the rule instead"));
        }
        (None, Check::Description) => None,
        (Some(_), Check::Description) => {
            let message = format!(
                "rule {} requires a description: its waiver names no exposure",
                rule.id
            );
            return Err(PolicyError::new(Some(at), message).hint_at("leave `exposure` out"));
        }
        (None, Check::Forbidden { .. }) => {
            let message = "the waiver does not say which exposure it lets stand";
            return Err(PolicyError::new(Some(at), message).hint_at(SAY_EXPOSURE));
        }
        (Some(exposure), Check::Forbidden { .. }) => {
            if let Some(words) = &exposure.extent {
                let message = "extent belongs to deny and allow_only, not to a waiver";
                return Err(PolicyError::new(Some(line(words)), message));
            }
            let traffic =
                exposure.protocol.is_some() || exposure.ports.is_some() || exposure.traffic.is_some();
            if !traffic && exposure.peers.is_none() {
                let message = "the waiver's exposure names neither protocol, ports nor peers";
                return Err(PolicyError::new(Some(at), message).hint_at(SAY_EXPOSURE));
            }
            Some(valid_exposure(exposure, at, networks)?)
        }
    };
    // Strict, since a parser that reads more forms could read another day than the author meant.
    let day = waiver.expires.value.parse::<Date>().ok();
    let expires = day
        .filter(|day| day.to_string() == waiver.expires.value)
        .ok_or_else(|| {
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

const SAY_EXPOSURE: &str = "add exposure: { protocol: …, ports: […], peers: […] }; nothing wider is waived";
