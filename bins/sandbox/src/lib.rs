//! Stand-ins for GitLab, Slack, terraform and the web service.
