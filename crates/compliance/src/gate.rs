//! The static gate: what code may hold before terraform is let loose on it, and before any credential is there.
//!
//! A plan already runs code: data sources are read, providers are started, modules are fetched. So this is judged from the
//! text alone. Without a `configuration` section in the policy the defaults hold; docs/configuration.md states them.

use crate::document::ConfigurationDocument;
use crate::error::PolicyError;
use crate::judge::judge;
use crate::policy::Policy;
use crate::subject::Subject;
use crate::waiver::STALE;
use jiff::civil::Date;
use portcullis_report::text::clean;
use portcullis_report::{Finding, GroupRef, Location, Report, Severity, Verdict};
use portcullis_secgroup::wildcard;
use portcullis_terraform::{Declared, Fact, FactKind, ModuleSource};
use std::fmt::Write as _;

/// What code may hold.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Sources of providers; `*` stands for any run of characters.
    providers: Vec<String>,
    /// Sources of modules from elsewhere; all that are pinned when `None`.
    modules: Option<Vec<String>>,
    forbid_data: Vec<String>,
    provisioners: Vec<String>,
    /// Backends; all when `None`.
    backends: Option<Vec<String>>,
    pinned: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            providers: words(&["hashicorp/*"]),
            modules: None,
            forbid_data: words(&["external", "http", "local_command"]),
            provisioners: Vec::new(),
            backends: None,
            pinned: true,
        }
    }
}

impl Settings {
    pub(crate) fn read(document: Option<ConfigurationDocument>) -> Result<Self, PolicyError> {
        let mut settings = Self::default();
        let Some(document) = document else {
            return Ok(settings);
        };
        for (name, words) in [
            ("providers", &document.providers),
            ("modules", &document.modules),
            ("forbid_data", &document.forbid_data),
            ("provisioners", &document.provisioners),
            ("backends", &document.backends),
        ] {
            let empty = |word: &String| word.trim().is_empty();
            if let Some(words) = words.as_ref().filter(|words| words.value.iter().any(empty)) {
                let line = words.defined.line();
                return Err(PolicyError::new(Some(line), format!("an empty word in {name}")));
            }
        }
        let words = |words: Option<serde_saphyr::Spanned<Vec<String>>>| words.map(|words| words.value);
        if let Some(providers) = words(document.providers) {
            settings.providers = providers;
        }
        settings.modules = words(document.modules);
        if let Some(forbidden) = words(document.forbid_data) {
            settings.forbid_data = forbidden;
        }
        if let Some(provisioners) = words(document.provisioners) {
            settings.provisioners = provisioners;
        }
        settings.backends = words(document.backends);
        if let Some(pinned) = document.pinned_modules {
            settings.pinned = pinned;
        }
        Ok(settings)
    }

