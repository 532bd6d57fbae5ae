//! Network interfaces: what carries security groups.

use std::net::IpAddr;

/// A network interface: the thing that carries security groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its id, `eni-…`.
    pub id: String,
    /// The account it belongs to.
    pub account: Option<String>,
    /// The VPC it is in: not always that of its groups.
    pub vpc_id: Option<String>,
    /// What kind of interface it is, in EC2's word: `interface`, `network_load_balancer`, `lambda`, `nat_gateway`, ….
    pub kind: Option<String>,
    /// Who made it, where that is not the account itself: a service such as `amazon-elb`, or another account.
    pub requester: Option<String>,
    /// Its description; for a load balancer the only trace that leads back to it.
    pub description: Option<String>,
    /// The instance it is attached to.
    pub instance_id: Option<String>,
    /// The instance's `Name` tag.
    pub instance_name: Option<String>,
    /// Its private addresses.
    pub private_addresses: Vec<IpAddr>,
    /// Its public IPv4 addresses, and its IPv6 addresses (which are always routable).
    pub public_addresses: Vec<IpAddr>,
    /// Its public DNS name.
    pub public_dns: Option<String>,
    /// The ids of the groups it carries.
    pub groups: Vec<String>,
}

impl Interface {
    /// What people call it: the instance's name, else the instance's id, else its description, else its own id.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.instance_name, &self.instance_id, &self.description]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .map_or(&self.id, String::as_str)
    }

    /// The load balancer it belongs to: `app/NAME/ID`, `net/NAME/ID` or `gwy/NAME/ID`, which ends its ARN, or a
    /// classic one's name. Elastic Load Balancing writes `ELB` and this into the description (AWS re:Post, "How do I
    /// find the private IP address of my load balancer's nodes").
    ///
    /// ```
    /// use portcullis_secgroup::Interface;
    /// let mut interface = Interface {
    ///     description: Some("ELB app/front/50dc6c495c0c9188".into()),
    ///     ..Interface::default()
    /// };
    /// // Anybody can write that; the service tells of itself.
    /// assert_eq!(interface.load_balancer(), None);
    /// interface.requester = Some("amazon-elb".into());
    /// assert_eq!(interface.load_balancer(), Some("app/front/50dc6c495c0c9188"));
    /// ```
    #[must_use]
    pub fn load_balancer(&self) -> Option<&str> {
        let by_service = self.requester.as_deref() == Some("amazon-elb")
            || self
                .kind
                .as_deref()
                .is_some_and(|kind| kind.ends_with("load_balancer"));
        self.description
            .as_deref()?
            .strip_prefix("ELB ")
            .filter(|_| by_service)
    }
}
