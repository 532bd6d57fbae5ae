//! Pages to look at, each a single HTML file: what a change opens and closes, whether the three views agree, whether the services
//! answer.
//!
//! **What it is for.** An approver opens one artifact and sees, in this order: the headline and the verdict, a picture of the
//! exposure (peers, ports, groups, members), the findings with what to change, every rule, and terraform's own words. The file
//! needs no network and no script: it carries a Content Security Policy that allows nothing but its own style and script, and the
//! script only adds filters and paging to what stands there already.
//!
//! **What it is not.** It judges nothing and reads nothing: it shows documents that others made. It does not mask secrets either,
//! except that rules whose values the plan marks sensitive are shown without them; give it reports and texts that may be shown. Every text from outside is cleaned and escaped, and a link leads to the web or nowhere.
//!
//! ```
//! use portcullis_page::{Context, PlanPage};
//! use portcullis_terraform::Plan;
//!
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": [
//!   {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
//!    "change": {"actions": ["create"], "before": null, "after_unknown": {}, "after": {"name": "web", "egress": [],
//!      "ingress": [{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"],
//!        "description": "</script><script>alert(1)</script>"}]}}}]}"#)?;
//! let (before, after) = (plan.before()?, plan.after()?);
//! let exposure = portcullis_exposure::compare(&before, &after, plan.rules_rewritten(), plan.partial());
//! let page = PlanPage {
//!     context: &Context::default(),
//!     exposure: &exposure,
//!     before: &before,
//!     after: &after,
//!     reports: &[],
//!     plan_text: None,
//! };
//! let html = page.to_html();
//! assert!(html.contains("opens tcp 443 from the whole IPv4 internet on web"));
//! assert!(html.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
//! # Ok::<(), portcullis_terraform::ReadError>(())
//! ```

mod context;
mod findings;
mod html;
mod picture;
mod plan;
mod plan_rules;
mod rules;
mod services;
mod shell;
mod status;
mod table;
mod transcript;
mod verify;

pub use context::Context;
pub use plan::PlanPage;
pub use services::ServicesPage;
pub use verify::VerifyPage;
