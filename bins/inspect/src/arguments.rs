//! The command line.

use portcullis_aws::{Role, Scope, Settings};
use portcullis_stage::{ArtifactArgs, Stage};
use std::time::Duration;

/// Reads what EC2 has (security groups, their rules, the interfaces that carry them) and writes the live view
///
/// Region, credentials and endpoint come from the environment, as in every AWS tool. Nothing in AWS is changed. What
/// cannot be read becomes a gap of the live view, which says what may be missing for it; only where nothing can be read
/// of the groups is there no live view.
#[derive(Debug, clap::Parser)]
#[command(
    name = "portcullis-inspect",
    version,
    after_help = "\
Examples:
  portcullis-inspect
  portcullis-inspect --region eu-west-1,us-east-1 --role arn:aws:iam::111122223333:role/inspect
  portcullis-inspect --vpc vpc-0a1b2c3d --tag exposure=public
  portcullis-inspect --stdout > live.json
  AWS_ENDPOINT_URL=http://127.0.0.1:5000 portcullis-inspect --artifacts out

The permissions it needs are in docs/aws-policy.json; docs/aws.md says what each one is for.

Exit codes (docs/exit-codes.md):
  0 written, with or without gaps · 64 no region, or a wrong command line
  69 no credentials, or no answer about the groups"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) artifacts: ArtifactArgs,
    /// Write the live view to standard output, and no file
    #[arg(long)]
    pub(crate) stdout: bool,
    /// A region to read; may be given again [default: the one of the environment]
    #[arg(
        long,
        value_name = "REGION",
        env = "PORTCULLIS_REGIONS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    region: Vec<String>,
    /// A role to read as, one per account; may be given again. `own` stands for the job's own credentials [default: own]
    #[arg(
        long,
        value_name = "ARN",
        env = "PORTCULLIS_ROLES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    role: Vec<String>,
    /// What the roles' trust policies ask for as sts:ExternalId
    #[arg(long, value_name = "ID", requires = "role")]
    external_id: Option<String>,
    /// Read this group only; may be given again
    #[arg(long, value_name = "SG-ID", value_delimiter = ',')]
    group: Vec<String>,
    /// Read only groups that were made in this VPC; may be given again
    #[arg(long, value_name = "VPC-ID", value_delimiter = ',')]
    vpc: Vec<String>,
    /// Read only groups with this tag; may be given again, and then each must fit
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<(String, String)>,
    /// How long all of it may take; what is not read by then is a gap
    #[arg(long, value_name = "SECONDS", default_value = "180", value_parser = seconds)]
    deadline: Duration,
}

impl Args {
    pub(crate) fn settings(&self, stage: &Stage) -> Settings {
        let theirs = ["AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"];
        let defaults = Settings::default();
        Settings {
            regions: named(&self.region),
            roles: named(&self.role)
                .into_iter()
                .map(|role| match role.as_str() {
                    "own" => Role::Own,
                    _ => Role::Arn(role),
                })
                .collect(),
            external_id: self.external_id.clone(),
            session_name: stage
                .variable("AWS_ROLE_SESSION_NAME")
                .map_or(defaults.session_name, str::to_owned),
            deadline: self.deadline,
            attempts: defaults
                .attempts
                .filter(|_| theirs.iter().all(|name| stage.variable(name).is_none())),
            retry_wait: stage.retry_wait(),
            at_once: defaults.at_once,
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope {
            groups: named(&self.group).into_iter().collect(),
            vpcs: named(&self.vpc).into_iter().collect(),
            tags: self.tag.iter().cloned().collect(),
        }
    }
}

/// A variable that is empty counts as not set.
fn named(values: &[String]) -> Vec<String> {
    let trimmed = values.iter().map(|value| value.trim());
    trimmed
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as exposure=public"),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "write a number of seconds, such as 180")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && seconds <= 86_400.0 => Ok(duration),
        _ => Err("more than nothing, and at most a day (86400)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn the_command_line_is_well_formed() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn lists_may_be_written_either_way() {
        let args = Args::try_parse_from([
            "x",
            "--region",
            "eu-west-1,us-east-1",
            "--region",
            "",
            "--vpc",
            "vpc-1",
            "--tag",
            "a=b=c",
            "--tag",
            "d=",
        ])
        .unwrap();
        assert_eq!(named(&args.region), ["eu-west-1", "us-east-1"]);
        let scope = args.scope();
        assert_eq!(scope.tags["a"], "b=c");
        assert_eq!(scope.tags["d"], "");
        assert!(scope.groups.is_empty() && scope.vpcs.contains("vpc-1"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            ["--tag", "=x"],
            ["--tag", "x"],
            ["--deadline", "0"],
            ["--deadline", "1e9"],
        ] {
            assert!(
                Args::try_parse_from(["x", wrong[0], wrong[1]]).is_err(),
                "{wrong:?}"
            );
        }
        assert!(
            Args::try_parse_from(["x", "--external-id", "7"]).is_err(),
            "it belongs to a role"
        );
    }
}
