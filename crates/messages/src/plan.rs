//! Terraform's plan as a file for readers.

use portcullis_exposure::ExposureReport;
use portcullis_slack::clean_lines;

/// What terraform says of the plan in one line: `Plan: 0 to add, 1 to change, 0 to destroy.`
pub(crate) fn summary(plan: &str) -> Option<&str> {
    plan.lines()
        .map(str::trim)
        .find(|line| line.starts_with("Plan: ") || line.starts_with("No changes."))
        .filter(|line| line.chars().count() <= 200)
}

/// The plan as a file for the thread, whose first lines tell something: Slack shows only these. What opens and closes
/// stands first; the lines in which terraform tells that it reads are left out. `None` when terraform said nothing.
#[must_use]
pub fn plan_file(plan: &str, exposure: Option<&ExposureReport>) -> Option<String> {
    let told: Vec<&str> = plan.lines().filter(|line| !is_progress(line)).collect();
    let told = told.join("\n");
    let told = told.trim();
    if told.is_empty() {
        return None;
    }
    let mut text = String::new();
    if let Some(exposure) = exposure.filter(|exposure| !exposure.headline.is_empty()) {
        text = format!("{}\n\n", exposure.to_text().trim());
    }
    if let Some(summary) = summary(told) {
        text = format!("{text}{summary}\n\n");
    }
    Some(clean_lines(&format!("{text}{told}\n")))
}

/// `aws_vpc.main: Refreshing state... [id=vpc-1]`, `data.aws_ami.x: Reading...`, `…: Read complete after 1s [id=…]`.
fn is_progress(line: &str) -> bool {
    let said = |words: &str| line.contains(words) && !line.starts_with([' ', '#', '+', '-', '~']);
    [
        ": Refreshing state...",
        ": Reading...",
        ": Still reading...",
        ": Read complete after ",
    ]
    .into_iter()
    .any(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "\
aws_vpc.main: Refreshing state... [id=vpc-1]
data.aws_ami.web: Reading...
data.aws_ami.web: Read complete after 0s [id=ami-1]

Terraform will perform the following actions:

  # aws_security_group.web will be updated in-place
  ~ resource \"aws_security_group\" \"web\" {
      ~ description = \"a: Reading...\u{202e}\"
    }

Plan: 0 to add, 1 to change, 0 to destroy.
";

    #[test]
    fn what_changes_stands_first() {
        let exposure = ExposureReport {
            headline: "opens tcp 8000 from the internet on web".into(),
            ..ExposureReport::unchanged(1)
        };
        insta::assert_snapshot!("plan-file", plan_file(PLAN, Some(&exposure)).unwrap());
        assert_eq!(
            plan_file("aws_vpc.main: Refreshing state... [id=vpc-1]\n", Some(&exposure)),
            None
        );
    }
}
