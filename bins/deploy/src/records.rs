//! What is left behind: who let it through and what came of it, or why it was refused.

use crate::judged::Refused;
use crate::who::Who;
use jiff::{Timestamp, Unit};
use portcullis_evidence::client::Change;
use portcullis_evidence::{
    Approval, ApprovalRequest, GuardRecord, MergeRequestRecord, Origin, PlayerRecord, RefusalRecord,
};
use portcullis_report::FORMAT_VERSION;
use portcullis_stage::{Artifacts, Exit, Failure, Stage};
use serde::Serialize;

/// What is left behind when nothing was applied.
pub(crate) const REFUSAL: &str = "refusal.json";

/// The record of an approval, written before the apply and after it.
pub(crate) struct Record<'a> {
    artifacts: &'a Artifacts,
    approval: Approval,
}

impl<'a> Record<'a> {
    pub(crate) fn new(
        stage: &Stage,
        artifacts: &'a Artifacts,
        request: &ApprovalRequest,
        who: &Who,
        change: &Change,
        guard: Option<GuardRecord>,
        remarks: Vec<String>,
    ) -> Self {
        let merge_request = match &change.origin {
            Origin::MergeRequest { iid, opener, .. } => Some(MergeRequestRecord {
                iid: *iid,
                opened_by: opener.clone(),
                approved_by: change.approved_by.clone(),
            }),
            Origin::NotKnown | Origin::Pushed => None,
        };
        let approval = Approval {
            format_version: FORMAT_VERSION.to_owned(),
            digest: request.digest.clone(),
            approved_by: who.login.clone(),
            approved_at: whole_seconds(who.now),
            job_url: stage.ci().job_url.map(|url| url.to_string()),
            player: Some(PlayerRecord {
                login: who.login.clone(),
                id: who.player.id,
                name: who.name.clone(),
                known_by: "gitlab".to_owned(),
            }),
            merge_request,
            guard,
            remarks,
            ..Approval::default()
        };
        Self { artifacts, approval }
    }

    /// How the state stands after the apply, when it could be read.
    pub(crate) fn state_is(&mut self, state: Option<(Option<String>, Option<u64>)>) {
        if let Some((lineage, serial)) = state {
            self.approval.state_lineage = lineage;
            self.approval.state_serial = serial;
        }
    }

    pub(crate) fn write(&mut self, outcome: &str, exit_code: Option<i32>) -> Result<(), Failure> {
        outcome.clone_into(&mut self.approval.outcome);
        self.approval.exit_code = exit_code;
        write_json(self.artifacts, "approval.json", &self.approval)
    }
}

/// Writes down why, and ends with 3.
pub(crate) fn refuse(
    stage: &Stage,
    artifacts: &Artifacts,
    request: &ApprovalRequest,
    who: &Who,
    refused: Refused,
) -> Result<Exit, Failure> {
    let record = RefusalRecord {
        format_version: FORMAT_VERSION.to_owned(),
        digest: request.digest.clone(),
        played_by: who.login.clone(),
        refused_at: whole_seconds(who.now),
        job_url: stage.ci().job_url.map(|url| url.to_string()),
        reason: refused.error.to_string(),
        hint: Some(refused.hint.clone()),
    };
    write_json(artifacts, REFUSAL, &record)?;
    Err(Failure::refused(refused.error).hint(refused.hint))
}

fn write_json(artifacts: &Artifacts, name: &str, document: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document).map_err(Failure::internal)?;
    text.push('\n');
    Ok(artifacts.write_text(name, &text)?)
}

/// People read these times; a fraction of a second is noise.
fn whole_seconds(time: Timestamp) -> String {
    time.round(Unit::Second).unwrap_or(time).to_string()
}
