//! What terraform's complaints mean on a state that GitLab keeps, and what to do about them.
//!
//! The words are those of terraform's `internal/backend/remote-state/http/client.go` and of its commands, seen with
//! 1.11.4; `OpenTofu` has the same. A complaint that is not known here is left as it is.

use crate::backend::Credentials;
use crate::holder::Holder;

/// A complaint in other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) what: String,
    pub(crate) hint: String,
}

/// What is known besides the words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    /// The subcommand.
    pub(crate) subcommand: &'a str,
    /// The state's name.
    pub(crate) state: &'a str,
    /// Who holds its lock, when that is known.
    pub(crate) holder: Option<&'a Holder>,
    /// What GitLab is shown.
    pub(crate) credentials: Credentials,
    /// The page of the project's states in GitLab.
    pub(crate) page: Option<&'a str>,
    /// Whether terraform left a new `errored.tfstate`.
    pub(crate) left_behind: bool,
}

/// Whether it complains about another run's lock.
pub(crate) fn is_locked(said: &str) -> bool {
    flat(said).contains(HELD)
}

/// Before the holder's ID.
const HELD: &str = "already locked: ID=";

/// What is recognised, in the order in which it must be mended.
pub(crate) fn explain(said: &str, case: &Case<'_>) -> Vec<Explanation> {
    let said = flat(said);
    let mut found = Vec::new();
    found.extend(case.lock(&said));
    found.extend(case.write(&said));
    found.extend(case.read(&said));
    found.extend(case.unlock(&said));
    found.extend(case.left_behind(&said));
    found.extend(case.folder(&said));
    found
}

