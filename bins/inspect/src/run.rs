//! What the stage does.

use crate::arguments::Args;
use crate::tally::Tally;
use portcullis_aws::{Aws, Calls, ReadError, Reading};
use portcullis_report::text::clean;
use portcullis_secgroup::{Inventory, Missing};
use portcullis_stage::{Exit, Failure, Stage};

/// Name of the live view in the artifact folder.
const LIVE: &str = "live.json";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    if !args.stdout {
        // What an earlier run saw must not be taken for this one's.
        artifacts.remove(LIVE)?;
    }
    let tally = Tally::new(stage);
    let read = stage.block_on(read(args, stage, &tally));
    tally.end();
    let Reading { inventory, calls } = read.map_err(failure)?;
    stage.say(asked(calls));
    let document = portcullis_live::write(&inventory);
    if args.stdout {
        stage.out(&document)?;
        return Ok(Exit::Pass);
    }
    artifacts.write_text(LIVE, &document)?;
    stage.out(summary(&inventory))?;
    stage.say(format!("the live view is in {}", artifacts.path(LIVE).display()));
    Ok(Exit::Pass)
}

async fn read(args: &Args, stage: &Stage, tally: &Tally<'_>) -> Result<Reading, ReadError> {
    let aws = Aws::connect(&args.settings(stage)).await?;
    stage.say(format!("asking EC2 in {}", aws.regions().join(", ")));
    aws.read(&args.scope(), &|progress| tally.add(&progress)).await
}

fn asked(calls: Calls) -> String {
    let made = match calls.made {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    match calls.again {
        0 => format!("EC2 was asked {made}"),
        again => format!(
            "EC2 was asked {made}; {again} of these again, after no answer or a refusal for the time being"
        ),
    }
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
    for stale in &inventory.stale {
        text.push_str(&format!(
            "  stale: {} names {}, which is not there any more\n",
            clean(&stale.group),
            clean(&stale.rule.peer.to_string()),
        ));
    }
    for gap in &inventory.gaps {
        text.push_str(&format!(
            "  not read: {}: {}; {}\n",
            clean(&gap.what),
            clean(&gap.why),
            consequence(&gap.missing)
        ));
    }
    text
}

fn consequence(missing: &Missing) -> String {
    match missing {
        Missing::Anything => "anything may be missing".to_owned(),
        Missing::Groups { .. } => "groups may be missing".to_owned(),
        Missing::Rules { of: Some(group) } => format!("rules of {} may be missing", clean(group)),
        Missing::Rules { of: None } => "rules may be missing".to_owned(),
        Missing::Members => "members may be missing".to_owned(),
        Missing::Entries { of } => format!("what {} holds is not known", clean(of)),
        Missing::Details => "nothing that a verdict depends on".to_owned(),
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn failure(error: ReadError) -> Failure {
    let hint = error.hint();
    match error.is_usage() {
        true => Failure::usage(error),
        false => Failure::unavailable(error),
    }
    .maybe_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_secgroup::{Direction, Gap, Group, Peer, Ports, Protocol, Rule, StaleReference};

    #[test]
    fn the_summary_says_what_is_missing() {
        let any = Peer::Cidr("0.0.0.0/0".parse().unwrap());
        let rule = Rule::new(Direction::Egress, Protocol::All, Ports::All, any);
        let stale = Rule::new(
            Direction::Ingress,
            Protocol::TCP,
            Ports::All,
            Peer::group("sg-gone"),
        );
        let gap = |what: &str, why: &str, missing| Gap::new(what, why).missing(missing);
        let inventory = Inventory {
            groups: vec![Group {
                rules: vec![rule],
                ..Group::default()
            }],
            stale: vec![StaleReference {
                group: "sg-1".into(),
                rule: stale.key().unwrap(),
                peer_vpc_id: None,
                peering: Some("deleted".into()),
            }],
            gaps: vec![
                gap(
                    "DescribeInstances",
                    "EC2 refused DescribeInstances: UnauthorizedOperation",
                    Missing::Details,
                ),
                gap(
                    "us-east-1",
                    "EC2 did not\u{1b}[31m answer",
                    Missing::Groups { except: [].into() },
                ),
                gap(
                    "rule sgr-1",
                    "odd",
                    Missing::Rules {
                        of: Some("sg-1".into()),
                    },
                ),
                gap(
                    "GetManagedPrefixListEntries pl-1",
                    "denied",
                    Missing::Entries { of: "pl-1".into() },
                ),
            ],
            ..Inventory::default()
        };
        insta::assert_snapshot!(summary(&inventory), @r"
        live: 1 group with 1 rule, 0 interfaces
          stale: sg-1 names sg-gone, which is not there any more
          not read: DescribeInstances: EC2 refused DescribeInstances: UnauthorizedOperation; nothing that a verdict depends on
          not read: us-east-1: EC2 did not␛[31m answer; groups may be missing
          not read: rule sgr-1: odd; rules of sg-1 may be missing
          not read: GetManagedPrefixListEntries pl-1: denied; what pl-1 holds is not known
        ");
    }

    #[test]
    fn how_often_ec2_was_asked() {
        assert_eq!(asked(Calls { made: 1, again: 0 }), "EC2 was asked once");
        assert_eq!(
            asked(Calls { made: 9, again: 2 }),
            "EC2 was asked 9 times; 2 of these again, after no answer or a refusal for the time being"
        );
    }
}
