//! What is told while EC2 is read.

/// A page has come: told while EC2 is read, so that a person sees it move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The region, and the role where there is one.
    pub place: &'a str,
    /// The call, such as `DescribeSecurityGroupRules`.
    pub call: &'static str,
    /// How many items the page held.
    pub items: usize,
}
