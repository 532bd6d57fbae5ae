//! The whole, as a document and as text.

use crate::judge::unasked;
use crate::{CheckResult, Phases, ServiceCheck, ServicesReport, Targets, Wants};
use portcullis_report::text::{clean, markdown_code};
use portcullis_report::{FORMAT_VERSION, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// More checks than this are not written out one by one for people: only those that did not pass are.
const MANY: usize = 200;

/// At most so many rows of a Markdown table; the documents have the rest.
const MOST_ROWS: usize = 500;

impl ServicesReport {
    /// The report over these checks, and over what of `targets` is not asked.
    ///
    /// With nothing to check, or with somebody missing, it is never a pass. What the expectations skip counts for nothing.
    #[must_use]
    pub fn new(mut checks: Vec<ServiceCheck>, targets: &Targets) -> Self {
        checks.extend(targets.unasked.iter().map(unasked));
        checks.sort_by(|a, b| (&a.member, &a.url, &a.id).cmp(&(&b.member, &b.url, &b.id)));
        number(&mut checks);
        let mut notes = targets.notes.clone();
        let counted = || checks.iter().filter(|check| check.result != CheckResult::Skipped);
        let nothing = counted().next().is_none();
        if nothing {
            notes.push("there is nothing to check".to_owned());
        }
        let unknown = if nothing || targets.incomplete {
            Verdict::Undetermined
        } else {
            Verdict::Pass
        };
        let verdict = counted().map(|check| check.verdict).fold(unknown, Verdict::worst);
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            verdict,
            checks,
            notes,
            time: None,
            pipeline: None,
            changes: None,
        }
    }

    /// With when it was asked (RFC 3339, UTC), and the pipeline that did, so that many can be put in order.
    #[must_use]
    pub fn asked_at(mut self, time: impl Into<String>, pipeline: Option<u64>) -> Self {
        self.time = Some(time.into());
        self.pipeline = pipeline;
        self
    }

    /// One line: `violation: 1 of 2 services answers as expected, the closed port stays closed`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}: {}", self.verdict, self.tally())
    }

    /// The headline without the verdict.
    #[must_use]
    pub fn tally(&self) -> String {
        let count =
            |fits: &dyn Fn(&ServiceCheck) -> bool| self.checks.iter().filter(|check| fits(check)).count();
        let of = |wants: Wants| {
            let asked = count(&|check| {
                let told = matches!(check.result, CheckResult::NotTestable | CheckResult::Skipped);
                check.wants == wants && !told
            });
            (
                count(&|check| check.wants == wants && check.result == CheckResult::AsExpected),
                asked,
            )
        };
        let open = count(&|check| check.result == CheckResult::Open);
        // Who is not asked is in no "all".
        let some_closed = self
            .checks
            .iter()
            .any(|check| check.wants == Wants::Silence && check.result == CheckResult::NotTestable);
        let mut parts = Vec::new();
        match of(Wants::Answer) {
            (_, 0) => {}
            (1, 1) => parts.push("the service answers as expected".to_owned()),
            (0, 1) => parts.push("the service does not answer as expected".to_owned()),
            (1, all) => parts.push(format!("1 of {all} services answers as expected")),
            (good, all) if good == all => parts.push(format!("all {all} services answer as expected")),
            (good, all) => parts.push(format!("{good} of {all} services answer as expected")),
        }
        match of(Wants::Silence) {
            (_, 0) => {}
            (1, 1) if some_closed => parts.push("1 closed port stays closed".to_owned()),
            (good, all) if good == all && some_closed => {
                parts.push(format!("{good} closed ports stay closed"));
            }
            (1, 1) => parts.push("the closed port stays closed".to_owned()),
            (0, 1) if open == 0 => parts.push("the closed port is undetermined".to_owned()),
            (0, 1) => parts.push("the closed port is not silent".to_owned()),
            (1, all) => parts.push(format!("1 of {all} closed ports stays closed")),
            (good, all) if good == all => parts.push(format!("all {all} closed ports stay closed")),
            (good, all) => parts.push(format!("{good} of {all} closed ports stay closed")),
        }
        for result in [CheckResult::NotTestable, CheckResult::Skipped] {
            match count(&|check| check.result == result) {
                0 => {}
                n => parts.push(format!("{n} {}", result.words())),
            }
        }
        if parts.is_empty() {
            return "nothing to check".to_owned();
        }
        parts.join(", ")
    }

    /// For people. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("services: {}\n", self.headline());
        for note in &self.notes {
            let _ = writeln!(out, "  note: {}", clean(note));
        }
        if let Some(changes) = &self.changes {
            let _ = writeln!(
                out,
                "\nsince the run it is compared with: {} as before",
                changes.same
            );
            for change in &changes.checks {
                let (id, member) = (clean(&change.id), clean(&change.member));
                let _ = writeln!(out, "  {}: {id} of {member}", change.words());
            }
        }
        let folded = self.checks.len() > MANY;
        let shown = self
            .checks
            .iter()
            .filter(|check| !folded || check.result != CheckResult::AsExpected);
        let mut member = None;
        for check in shown {
            if member != Some(&check.member) {
                let _ = writeln!(out, "\n{}", clean(&check.member));
                member = Some(&check.member);
            }
            let _ = writeln!(
                out,
                "  {:<12} {} ({})",
                check.result.words(),
                clean(&check.url),
                clean(&check.group)
            );
            let _ = writeln!(out, "    {}{}", clean(&check.outcome), check.effort());
        }
        if folded {
            let _ = writeln!(out, "\nThose that pass are in services.json.");
        }
        out
    }

    /// For a merge-request note, the worst first. Ends with a line feed.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = format!("### Services: {}\n", self.headline());
        for note in &self.notes {
            let _ = write!(out, "\n- {}", markdown_code(note));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        if !self.checks.is_empty() {
            out.push_str("\n| result | member | asked | group | answer |\n|---|---|---|---|---|\n");
        }
        let mut checks: Vec<&ServiceCheck> = self.checks.iter().collect();
        checks.sort_by_key(|check| check.result);
        for check in checks.iter().take(MOST_ROWS) {
            let answer = format!("{}{}", check.outcome, check.effort());
            let cells = [&check.member, &check.url, &check.group, &answer].map(|text| markdown_code(text));
            let _ = writeln!(out, "| {} | {} |", check.result.words(), cells.join(" | "));
        }
        if let Some(more) = checks.len().checked_sub(MOST_ROWS).filter(|&more| more > 0) {
            let _ = writeln!(out, "\n{more} further checks are in `services.json`.");
        }
        out
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// Several entries of the expectations may ask the same of one place: each check has an id of its own.
fn number(checks: &mut [ServiceCheck]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for check in checks {
        let times = seen.entry(check.id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            check.id += &format!(" ({times})");
        }
    }
}

impl ServiceCheck {
    /// What it took, to be put behind the outcome: ` (3 attempts; 12 ms: connect 1, first byte 9; certificate for 63 days)`.
    #[must_use]
    pub fn effort(&self) -> String {
        let mut parts = Vec::new();
        if self.attempts > 1 {
            parts.push(format!("{} attempts", self.attempts));
        }
        if let Some(milliseconds) = self.milliseconds {
            parts.push(format!("{milliseconds} ms{}", self.phases.words()));
        }
        if let Some(certificate) = &self.certificate {
            let days = certificate.days_left;
            let plural = if days == 1 { "" } else { "s" };
            parts.push(format!("certificate for {days} day{plural}"));
        }
        if parts.is_empty() {
            return String::new();
        }
        format!(" ({})", parts.join("; "))
    }
}

impl Phases {
    /// `: DNS 2, connect 1, TLS 4, first byte 9`, in milliseconds; nothing where nothing was measured.
    fn words(&self) -> String {
        let phases = [
            ("DNS", self.dns_us),
            ("connect", self.connect_us),
            ("TLS", self.tls_us),
            ("first byte", self.first_byte_us),
        ];
        let words: Vec<String> = phases
            .into_iter()
            .filter_map(|(name, us)| Some(format!("{name} {}", us?.saturating_add(500) / 1000)))
            .collect();
        if words.is_empty() {
            return String::new();
        }
        format!(": {}", words.join(", "))
    }
}
