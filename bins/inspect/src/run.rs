//! What the stage does.

use portcullis_aws::{Ec2, ReadError};
use portcullis_report::text::clean;
use portcullis_secgroup::Inventory;
use portcullis_stage::{ArtifactArgs, Exit, Failure, Stage};

/// Name of the live view in the artifact folder.
const LIVE: &str = "live.json";

/// Reads what EC2 has (security groups, their rules, the interfaces that carry them) and writes the live view
///
/// Region, credentials and endpoint come from the environment, as in every AWS tool. Nothing in AWS is changed. What
/// may not be read becomes a gap of the live view; only the groups and their rules must be readable.
#[derive(Debug, clap::Parser)]
#[command(
    name = "portcullis-inspect",
    version,
    after_help = "\
Examples:
  portcullis-inspect
  portcullis-inspect --stdout > live.json
  AWS_ENDPOINT_URL=http://127.0.0.1:5000 portcullis-inspect --artifacts out

Permissions: ec2:DescribeSecurityGroups and ec2:DescribeSecurityGroupRules; for the rest of the view also
ec2:DescribeNetworkInterfaces, ec2:DescribeInstances and ec2:GetManagedPrefixListEntries.

Exit codes: 0 written · 64 no region, or a wrong command line · 69 no credentials, or no answer from EC2"
)]
pub(crate) struct Args {
    #[command(flatten)]
    artifacts: ArtifactArgs,
    /// Write the live view to standard output, and no file
    #[arg(long)]
    stdout: bool,
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let inventory = stage.block_on(read(stage)).map_err(failure)?;
    let document = portcullis_live::write(&inventory);
    if args.stdout {
        stage.out(&document)?;
        return Ok(Exit::Pass);
    }
    let artifacts = stage.artifacts(&args.artifacts.folder);
    artifacts.write_text(LIVE, &document)?;
    stage.out(summary(&inventory))?;
    stage.say(format!("the live view is in {}", artifacts.path(LIVE).display()));
    Ok(Exit::Pass)
}

async fn read(stage: &Stage) -> Result<Inventory, ReadError> {
    let ec2 = Ec2::from_environment().await?;
    stage.say(format!("asking EC2 in {}", ec2.region()));
    ec2.inventory().await
}

/// What was read, for people.
fn summary(inventory: &Inventory) -> String {
    let rules: usize = inventory.groups.iter().map(|group| group.rules.len()).sum();
    let mut text = format!(
        "live: {} with {}, {}\n",
        count(inventory.groups.len(), "group"),
        count(rules, "rule"),
        count(inventory.interfaces.len(), "interface"),
    );
    for gap in &inventory.gaps {
        text.push_str(&format!(
            "  not read: {}: {}\n",
            clean(&gap.what),
            clean(&gap.why)
        ));
    }
    text
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn failure(error: ReadError) -> Failure {
    let hint = error.hint();
    match &error {
        ReadError::NoRegion => Failure::usage(error),
        _ => Failure::unavailable(error),
    }
    .maybe_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_secgroup::{Direction, Gap, Group, Peer, Ports, Protocol, Rule};

    #[test]
    fn the_summary_says_what_is_missing() {
        let any = Peer::Cidr("0.0.0.0/0".parse().unwrap());
        let inventory = Inventory {
            groups: vec![Group {
                rules: vec![Rule::new(Direction::Egress, Protocol::All, Ports::All, any)],
                ..Group::default()
            }],
            gaps: vec![Gap {
                what: "DescribeInstances".into(),
                why: "EC2 refused DescribeInstances: UnauthorizedOperation".into(),
            }],
            ..Inventory::default()
        };
        insta::assert_snapshot!(summary(&inventory), @r"
        live: 1 group with 1 rule, 0 interfaces
          not read: DescribeInstances: EC2 refused DescribeInstances: UnauthorizedOperation
        ");
    }

    #[test]
    fn the_command_line_is_well_formed() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