impl Case<'_> {
    fn lock(&self, said: &str) -> Option<Explanation> {
        let complaint = after(said, "Error acquiring the state lock")?;
        let state = self.state;
        if let Some(id) = after(complaint, HELD) {
            // It goes into a command that people copy.
            let id: String = id
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            let id = if id.is_empty() { "ID" } else { &id };
            let (by, page) = match (self.holder, self.page) {
                (Some(Holder { who, since }), _) => (format!("@{who} since {since}"), String::new()),
                (None, Some(page)) => (
                    "another run".to_owned(),
                    format!("; {page} shows by whom and since when"),
                ),
                (None, None) => ("another run".to_owned(), String::new()),
            };
            return Some(Explanation {
                what: format!(
                    "the state {state} is locked by {by}, lock {id}{page} (the \"Lock Info\" above is this run's own request, not \
                     the holder)"
                ),
                hint: format!(
                    "wait for that run, or let this one wait with `-lock-timeout=10m`; only when that run is dead, take its lock \
                     off: `portcullis-tf force-unlock -force {id}` (Maintainer role). GitLab then takes off whatever lock there is: \
                     terraform does not send it the ID"
                ),
            });
        }
        if let Some(refused) = self.refused(complaint, "lock the state", "Maintainer") {
            return Some(refused);
        }
        self.unanswered(complaint, "locked")
            .or_else(|| status(complaint).map(|code| self.by_status(code, "locked")))
    }

    fn write(&self, said: &str) -> Option<Explanation> {
        let complaint =
            after(said, "Failed to save state").or_else(|| after(said, "Failed to persist state"))?;
        let state = self.state;
        if let Some(refused) = self.refused(complaint, "write the state", "Maintainer") {
            return Some(refused);
        }
        if let Some(unanswered) = self.unanswered(complaint, "stored") {
            return Some(unanswered);
        }
        let (what, hint) = match status(complaint)? {
            409 => (
                format!("GitLab did not store the state {state}: this run does not hold its lock (409)"),
                "another run holds it (-lock=false is for plans), or somebody took this run's lock off: find out which before anything is \
                     stored over the other's".to_owned(),
            ),
            413 => (
                format!("GitLab did not store the state {state}: it is larger than this GitLab allows (413)"),
                "ask an administrator to raise `max_terraform_state_size_bytes`, or split the configuration into several states"
                    .to_owned(),
            ),
            422 => (
                format!("GitLab did not store the state {state}: it has a version with this serial already (422)"),
                "another run wrote the state meanwhile, which happens without a lock only: compare both (`portcullis-tf state pull`) \
                 before anything is stored over it, and don't use -lock=false with anything but plan"
                    .to_owned(),
            ),
            code => return Some(self.by_status(code, "stored")),
        };
        Some(Explanation { what, hint })
    }

    fn read(&self, said: &str) -> Option<Explanation> {
        // What follows a failed lock or write speaks of those.
        if said.contains("Error acquiring the state lock") || said.contains("Failed to save state") {
            return None;
        }
        let headlines = [
            "Error refreshing state",
            "Error loading state",
            "Failed to load state",
            "Failed to get state",
            "Failed to refresh destination state",
            // Of the client itself, under whatever headline.
            "HTTP remote state",
        ];
        let complaint = headlines.iter().find_map(|words| after(said, words))?;
        if let Some(refused) = self.refused(complaint, "read the state", "Developer") {
            return Some(refused);
        }
        self.unanswered(complaint, "read")
            .or_else(|| status(complaint).map(|code| self.by_status(code, "read")))
    }

    /// 401 and 403, which terraform tells in words.
    fn refused(&self, complaint: &str, doing: &str, role: &str) -> Option<Explanation> {
        let code = status(complaint);
        let state = self.state;
        if complaint.contains("endpoint requires auth") || code == Some(401) {
            let hint = match (self.credentials, doing) {
                (Credentials::JobToken, "write the state") => {
                    "a job's token dies with its job (cancelled, time-out): give the job a longer `timeout:`; what is left to do \
                     needs a new job's token"
                }
                (Credentials::JobToken, _) => {
                    "a job's token dies with its job (cancelled, time-out) and opens its own project only: run the job again, with a \
                     longer `timeout:` if it ran out; another project's state needs this project on that one's list of job tokens"
                }
                (Credentials::Callers, _) => "look at TF_HTTP_USERNAME and TF_HTTP_PASSWORD",
                (Credentials::AccessToken, _) => {
                    "PORTCULLIS_STATE_TOKEN is expired, revoked, or lacks the scope `api`: make a new one"
                }
            };
            return Some(Explanation {
                what: format!("terraform could not {doing} {state}: GitLab does not take the token (401)"),
                hint: hint.to_owned(),
            });
        }
        if complaint.contains("endpoint invalid auth") || code == Some(403) {
            let who = if self.credentials == Credentials::JobToken {
                "whose job this is (in a manual job: who played it)"
            } else {
                "whose token this is"
            };
            let plan = if role == "Maintainer" && self.subcommand == "plan" {
                "; a plan needs no lock: leave PORTCULLIS_PLAN_LOCK and `-lock` alone, and the Developer role is enough"
            } else {
                ""
            };
            return Some(Explanation {
                what: format!("the user {who} may not {doing} {state} (403)"),
                hint: format!(
                    "that needs the {role} role in the project{plan}; if the role is right, look whether GitLab's Terraform states are \
                     switched off, and whether the list of job tokens allows this project"
                ),
            });
        }
        None
    }

    /// No connection, or 5xx after all of terraform's own tries.
    fn unanswered(&self, complaint: &str, what_not: &str) -> Option<Explanation> {
        let words = ["giving up after", "dial tcp", "x509:"];
        if !words.iter().any(|words| complaint.contains(words)) {
            return None;
        }
        let hint = if what_not == "stored" {
            "look at GitLab's status; a write beside another run's lock (-lock=false) is answered so, too"
        } else {
            "look at CI_API_V4_URL, the network of this runner (HTTPS_PROXY), GitLab's status and its certificate (SSL_CERT_FILE); \
             nothing was changed, so run the job again"
        };
        Some(Explanation {
            what: format!(
                "the state {} could not be {what_not}: GitLab did not answer",
                self.state
            ),
            hint: hint.to_owned(),
        })
    }

    fn by_status(&self, code: u16, what_not: &str) -> Explanation {
        let state = self.state;
        let (why, hint) = match code {
            404 => (
                "GitLab knows no such project, or does not show it to this token",
                "look at CI_PROJECT_ID and at who may see the project",
            ),
            409 | 423 => (
                "it is locked",
                "wait for the run that holds it, and run this one again",
            ),
            422 => (
                "it waits for its deletion, or its name is not taken",
                "wait until GitLab has deleted it (minutes), or use another PORTCULLIS_STATE_NAME",
            ),
            _ => (
                "GitLab is in trouble",
                "run the job again; if that does not help, look at GitLab's status",
            ),
        };
        Explanation {
            what: format!("the state {state} could not be {what_not}: {why} ({code})"),
            hint: hint.to_owned(),
        }
    }

    fn left_behind(&self, said: &str) -> Option<Explanation> {
        let others = after(said, "Failed to save state")
            .and_then(status)
            .is_some_and(|code| matches!(code, 409 | 422));
        let store = if others {
            "only when nothing in the other version is lost by that: raise its `serial` above the other's, then `portcullis-tf state push \
             -force errored.tfstate`"
        } else {
            "mend the cause, then store it before anything else runs: `portcullis-tf state push errored.tfstate`"
        };
        self.left_behind.then(|| Explanation {
            what: "errored.tfstate holds the new state, which is stored nowhere else; it may hold secrets, and is gone with this \
                   job's folder"
                .to_owned(),
            hint: format!(
                "{store} (Maintainer role); to have it after the job, keep it among the artifacts (`when: on_failure`, `access: \
                 developer`)"
            ),
        })
    }

    fn unlock(&self, said: &str) -> Option<Explanation> {
        // `force-unlock`.
        if let Some(complaint) = after(said, "Failed to unlock state") {
            return self
                .refused(complaint, "unlock the state", "Maintainer")
                .or_else(|| self.unanswered(complaint, "unlocked"))
                .or_else(|| status(complaint).map(|code| self.by_status(code, "unlocked")));
        }
        after(said, "Error releasing the state lock")?;
        let state = self.state;
        Some(Explanation {
            what: format!("the lock of the state {state} is still there, and nobody will take it off"),
            hint: "the next run that wants the lock shows its ID: when no other run works on this state, `portcullis-tf force-unlock \
                   -force ID` (Maintainer role)"
                .to_owned(),
        })
    }

    /// What is wrong in the folder, not with GitLab.
    fn folder(&self, said: &str) -> Option<Explanation> {
        let subcommand = self.subcommand;
        let known: [(&[&str], &str, &str); 6] = [
            (
                &["workspaces not supported"],
                "the http backend knows no workspaces",
                "use one PORTCULLIS_STATE_NAME per environment, and unset TF_WORKSPACE",
            ),
            (
                &["Backend initialization required", "Backend configuration changed"],
                "the folder is not initialised for the backend it names",
                "run `portcullis-tf init` in this job first (`init -reconfigure` when the backend changed)",
            ),
            (
                &[
                    "Inconsistent dependency lock file",
                    "Provider dependency changes detected",
                ],
                "the providers in .terraform.lock.hcl are not those that the configuration asks for",
                "run `terraform init` on your machine and commit .terraform.lock.hcl",
            ),
            (
                &[
                    "doesn't match any of the checksums previously recorded",
                    "does not match any of the checksums",
                ],
                "a provider is not the one that .terraform.lock.hcl knows",
                "when it lacks this runner's platform: `terraform providers lock -platform=linux_amd64`, and commit it; \
                 otherwise ask where the other package comes from",
            ),
            (
                &[
                    "Failed to query available provider packages",
                    "Failed to install provider",
                ],
                "a provider could not be had",
                "look at the network of this runner (HTTPS_PROXY), or point TF_CLI_CONFIG_FILE to a file with a mirror; a cached \
                 .terraform folder saves the way",
            ),
            (
                &["Saved plan is stale"],
                "the state changed after this plan was made",
                "plan again, and have the new plan approved",
            ),
        ];
        let found = known
            .iter()
            .find(|(words, ..)| words.iter().any(|words| said.contains(words)));
        found
            .filter(|_| subcommand != "force-unlock")
            .map(|(_, what, hint)| Explanation {
                what: (*what).to_owned(),
                hint: (*hint).to_owned(),
            })
    }
}

/// `HTTP error: 413`, `unexpected HTTP response code 500`.
fn status(complaint: &str) -> Option<u16> {
    let lower = complaint.to_ascii_lowercase();
    ["http error: ", "http response code: ", "http response code "]
        .iter()
        .find_map(|words| {
            let digits = after(&lower, words)?;
            digits.get(..3)?.parse().ok()
        })
}

fn after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    text.split_once(words).map(|(_, rest)| rest)
}

/// The text on one line, without colours and boxes, since terraform folds its complaints to the terminal's width.
fn flat(said: &str) -> String {
    let mut plain = String::with_capacity(said.len());
    let mut parts = said.split('\u{1b}');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // `[31m`: ends with a letter.
        let end = part
            .find(|c: char| c.is_ascii_alphabetic())
            .map_or(part.len(), |at| at + 1);
        plain.push_str(part.get(end..).unwrap_or_default());
    }
    let words = plain.split(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
