//! The nouns of security groups and their exact set algebra: addresses, ports, protocols, peers, rules, open sets, groups, members, inventory.
