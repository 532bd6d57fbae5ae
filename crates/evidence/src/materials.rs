//! What an approval is bound to, as it lies there.

use crate::Bound;
use crate::digest::digest;
use portcullis_report::Verdict;

/// What an approval is bound to, as it lies there. Who asks and who deploys both gather it and call
/// [`Materials::bind`], so that they bind alike.
#[derive(Debug, Clone)]
pub struct Materials<'a> {
    /// The saved plan, `plan.tfplan`.
    pub plan_file: &'a [u8],
    /// The plan's JSON.
    pub plan_json: &'a [u8],
    /// The policy's files, in the order in which they are named.
    pub policies: &'a [Vec<u8>],
    /// The compliance report, `compliance.json`.
    pub compliance: &'a [u8],
    /// The verdict in it.
    pub verdict: Verdict,
    /// The exposure report, `exposure.json`.
    pub exposure: &'a [u8],
    /// The commit the pipeline runs on.
    pub commit: &'a str,
    /// The state's lineage and serial, each as far as the state tells; both `None` when there is no state.
    pub state: (Option<&'a str>, Option<u64>),
    /// `terraform` or `tofu`: both count their versions alike.
    pub terraform: &'a str,
    /// The version of it that wrote the plan, as the plan's JSON says it.
    pub terraform_version: &'a str,
    /// The provider lock file `.terraform.lock.hcl`, when the configuration's folder holds one.
    pub provider_lock: Option<&'a [u8]>,
    /// The version of Portcullis that binds.
    pub portcullis_version: &'a str,
}

impl Materials<'_> {
    /// The digests and facts that bind.
    #[must_use]
    pub fn bind(&self) -> Bound {
        let of = |bytes: &[u8]| digest(bytes).to_string();
        Bound {
            plan_file: of(self.plan_file),
            plan_json: of(self.plan_json),
            policy: policies(self.policies),
            compliance: of(self.compliance),
            verdict: self.verdict,
            exposure: of(self.exposure),
            commit: self.commit.to_owned(),
            state_lineage: self.state.0.map(str::to_owned),
            state_serial: self.state.1,
            terraform: format!("{} {}", self.terraform, self.terraform_version),
            provider_lock: self.provider_lock.map(of),
            portcullis: Some(self.portcullis_version.to_owned()),
        }
    }
}

/// The digest of a policy: of its file, or of the digests of several, one per line after a heading.
fn policies(files: &[Vec<u8>]) -> String {
    if let [file] = files {
        return digest(file).to_string();
    }
    let mut lines = "portcullis policies, encoding 1\n".to_owned();
    for file in files {
        lines.push_str(&format!("{}\n", digest(file)));
    }
    digest(lines).to_string()
}