    /// What `after` allows that this does not, each in a sentence. Patterns are compared as they are written.
    pub(crate) fn loosened(&self, after: &Self) -> Vec<String> {
        let more = |what: &str, before: &[String], after: &[String]| {
            let new = after.iter().filter(|word| !before.contains(word));
            let new: Vec<&str> = new.map(String::as_str).collect();
            (!new.is_empty()).then(|| format!("code may have {what} {}", new.join(", ")))
        };
        // Without a list all are allowed.
        let listed =
            |what: &str, before: &Option<Vec<String>>, after: &Option<Vec<String>>| match (before, after) {
                (None, _) => None,
                (Some(_), None) => Some(format!("code may have any {what}")),
                (Some(before), Some(after)) => more(&format!("the {what}"), before, after),
            };
        let pinned = (self.pinned && !after.pinned).then(|| "modules need not be pinned".to_owned());
        [
            more("the provider", &self.providers, &after.providers),
            listed("module", &self.modules, &after.modules),
            more("the data source", &after.forbid_data, &self.forbid_data),
            more("the provisioner", &self.provisioners, &after.provisioners),
            listed("backend", &self.backends, &after.backends),
            pinned,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// How the ids of the static gate's rules begin: no rule of a policy can be called so.
pub const PREFIX: &str = "configuration/";

/// One rule of the gate.
struct Rule {
    id: &'static str,
    title: &'static str,
    severity: Severity,
}

const PROVIDER: Rule = Rule {
    id: "configuration/provider",
    title: "Only providers from allowed sources are started",
    severity: Severity::Critical,
};
const MODULE: Rule = Rule {
    id: "configuration/module-source",
    title: "Modules come from allowed sources",
    severity: Severity::Critical,
};
const PIN: Rule = Rule {
    id: "configuration/module-pin",
    title: "Modules from elsewhere are pinned",
    severity: Severity::High,
};
const DATA: Rule = Rule {
    id: "configuration/forbidden-data-source",
    title: "No data source runs programs or calls out while planning",
    severity: Severity::Critical,
};
const PROVISIONER: Rule = Rule {
    id: "configuration/provisioner",
    title: "No provisioner runs programs while applying",
    severity: Severity::Critical,
};
const BACKEND: Rule = Rule {
    id: "configuration/backend",
    title: "The state is kept by an allowed backend",
    severity: Severity::High,
};
const SECRET: Rule = Rule {
    id: "configuration/inline-secret",
    title: "No secret is written in the code",
    severity: Severity::Critical,
};

const RULES: [&Rule; 7] = [&PROVIDER, &MODULE, &PIN, &DATA, &PROVISIONER, &BACKEND, &SECRET];

fn findings(settings: &Settings, facts: &[Fact]) -> Vec<Finding> {
    facts.iter().filter_map(|fact| judged(settings, fact)).collect()
}

fn judged(settings: &Settings, fact: &Fact) -> Option<Finding> {
    let among = |patterns: &[String], text: &str| patterns.iter().any(|pattern| wildcard(pattern, text));
    let found = |rule: &Rule, what: String, remedy: String| Some(finding(rule, fact, what, remedy));
    match &fact.kind {
        FactKind::Provider(Some(source)) if among(&settings.providers, source) => None,
        FactKind::Provider(Some(source)) => found(
            &PROVIDER,
            format!("provider {source} is not among the allowed ones"),
            format!(
                "take a provider of {}, or have the policy allow it",
                listed(&settings.providers)
            ),
        ),
        FactKind::Provider(None) => found(
            &PROVIDER,
            "the provider's source is no literal text".to_owned(),
            "write the source as a text".to_owned(),
        ),
        FactKind::Module(ModuleSource::Local) => None,
        FactKind::Module(ModuleSource::Unread(folder)) => found(
            &MODULE,
            format!("the module's folder {folder} is not there, or lies outside of the repository"),
            "keep local modules inside of the repository".to_owned(),
        ),
        FactKind::Module(ModuleSource::NotLiteral) => found(
            &MODULE,
            "the module's source is no literal text".to_owned(),
            "write the source as a text".to_owned(),
        ),
        FactKind::Module(ModuleSource::Remote { source, version }) => {
            if let Some(allowed) = &settings.modules
                && !among(allowed, source)
            {
                let remedy = format!(
                    "take a module of {}, or have the policy allow it",
                    listed(allowed)
                );
                return found(
                    &MODULE,
                    format!("module source {source} is not among the allowed ones"),
                    remedy,
                );
            }
            let problem = unpinned(source, version.as_deref()).filter(|_| settings.pinned)?;
            found(
                &PIN,
                format!("module {source}: {}", problem.what),
                problem.remedy.to_owned(),
            )
        }
        FactKind::DataSource(kind) if among(&settings.forbid_data, kind) => found(
            &DATA,
            format!("data source {kind} is read while planning"),
            "give the value as a variable".to_owned(),
        ),
        FactKind::Provisioner(kind) if !among(&settings.provisioners, kind) => found(
            &PROVISIONER,
            format!("provisioner {kind} runs while applying"),
            "do it in a job of the pipeline, or with a provider".to_owned(),
        ),
        FactKind::Backend(kind) => {
            let allowed = settings
                .backends
                .as_ref()
                .filter(|allowed| !among(allowed, kind))?;
            let remedy = format!("keep the state in {}", listed(allowed));
            found(
                &BACKEND,
                format!("backend {kind} is not among the allowed ones"),
                remedy,
            )
        }
        FactKind::Secret(attribute) => found(
            &SECRET,
            format!("{attribute} is written in the code"),
            "take it out, let it expire, and give the new one by the environment".to_owned(),
        ),
        _ => None,
    }
}

fn finding(rule: &Rule, fact: &Fact, what: String, remedy: String) -> Finding {
    let mut finding = Finding::new(rule.id, rule.severity, Verdict::Violation)
        .title(rule.title)
        .group(GroupRef::address(&fact.address))
        .resources([&fact.address])
        .exposure(what)
        .remedy(remedy);
    finding.location = Some(Location {
        path: fact.path.clone(),
        line: fact.line,
    });
    finding
}

fn listed(words: &[String]) -> String {
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}

struct Unpinned {
    what: &'static str,
    remedy: &'static str,
}

/// Whether a module's content may change without a change of the code ("Module Sources", Terraform language documentation).
fn unpinned(source: &str, version: Option<&str>) -> Option<Unpinned> {
    let says = |what, remedy| Some(Unpinned { what, remedy });
    let (address, query) = source.split_once('?').unwrap_or((source, ""));
    let parameter = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    if address.starts_with("http://") || address.starts_with("git::http://") {
        return says("it is fetched without encryption", "fetch it over https or ssh");
    }
    let git = address.starts_with("git::")
        || address.starts_with("git@")
        || address.starts_with("github.com/")
        || address.starts_with("bitbucket.org/")
        || address.starts_with("hg::")
        || address.contains(".git");
    if git {
        let reference = parameter("ref").or_else(|| parameter("rev"));
        return match reference {
            None => says(
                "it follows the default branch",
                "add ?ref= with a tag or a commit",
            ),
            Some(reference) if is_commit(reference) || is_version(reference) => None,
            Some(_) => says(
                "its ref looks like a branch",
                "name a commit, or a tag that is a version such as v1.2.3",
            ),
        };
    }
    if address.contains("::") || address.contains("://") {
        return match parameter("checksum").or_else(|| parameter("versionId")) {
            Some(_) => None,
            None => says(
                "an archive without checksum",
                "add ?checksum=sha256:… to its address",
            ),
        };
    }
    match version.map(|version| version.trim().trim_start_matches('=').trim()) {
        None => says("it has no version", "add the exact version"),
        Some(version) if is_exact(version) => None,
        Some(_) => says("its version is a range", "name the exact version"),
    }
}

fn is_commit(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `1.2.3`, also with a suffix behind it.
fn is_exact(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = numbers.split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.clone().count() == 3 && parts.all(number)
}

/// A tag such as `v1.2.3` or `modules/web/1.2.3`: at its end stands a version.
fn is_version(reference: &str) -> bool {
    let reference = reference.strip_prefix("refs/tags/").unwrap_or(reference);
    let last = reference.rsplit(['/', '_']).next().unwrap_or_default();
    is_exact(last.trim_start_matches('v')) || last.rsplit_once("-v").is_some_and(|(_, text)| is_exact(text))
}

/// What a rule of the gate means; `None` when there is none of this id.
pub(crate) fn explain(settings: &Settings, id: &str) -> Option<String> {
    let rule = RULES.into_iter().find(|rule| rule.id == id)?;
    let mut out = format!("{}: {}\n\n", rule.id, rule.title);
    let mut entry = |label: &str, text: &str| {
        let _ = writeln!(out, "  {label:<13} {}", clean(text));
    };
    entry("severity", rule.severity.as_str());
    entry(
        "speaks of",
        "the code that --config names, and the local modules it calls",
    );
    let any = |words: &Option<Vec<String>>| words.as_deref().map_or_else(|| "any".to_owned(), listed);
    match rule.id {
        "configuration/provider" => entry("allows", &listed(&settings.providers)),
        "configuration/module-source" => {
            entry("allows", "local modules inside of the repository");
            entry("allows", &format!("from elsewhere: {}", any(&settings.modules)));
        }
        "configuration/module-pin" if settings.pinned => {
            entry(
                "allows",
                "an exact version from a registry; a commit or a version's tag from git; an archive with its checksum",
            );
        }
        "configuration/module-pin" => entry("allows", "everything: the policy says pinned_modules: false"),
        "configuration/forbidden-data-source" => entry("forbids", &listed(&settings.forbid_data)),
        "configuration/provisioner" => entry("allows", &listed(&settings.provisioners)),
        "configuration/backend" => entry("allows", &any(&settings.backends)),
        _ => entry("forbids", "secrets of providers and backends as literal texts"),
    }
    entry("undetermined", "never: what is no literal text is a violation");
    Some(out)
}

/// The early verdict on code: what terraform would be let loose on, and what the rules open as far as it is literally known.
///
/// A violation stands. What can't be told from the code alone is ordinary, and no reason to say no: it is told, and left to
/// the plan. `today` decides which waivers still hold.
///
/// ```
/// use portcullis_compliance::{Policy, judge_code};
/// use portcullis_report::Verdict;
/// use portcullis_terraform::Configuration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::read("
/// version: 1
/// rules:
///   - { id: no-ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet } }
/// ")?;
/// let code = Configuration::read([("main.tf", "data \"external\" \"x\" {\n  program = [\"sh\"]\n}\n")])?;
/// let report = judge_code(&policy, &code.facts(), &code.declared()?, "2026-11-24".parse()?);
/// assert_eq!(report.verdict, Verdict::Violation);
/// assert_eq!(report.findings[0].rule, "configuration/forbidden-data-source");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn judge_code(policy: &Policy, facts: &[Fact], declared: &Declared, today: Date) -> Report {
    let mut findings = findings(&policy.configuration, facts);
    let mut open = declared.missing.len();
    for mut finding in judge(policy, &Subject::declared(declared), today).findings {
        // That a waiver has nothing to waive yet only the plan can tell.
        if finding.rule == STALE {
            continue;
        }
        if finding.verdict == Verdict::Undetermined {
            open += 1;
            finding.verdict = Verdict::Pass;
            finding.notes.push("cannot tell yet: the plan decides".to_owned());
        }
        findings.push(finding);
    }
    let mut report = Report::new("configuration", findings);
    match open {
        0 => {}
        1 => report = report.note("1 thing cannot be told yet: the plan decides"),
        n => report = report.note(format!("{n} things cannot be told yet: the plan decides")),
    }
    for missing in declared.missing.iter().take(MISSING) {
        report = report.note(format!("cannot tell yet: {missing}"));
    }
    if declared.missing.len() > MISSING {
        let more = declared.missing.len() - MISSING;
        report = report.note(format!("cannot tell yet: {more} more of the kind"));
    }
    report
}

/// So many of the things that are missing are told one by one.
const MISSING: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pinned() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (source, version, pinned) in [
            ("terraform-aws-modules/vpc/aws", Some("5.1.2"), true),
            ("terraform-aws-modules/vpc/aws", Some("= 5.1.2"), true),
            ("terraform-aws-modules/vpc/aws", Some("5.1.2-beta1"), true),
            ("terraform-aws-modules/vpc/aws", Some("~> 5.1"), false),
            ("terraform-aws-modules/vpc/aws", Some(">= 5.1.2, < 6.0.0"), false),
            ("terraform-aws-modules/vpc/aws", Some("5.1"), false),
            ("terraform-aws-modules/vpc/aws", None, false),
            ("git::https://example.com/vpc.git?ref=v1.2.0", None, true),
            (
                "git::https://example.com/vpc.git//sub?ref=vpc/1.2.0&depth=1",
                None,
                true,
            ),
            ("git::https://example.com/vpc.git?ref=main", None, false),
            ("git::https://example.com/vpc.git?ref=release-1.2", None, false),
            ("git::https://example.com/vpc.git", None, false),
            (&format!("git@example.com:a/b.git?ref={commit}"), None, true),
            ("github.com/hashicorp/example?ref=1.0.0", None, true),
            ("github.com/hashicorp/example", None, false),
            ("https://example.com/vpc.zip", None, false),
            ("https://example.com/vpc.zip?checksum=sha256:00", None, true),
            ("http://example.com/vpc.zip?checksum=sha256:00", None, false),
            ("s3::https://s3.amazonaws.com/bucket/vpc.zip", None, false),
        ] {
            assert_eq!(
                unpinned(source, version).is_none(),
                pinned,
                "{source} {version:?}"
            );
        }
    }
}
