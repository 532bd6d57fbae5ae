# The same question as it is usually put in Rego: rule by rule, comparing text.
package main

import rego.v1

ports := {22, 3389}

covers(rule, port) if {
	rule.protocol == "tcp"
	rule.from_port <= port
	rule.to_port >= port
}

covers(rule, _) if rule.protocol == "-1"

everybody(rule) if "0.0.0.0/0" in rule.cidr_blocks

everybody(rule) if "::/0" in rule.ipv6_cidr_blocks

deny contains message if {
	some change in input.resource_changes
	change.type in {"aws_security_group", "aws_default_security_group"}
	some rule in change.change.after.ingress
	some port in ports
	covers(rule, port)
	everybody(rule)
	message := sprintf("%s opens %d to the internet", [change.address, port])
}

deny contains message if {
	some change in input.resource_changes
	change.type == "aws_security_group_rule"
	rule := change.change.after
	rule.type == "ingress"
	some port in ports
	covers(rule, port)
	everybody(rule)
	message := sprintf("%s opens %d to the internet", [change.address, port])
}

deny contains message if {
	some change in input.resource_changes
	change.type == "aws_vpc_security_group_ingress_rule"
	rule := change.change.after
	some port in ports
	covers(object.union(rule, {"protocol": rule.ip_protocol}), port)
	"0.0.0.0/0" == rule.cidr_ipv4
	message := sprintf("%s opens %d to the internet", [change.address, port])
}
