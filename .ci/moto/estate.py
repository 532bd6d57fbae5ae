"""Builds a recorded estate anew over EC2's API, and changes it by hand to what a later recording shows."""

import json
import pathlib


def recorded(folder, name, key):
    path = pathlib.Path(folder) / "aws" / f"{name}.json"
    return json.loads(path.read_text())[key] if path.exists() else []


def peer_of(row):
    for key in ("CidrIpv4", "CidrIpv6", "PrefixListId"):
        if row.get(key):
            return row[key]
    return row["ReferencedGroupInfo"]["GroupId"]


def described(folder):
    """The rules' descriptions, which moto tells with the groups only."""
    found = {}
    for group in recorded(folder, "describe-security-groups", "SecurityGroups"):
        for egress, side in ((False, "IpPermissions"), (True, "IpPermissionsEgress")):
            for one in group[side]:
                traffic = (one["IpProtocol"], one.get("FromPort", -1), one.get("ToPort", -1))
                for peers, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"),
                                    ("PrefixListIds", "PrefixListId"), ("UserIdGroupPairs", "GroupId")):
                    for peer in one.get(peers, []):
                        found[(group["GroupId"], egress, *traffic, peer[name])] = peer.get("Description")
    return found


def key(row):
    return (row["GroupId"], row["IsEgress"], row["IpProtocol"], row["FromPort"], row["ToPort"], peer_of(row))


def permission(row):
    """A rule as AuthorizeSecurityGroupIngress and its like take it."""
    out = {"IpProtocol": row["IpProtocol"]}
    if row["IpProtocol"] != "-1":
        out |= {"FromPort": row["FromPort"], "ToPort": row["ToPort"]}
    words = {"Description": row["Description"]} if row.get("Description") else {}
    if row.get("CidrIpv4"):
        out["IpRanges"] = [{"CidrIp": row["CidrIpv4"]} | words]
    elif row.get("CidrIpv6"):
        out["Ipv6Ranges"] = [{"CidrIpv6": row["CidrIpv6"]} | words]
    elif row.get("PrefixListId"):
        out["PrefixListIds"] = [{"PrefixListId": row["PrefixListId"]} | words]
    else:
        out["UserIdGroupPairs"] = [{"GroupId": row["ReferencedGroupInfo"]["GroupId"]} | words]
    return out


class Estate:
    """An estate that stands in EC2; `ids` leads from the recording's ids to the new ones."""

    def __init__(self, ec2, folder):
        self.ec2 = ec2
        self.ids = {}
        self._networks(folder)
        self._groups(folder)
        self._lists(folder)
        self.change_to(folder)
        self._instances(folder)

    def here(self, text):
        """The recording's text, about the estate that stands here."""
        for old, new in self.ids.items():
            text = text.replace(old, new)
        return text

    def there(self, text):
        """The other way round."""
        for old, new in self.ids.items():
            text = text.replace(new, old)
        return text

    def _networks(self, folder):
        used = [i for r in recorded(folder, "describe-instances", "Reservations") for i in r["Instances"]]
        named = {group["VpcId"] for group in recorded(folder, "describe-security-groups", "SecurityGroups")
                 if group["GroupName"] != "default"}
        default = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        vpcs = sorted({group["VpcId"] for group in recorded(folder, "describe-security-groups", "SecurityGroups")})
        for number, vpc in enumerate(vpcs):
            if vpc in named:
                self.ids[vpc] = self.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
            else:
                self.ids[vpc] = default
        for number, subnet in enumerate(sorted({i["SubnetId"] for i in used})):
            vpc = next(i["VpcId"] for i in used if i["SubnetId"] == subnet)
            block = f"10.{vpcs.index(vpc)}.{number}.0/24"
            made = self.ec2.create_subnet(VpcId=self.ids[vpc], CidrBlock=block)
            self.ids[subnet] = made["Subnet"]["SubnetId"]

    def _groups(self, folder):
        for group in recorded(folder, "describe-security-groups", "SecurityGroups"):
            vpc = self.ids[group["VpcId"]]
            if group["GroupName"] == "default":
                found = self.ec2.describe_security_groups(
                    Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
                )["SecurityGroups"][0]["GroupId"]
            else:
                found = self.ec2.create_security_group(
                    GroupName=group["GroupName"], Description=group["Description"], VpcId=vpc
                )["GroupId"]
            if group.get("Tags"):
                self.ec2.create_tags(Resources=[found], Tags=group["Tags"])
            self.ids[group["GroupId"]] = found

    def _lists(self, folder):
        for path in (pathlib.Path(folder) / "aws").glob("get-managed-prefix-list-entries.*.json"):
            old = path.name.split(".")[1]
            entries = json.loads(path.read_text())["Entries"]
            made = self.ec2.create_managed_prefix_list(
                PrefixListName="offices", MaxEntries=10, AddressFamily="IPv4", Entries=entries
            )
            self.ids[old] = made["PrefixList"]["PrefixListId"]

    def _instances(self, folder):
        for reservation in recorded(folder, "describe-instances", "Reservations"):
            for instance in reservation["Instances"]:
                made = self.ec2.run_instances(
                    ImageId=instance["ImageId"], MinCount=1, MaxCount=1,
                    SubnetId=self.ids[instance["SubnetId"]],
                    SecurityGroupIds=[self.ids[group["GroupId"]] for group in instance["SecurityGroups"]],
                    TagSpecifications=[{"ResourceType": "instance", "Tags": instance.get("Tags", [])}],
                )["Instances"][0]
                self.ids[instance["InstanceId"]] = made["InstanceId"]

    def rows(self):
        pages = self.ec2.get_paginator("describe_security_group_rules").paginate()
        return [row for page in pages for row in page["SecurityGroupRules"]]

    def change_to(self, folder):
        """Adds and takes away rules until they are those of the recording. How many it took."""
        words = described(folder)
        old_rows = {}
        for row in recorded(folder, "describe-security-group-rules", "SecurityGroupRules"):
            row["Description"] = row.get("Description") or words.get(key(row))
            old_rows[key(json.loads(self.here(json.dumps(row))))] = row
        here = {key(row): row for row in self.rows()}
        changed = 0
        for at in here.keys() - old_rows.keys():
            side = "egress" if at[1] else "ingress"
            getattr(self.ec2, f"revoke_security_group_{side}")(
                GroupId=at[0], SecurityGroupRuleIds=[here[at]["SecurityGroupRuleId"]])
            changed += 1
        for at in old_rows.keys() - here.keys():
            side = "egress" if at[1] else "ingress"
            row = json.loads(self.here(json.dumps(old_rows[at])))
            getattr(self.ec2, f"authorize_security_group_{side}")(GroupId=at[0], IpPermissions=[permission(row)])
            changed += 1
        for row in self.rows():
            if key(row) in old_rows:
                self.ids[old_rows[key(row)]["SecurityGroupRuleId"]] = row["SecurityGroupRuleId"]
        return changed


def crowd(ec2, groups, rules):
    """Many groups with many rules each, in a VPC of their own: its id."""
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    for number in range(groups):
        group = ec2.create_security_group(
            GroupName=f"crowd-{number:03}", Description="one of many", VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "half", "Value": str(number % 2)}]}],
        )["GroupId"]
        # Beside the egress rule that every new group has.
        ports = [{"IpProtocol": "tcp", "FromPort": 1000 + n, "ToPort": 1000 + n,
                  "IpRanges": [{"CidrIp": f"10.{number}.{n}.0/24"}]} for n in range(rules - 1)]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ports)
    return vpc
