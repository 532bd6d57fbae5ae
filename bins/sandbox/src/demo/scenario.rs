//! The stories the demo can tell.

use std::str::FromStr;

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A wrong port is corrected; all goes well.
    CorrectWebPort,
    /// The change opens SSH to the internet, in two halves.
    OpensSshToTheWorld,
    /// Somebody opened ports by hand while the change went through.
    HandMadeDrift,
    /// The plan file is exchanged after the approval was asked for.
    PlanSwapped,
    /// The author plays the deploy job.
    SelfApproved,
    /// The service does not move to its new port.
    ServiceDown,
    /// Slack does not answer.
    SlackDown,
}

/// A day after the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// The recorded step with the state and EC2's answers of that day.
    pub recording: &'static str,
    /// What has happened until then.
    pub what: &'static str,
}

impl Scenario {
    /// All of them, the default first.
    pub const ALL: [Self; 7] = [
        Self::CorrectWebPort,
        Self::OpensSshToTheWorld,
        Self::HandMadeDrift,
        Self::PlanSwapped,
        Self::SelfApproved,
        Self::ServiceDown,
        Self::SlackDown,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CorrectWebPort => "correct-web-port",
            Self::OpensSshToTheWorld => "opens-ssh-to-the-world",
            Self::HandMadeDrift => "hand-made-drift",
            Self::PlanSwapped => "plan-swapped",
            Self::SelfApproved => "self-approved",
            Self::ServiceDown => "service-down",
            Self::SlackDown => "slack-down",
        }
    }

    /// The story in a line or two.
    #[must_use]
    pub const fn story(self) -> &'static str {
        match self {
            Self::CorrectWebPort => {
                "The web group opens port 8080, but the service listens on 8000. The change corrects it, and all \
                 goes well."
            }
            Self::OpensSshToTheWorld => {
                "The change lets administrators in from 0.0.0.0/1 and 128.0.0.0/1: no rule says 0.0.0.0/0, yet \
                 together they are the whole internet. The policy stops it before anyone is asked."
            }
            Self::HandMadeDrift => {
                "While the change goes through, somebody opens SSH by hand in EC2. terraform does not see all of it; \
                 the comparison of code, state and cloud does, that day and the days after: until a rule is taken away \
                 by hand, too, and until the repair, which leaves what terraform does not see."
            }
            Self::PlanSwapped => {
                "After the approval was asked for, another plan file is put in the place of the approved one. The \
                 deploy job refuses it."
            }
            Self::SelfApproved => {
                "The author of the change is a Maintainer, too, and plays the deploy job. GitLab lets her; the guard \
                 does not: four eyes."
            }
            Self::ServiceDown => {
                "The rule is corrected, but the service stays on its old port. All three views of the rules agree, \
                 and still nobody gets an answer."
            }
            Self::SlackDown => {
                "Slack answers with an error page. The pipeline gates and deploys all the same, and keeps what it \
                 could not say."
            }
        }
    }

    /// The commit's title.
    #[must_use]
    pub const fn commit_title(self) -> &'static str {
        match self {
            Self::OpensSshToTheWorld => "Let the administrators in from wherever they are",
            _ => "Open the port the web service listens on: 8000",
        }
    }

    /// The recorded step that is planned and applied.
    #[must_use]
    pub const fn recording(self) -> &'static str {
        match self {
            Self::OpensSshToTheWorld => "10-opens-ssh-to-the-world",
            _ => "2-correct-web-port",
        }
    }

    /// The recorded step whose state GitLab holds at the start.
    #[must_use]
    pub const fn before(self) -> &'static str {
        match self {
            Self::OpensSshToTheWorld => "7-repair",
            _ => "1-setup",
        }
    }

    /// What is found in the days after the pipeline, when the three views are compared again.
    #[must_use]
    pub const fn later(self) -> &'static [Later] {
        match self {
            Self::HandMadeDrift => &[
                Later {
                    recording: "5-drift-refresh-only",
                    what: "the next day; nobody has done anything about it",
                },
                Later {
                    recording: "6-rule-removed-by-hand",
                    what: "a day later; somebody has taken away the rule of front-to-back by hand",
                },
                Later {
                    recording: "7-repair",
                    what: "another day later; terraform has applied the code once more, and cannot see the rule on web",
                },
            ],
            _ => &[],
        }
    }

    /// The recorded step whose EC2 answers are the live view.
    #[must_use]
    pub const fn live(self) -> &'static str {
        match self {
            Self::HandMadeDrift => "4-hand-made-drift",
            other => other.recording(),
        }
    }
}

/// A word that names no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scenario is one of {}", Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario;

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == text)
            .ok_or(UnknownScenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_reads_back() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.name().parse(), Ok(scenario));
        }
        insta::assert_snapshot!("all".parse::<Scenario>().unwrap_err(), @"a scenario is one of correct-web-port, opens-ssh-to-the-world, hand-made-drift, plan-swapped, self-approved, service-down, slack-down");
    }
}
