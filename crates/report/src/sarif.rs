//! SARIF 2.1.0, for code-scanning tools.
//!
//! Section numbers are those of "Static Analysis Results Interchange Format (SARIF) Version 2.1.0" (OASIS).

use crate::text::clean;
use crate::tool::fingerprints;
use crate::{Finding, Report, Rule, Severity, Standing, Tool, Verdict};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Driver<'a>,
    automation_details: AutomationDetails,
    original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    column_kind: &'static str,
    results: Vec<SarifResult<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<RunProperties<'a>>,
}

#[derive(Serialize)]
struct Driver<'a> {
    driver: Component<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    name: &'a str,
    version: &'a str,
    semantic_version: &'a str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
struct BaseId {
    description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    short_description: Message,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    tags: Vec<&'a str>,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    security_severity: Option<&'static str>,
}

#[derive(Serialize)]
struct RunProperties<'a> {
    verdict: Verdict,
    notes: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: [Place<'a>; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    baseline_state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'a> {
    fully_qualified_name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

/// The folder that all places are told from.
const ROOT: &str = "%SRCROOT%";

impl Report {
    /// SARIF 2.1.0. Ends with a line feed.
    ///
    /// | | in SARIF's words |
    /// |---|---|
    /// | violation | kind `fail`, with a level by the severity |
    /// | undetermined | kind `open` ("insufficient information to decide", 3.27.9), level `none`, as every kind but `fail` must have |
    /// | merely informs | kind `informational`, level `none` |
    /// | waived | the same, with an accepted suppression |
    /// | new, existing, removed | `baselineState` `new`, `unchanged`, `absent` |
    ///
    /// Rules without a finding are listed as rules; no result says that they passed, since not every reader knows that kind.
    ///
    /// # Errors
    /// None in practice: the document holds only strings, numbers and lists. `serde_json`'s error is passed on.
    pub fn to_sarif(&self, tool: &Tool) -> Result<String, serde_json::Error> {
        let (rules, places) = self.descriptors();
        let results = self.findings.iter().zip(fingerprints(&self.findings));
        let results = results.map(|(finding, fingerprint)| {
            let rule_index = places.get(finding.rule.as_str()).copied().unwrap_or_default();
            result(finding, rule_index, fingerprint, tool)
        });
        crate::report::pretty(&Log {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: [Run {
                tool: Driver {
                    driver: Component {
                        name: &tool.name,
                        version: &tool.version,
                        semantic_version: &tool.version,
                        rules,
                    },
                },
                automation_details: AutomationDetails {
                    id: format!("portcullis/{}/", clean(&self.gate)),
                },
                original_uri_base_ids: BTreeMap::from([(
                    ROOT,
                    BaseId {
                        description: message("The root of the repository."),
                    },
                )]),
                column_kind: "unicodeCodePoints",
                results: results.collect(),
                properties: (!self.notes.is_empty() || self.verdict != Self::worst(&self.findings))
                    .then_some(RunProperties {
                        verdict: self.verdict,
                        notes: &self.notes,
                    }),
            }],
        })
    }

    /// The rules that were judged, then those that only findings name; and where each stands.
    fn descriptors(&self) -> (Vec<Descriptor<'_>>, BTreeMap<&str, usize>) {
        let mut rules: Vec<Descriptor<'_>> = Vec::new();
        let mut places = BTreeMap::new();
        let judged = self.rules.iter().map(
            |Rule {
                 id,
                 title,
                 severity,
                 frameworks,
             }| (id, title, *severity, frameworks),
        );
        let named = self.findings.iter().map(|finding| {
            (
                &finding.rule,
                &finding.title,
                finding.severity,
                &finding.frameworks,
            )
        });
        for (id, title, severity, frameworks) in judged.chain(named) {
            places.entry(id.as_str()).or_insert_with(|| {
                rules.push(Descriptor {
                    id,
                    short_description: message(if title.is_empty() { id } else { title }),
                    default_configuration: Configuration {
                        level: level(severity),
                    },
                    properties: RuleProperties {
                        tags: unique(
                            ["security"]
                                .into_iter()
                                .chain(frameworks.iter().map(String::as_str)),
                        ),
                        security_severity: security_severity(severity),
                    },
                });
                rules.len() - 1
            });
        }
        (rules, places)
    }
}

fn result<'a>(finding: &'a Finding, rule_index: usize, fingerprint: String, tool: &Tool) -> SarifResult<'a> {
    let kind = match finding.verdict {
        Verdict::Violation => "fail",
        Verdict::Undetermined => "open",
        Verdict::Pass => "informational",
    };
    let mut text = finding.sentence();
    for part in [&finding.witness, &finding.remedy].into_iter().flatten() {
        text = format!("{text}; {part}");
    }
    for note in &finding.notes {
        text = format!("{text}; {note}");
    }
    let place = tool.place_of(finding);
    // An absolute path lies outside of the repository.
    let uri_base_id = (!place.path.starts_with('/')).then_some(ROOT);
    SarifResult {
        rule_id: &finding.rule,
        rule_index,
        kind,
        level: if kind == "fail" {
            level(finding.severity)
        } else {
            "none"
        },
        message: message(&text),
        locations: [Place {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: uri(&place.path),
                    uri_base_id,
                },
                region: Region {
                    start_line: place.line,
                },
            },
            logical_locations: unique(finding.resources.iter().map(String::as_str))
                .into_iter()
                .map(|address| LogicalLocation {
                    fully_qualified_name: address,
                    kind: "resource",
                })
                .collect(),
        }],
        partial_fingerprints: BTreeMap::from([("portcullisFinding/v1", fingerprint)]),
        baseline_state: match finding.standing {
            Standing::New => "new",
            Standing::Existing => "unchanged",
            Standing::Removed => "absent",
        },
        suppressions: finding
            .waived
            .iter()
            .map(|waived| Suppression {
                kind: "external",
                status: "accepted",
                justification: clean(&waived.sentence()),
            })
            .collect(),
    }
}

/// Each once, in their order: the schema wants it so.
fn unique<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

/// Plain text for a message. In one, `[text](target)` is a link (3.11.6): a text from outside makes none.
fn message(text: &str) -> Message {
    Message {
        text: clean(text).replace("](", "] ("),
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Where each word's range begins (GitHub documentation, "SARIF support for code scanning", `security-severity`).
const fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.0"),
        Severity::High => Some("7.0"),
        Severity::Medium => Some("4.0"),
        Severity::Low => Some("0.1"),
        Severity::Info => None,
    }
}

/// The path as a URI reference (RFC 3986): a colon in its first segment would end a scheme's name, so all are encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
