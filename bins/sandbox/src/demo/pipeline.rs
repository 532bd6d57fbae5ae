//! The pipeline's jobs, in the order and with the commands of `templates/pipeline.yml`.

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When nothing before it failed.
    OnSuccess,
    /// When nothing before it failed, and somebody plays it.
    Manual,
    /// When something before it failed.
    OnFailure,
    /// Whatever happened.
    Always,
}

/// One call of a stage binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// The binary.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// It runs even when the command before it failed, and then does not change how the job ends: bad results are
    /// told, too.
    pub tells: bool,
}

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobPlan {
    /// Its name.
    pub name: &'static str,
    /// Its stage.
    pub stage: &'static str,
    /// When it runs.
    pub when: When,
    /// What it runs.
    pub commands: &'static [Command],
    /// Text artifacts of its own whose first line sums them up.
    pub reports: &'static [&'static str],
}

impl Command {
    /// The line as one would type it.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.program.to_owned();
        for argument in self.arguments {
            line.push(' ');
            line.push_str(argument);
        }
        line
    }
}

/// The packages of the binaries, which the demo builds. `portcullis-inspect` is not among them: it would build the AWS
/// SDK, and EC2's answers are recorded.
pub const BINARIES: [&str; 8] = [
    "portcullis-prepare",
    "portcullis-validate",
    "portcullis-plan",
    "portcullis-request-approval",
    "portcullis-deploy",
    "portcullis-notify",
    "portcullis-verify",
    "portcullis-check-services",
];

const fn gate(program: &'static str, arguments: &'static [&'static str]) -> Command {
    Command {
        program,
        arguments,
        tells: false,
    }
}

const fn notify(event: &'static [&'static str]) -> Command {
    Command {
        program: "portcullis-notify",
        arguments: event,
        tells: false,
    }
}

const fn tell(event: &'static [&'static str]) -> Command {
    Command {
        program: "portcullis-notify",
        arguments: event,
        tells: true,
    }
}

/// The jobs.
pub const JOBS: [JobPlan; 10] = [
    JobPlan {
        name: "prepare",
        stage: "prepare",
        reports: &[],
        when: When::OnSuccess,
        commands: &[
            gate(
                "portcullis-prepare",
                &["--config", "terraform", "--policy", "terraform/policy.yaml"],
            ),
            notify(&["started"]),
        ],
    },
    JobPlan {
        name: "validate",
        stage: "validate",
        reports: &[],
        when: When::OnSuccess,
        commands: &[gate(
            "portcullis-validate",
            &[
                "--config",
                "terraform",
                "--policy",
                "terraform/policy.yaml",
                "--with-terraform",
            ],
        )],
    },
    JobPlan {
        name: "plan",
        stage: "plan",
        reports: &["exposure.txt", "compliance.txt"],
        when: When::OnSuccess,
        commands: &[
            gate("portcullis-plan", &["--config", "terraform"]),
            gate(
                "portcullis-validate",
                &[
                    "--plan",
                    "portcullis/plan.tfplan",
                    "--config",
                    "terraform",
                    "--policy",
                    "terraform/policy.yaml",
                    "--artifacts",
                    "portcullis",
                ],
            ),
            tell(&["planned"]),
        ],
    },
    JobPlan {
        name: "request approval",
        stage: "approve",
        reports: &[],
        when: When::OnSuccess,
        commands: &[
            gate(
                "portcullis-request-approval",
                &["--policy", "terraform/policy.yaml", "--config", "terraform"],
            ),
            notify(&["requested"]),
        ],
    },
    JobPlan {
        name: "deploy",
        stage: "deploy",
        reports: &[],
        when: When::Manual,
        commands: &[gate(
            "portcullis-deploy",
            &["--policy", "terraform/policy.yaml", "--config", "terraform"],
        )],
    },
    JobPlan {
        name: "notify deploy",
        stage: "notify",
        reports: &[],
        when: When::OnSuccess,
        commands: &[notify(&["deployed"])],
    },
    JobPlan {
        name: "verify",
        stage: "verify",
        reports: &["consistency.txt"],
        when: When::OnSuccess,
        commands: &[
            gate(
                "portcullis-verify",
                &[
                    "--plan",
                    "portcullis/plan.json",
                    "--managed-state",
                    "--live",
                    "live",
                    "--config",
                    "terraform",
                    "--policy",
                    "terraform/policy.yaml",
                    "--artifacts",
                    "portcullis",
                ],
            ),
            tell(&["consistency"]),
        ],
    },
    JobPlan {
        name: "check services",
        stage: "check",
        reports: &["services.txt"],
        when: When::OnSuccess,
        commands: &[
            gate(
                "portcullis-check-services",
                &[
                    "--managed-state",
                    "--live",
                    "live",
                    "--group",
                    "web",
                    "--change",
                    "portcullis/exposure.json",
                    "--artifacts",
                    "portcullis",
                    // The service is there already: nothing starts late here.
                    "--timeout",
                    "2",
                ],
            ),
            tell(&["checked"]),
        ],
    },
    JobPlan {
        name: "notify failure",
        stage: "failure",
        reports: &[],
        when: When::OnFailure,
        commands: &[notify(&["failed"])],
    },
    JobPlan {
        name: "finish",
        stage: "finish",
        reports: &[],
        when: When::Always,
        commands: &[notify(&["finished"])],
    },
];

/// What a watch on drift asks in the days after: the code as it was deployed, with the state and EC2's answers of the day. It
/// leaves the pipeline's own artifacts alone.
pub const WATCH: Command = gate(
    "portcullis-verify",
    &[
        "--plan",
        "portcullis/plan.json",
        "--state",
        "watch/state.json",
        "--live",
        "watch/live",
        "--config",
        "terraform",
        "--policy",
        "terraform/policy.yaml",
        "--since",
        "watch/consistency.json",
        "--artifacts",
        "watch",
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    /// What templates/pipeline.yml includes, and its own jobs, as the stages order them.
    const TEMPLATES: [&str; 7] = [
        include_str!("../../../../templates/prepare.yml"),
        include_str!("../../../../templates/validate.yml"),
        include_str!("../../../../templates/plan.yml"),
        include_str!("../../../../templates/deploy.yml"),
        include_str!("../../../../templates/verify.yml"),
        include_str!("../../../../templates/pipeline.yml"),
        include_str!("../../../../templates/finish.yml"),
    ];

    #[test]
    fn the_jobs_are_those_of_the_pipeline_file() {
        let mut jobs: Vec<&str> = Vec::new();
        let names = TEMPLATES
            .iter()
            .flat_map(|file| file.lines())
            .filter_map(|line| line.strip_suffix(':'))
            .filter(|name| {
                !name.starts_with([' ', '.', '#', '-']) && !["spec", "include", "stages"].contains(name)
            })
            // What `check services` does, in a child pipeline; and what `verify` does, after an apply that failed.
            .filter(|name| !["services pipeline", "verify failed apply"].contains(name));
        for name in names {
            // The whole pipeline names a template's job again, where it says whose files the job takes.
            if !jobs.contains(&name) {
                jobs.push(name);
            }
        }
        assert_eq!(jobs, JOBS.map(|job| job.name));
        let whole = TEMPLATES[5];
        for job in JOBS {
            assert!(
                whole.contains(&format!("  - {}\n", job.stage)),
                "stage {}",
                job.stage
            );
        }
    }

    #[test]
    fn every_command_is_of_a_binary_that_is_built() {
        for command in JOBS.iter().flat_map(|job| job.commands) {
            assert!(BINARIES.contains(&command.program), "{}", command.line());
        }
    }
}
