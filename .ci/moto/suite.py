"""portcullis-inspect and portcullis-verify against moto's EC2, over the API: see .ci/run.

    python suite.py BINARIES FIXTURES WORK [--record FOLDER]

BINARIES is the folder of the built programs, WORK a folder to write to. With --record the answers to one reading are
kept in FOLDER, for the tests that replay them.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import boto3
from moto.server import ThreadedMotoServer

import proxy
from estate import Estate, crowd

BINARIES, FIXTURES, WORK = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
RECORD = pathlib.Path(sys.argv[5]) if sys.argv[4:5] == ["--record"] else None
# Nothing that is said may hold this.
SECRET = "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY"
CALLS = ["DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeNetworkInterfaces", "DescribeInstances",
         "GetManagedPrefixListEntries"]

moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
moto.start()
host, port = moto.get_host_and_port()
MOTO = f"http://{host}:{port}"
PROXY, faults = proxy.start(MOTO)


def client(service, region, **session):
    keys = session or {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": SECRET}
    return boto3.client(service, region_name=region, endpoint_url=MOTO, **keys)


def run(program, *arguments, expect=0, **variables):
    """What the program said on both streams; it must end with this code."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(WORK), "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": PROXY,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true", "PORTCULLIS_RETRY_WAIT": "0.01",
    } | variables
    command = [str(BINARIES / program), *map(str, arguments)]
    ended = subprocess.run(command, env={k: v for k, v in environment.items() if v is not None}, cwd=WORK,
                           capture_output=True, text=True, timeout=120)
    said = ended.stdout + ended.stderr
    assert ended.returncode == expect, f"{command} ended with {ended.returncode}, not {expect}:\n{said}"
    assert SECRET not in said, said
    return ended.stdout, ended.stderr


def inspect(*arguments, **options):
    """The live view, and what was said."""
    path = WORK / "out" / "live.json"
    out, talk = run("portcullis-inspect", "--artifacts", path.parent, *arguments, **options)
    view = json.loads(path.read_text()) if path.exists() else None
    assert SECRET not in json.dumps(view)
    return view, out + talk


def gaps(view):
    return {gap["what"]: (gap["why"], gap["missing"]) for gap in view["gaps"]}


def verify(folder, live, estate=None, expect=0):
    """The comparison's JSON; on an estate that stands here, with its ids as the recording has them."""
    plan, state = ((folder / name).read_text() for name in ("plan.json", "state.json"))
    if estate:
        plan, state = estate.here(plan), estate.here(state)
    (WORK / "plan.json").write_text(plan)
    (WORK / "state.json").write_text(state)
    out, _ = run("portcullis-verify", "--plan", WORK / "plan.json", "--state", WORK / "state.json", "--live", live,
                 "--config", folder.parent / "config", "--format", "json", expect=expect)
    return json.loads(estate.there(out) if estate else out)


def rows(report):
    """The verdict of each rule, in an order that the ids have no part in. Commands name the region, which only
    portcullis-inspect tells."""
    kept = ({name: value for name, value in row.items() if name != "repair"} for row in report["rules"])
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


def same(ours, theirs):
    """The verdict of each rule is the same."""
    ours, theirs = rows(ours), rows(theirs)
    assert ours == theirs, "\n".join(["here:", *set(ours) - set(theirs), "recorded:", *set(theirs) - set(ours)])


def situation(words):
    faults.clear()
    print(f"- {words}", flush=True)


started = time.monotonic()
LIVE = WORK / "out" / "live.json"
story = FIXTURES / "estate"
ec2 = client("ec2", "eu-west-1")
estate = Estate(ec2, story / "2-correct-web-port")

situation("the recorded estate, built over the API: each rule agrees")
view, said = inspect()
assert len(view["groups"]) == 5 and len(view["interfaces"]) == 2, said
assert {interface["instance_name"] for interface in view["interfaces"]} == {"front", "back"}
assert gaps(view) == {}, gaps(view)
assert "EC2 was asked 5 times\n" in said, said
assert faults.largest_ask == 1000
report = verify(story / "2-correct-web-port", LIVE, estate)
assert report["verdict"] == "pass"
same(report, verify(story / "2-correct-web-port", story / "2-correct-web-port" / "aws"))

for step in ("4-hand-made-drift", "6-rule-removed-by-hand", "7-repair"):
    situation(f"changed by hand as in {step}: the verdicts of the recording")
    assert estate.change_to(story / step) > 0
    inspect()
    ours = verify(story / step, LIVE, estate, expect=1)
    same(ours, verify(story / step, story / step / "aws", expect=1))

situation("every way of writing a rule: the verdicts of the recording")
styles = FIXTURES / "rule-styles" / "1-create"
odd = Estate(client("ec2", "eu-central-1"), styles)
faults.record = []
view, said = inspect("--region", "eu-central-1")
if RECORD:
    RECORD.mkdir(parents=True, exist_ok=True)
    for action, xml in faults.record:
        (RECORD / f"{action}.xml").write_text(xml + "\n")
assert gaps(view) == {}, gaps(view)
assert any(view["prefix_lists"].values())
ours = verify(styles, LIVE, odd)
same(ours, verify(styles, styles / "aws"))

situation("2,500 rules over pages: all of them, about a call for each thousand")
many = client("ec2", "eu-north-1")
vpc = crowd(many, 50, 50)
north = ("--region", "eu-north-1")
whole, said = inspect(*north)
assert sum(len(group["rules"]) for group in whole["groups"] if group["name"].startswith("crowd")) == 2500
assert faults.seen["DescribeSecurityGroupRules"] == 3 and sum(faults.seen.values()) <= 8, faults.seen
text = LIVE.read_bytes()

situation("small pages, each listing beginning with an empty one that has a token: the same bytes")
faults.largest_page, faults.empty_first = 40, True
inspect(*north)
assert LIVE.read_bytes() == text
assert faults.seen["DescribeSecurityGroupRules"] > 60, faults.seen

situation("throttled, refused for the time being and cut off: asked again, and the same bytes")
faults.refusals["*"] = [(503, "RequestLimitExceeded"), (503, "Unavailable"), (200, None), (500, "InternalError")]
faults.refusals["DescribeSecurityGroupRules"] = [(400, "RequestLimitExceeded"), (503, "RequestLimitExceeded")]
_, said = inspect(*north)
assert LIVE.read_bytes() == text
assert "6 of these again" in said, said

situation("throttled for ever: a clear report, and no file of an earlier run")
faults.always["*"] = (503, "RequestLimitExceeded")
view, said = inspect(*north, expect=69)
assert view is None and "error: EC2 refused DescribeSecurityGroups: RequestLimitExceeded\n" in said, said
assert faults.seen["DescribeSecurityGroups"] == 5

situation("only one VPC, tag or group: nothing else is asked for or concluded")
view, _ = inspect(*north, "--vpc", vpc, "--tag", "half=1")
assert {group["tags"]["half"] for group in view["groups"]} == {"1"} and len(view["groups"]) == 25
assert view["gaps"][0]["missing"] == "groups" and view["gaps"][0]["why"] == "not asked for"
web = estate.ids["sg-988c19db6a9f52d62"]
view, _ = inspect("--group", web)
assert [group["id"] for group in view["groups"]] == [web]
assert view["gaps"][0]["except"] == [web]
everything, _ = inspect()
carriers = [i["id"] for i in everything["interfaces"] if web in i["groups"]]
assert [i["id"] for i in view["interfaces"]] == carriers

situation("asked for just the groups of the code: nothing is open; for less of them: the rest is undetermined, not gone")
# The estate as it was before somebody changed it.
estate.change_to(story / "2-correct-web-port")
of_code = [estate.ids[group] for group in ("sg-0975a63965d2e5f09", "sg-5409a196740dafc96", "sg-5adc180858177f2d0")]
inspect("--group", ",".join(of_code))
assert verify(story / "2-correct-web-port", LIVE, estate)["verdict"] == "pass"
inspect("--group", of_code[0])
report = verify(story / "2-correct-web-port", LIVE, estate, expect=2)
assert {row["verdict"] for row in report["rules"]} == {"agree", "undetermined"}
estate.change_to(story / "7-repair")

situation("refused one call of five: the rest stands, and what is missing is said")
before, _ = inspect("--region", "eu-central-1")
for call in CALLS:
    faults.clear()
    faults.always[call] = (403, "UnauthorizedOperation")
    view, said = inspect("--region", "eu-central-1")
    told = gaps(view)
    what = next(name for name in told if name.startswith(call))
    assert told[what][0] == f"EC2 refused {call}: UnauthorizedOperation", told
    assert "Encoded" not in json.dumps(view) + said and "somebody" not in json.dumps(view) + said
    keys = lambda view: {(g["id"], r["protocol"], r["from_port"], r["direction"], json.dumps(r["peer"]))
                         for g in view["groups"] for r in g["rules"]}
    assert keys(view) == keys(before), call
    missing = {"DescribeSecurityGroups": "groups", "DescribeSecurityGroupRules": "details",
               "DescribeNetworkInterfaces": "members", "DescribeInstances": "details",
               "GetManagedPrefixListEntries": "entries"}[call]
    assert told[what][1] == missing, told

situation("refused the instances, whose names decide nothing: the verdicts are the same")
inspect()
want = verify(story / "7-repair", LIVE, estate, expect=1)
faults.always["DescribeInstances"] = (403, "UnauthorizedOperation")
inspect()
same(verify(story / "7-repair", LIVE, estate, expect=1), want)

situation("refused both tellings of the rules: no live view")
for call in CALLS[:2]:
    faults.always[call] = (403, "UnauthorizedOperation")
view, said = inspect(expect=69)
assert view is None and "hint: allow the job's role the action ec2:DescribeSecurityGroups" in said, said

situation("expired credentials, and a region that the account does not have")
for code, words in (("RequestExpired", "have expired"), ("AuthFailure", "not valid in this account or region"),
                    ("OptInRequired", "has not enabled this region")):
    faults.clear()
    faults.always["*"] = (401 if code == "AuthFailure" else 400, code)
    _, said = inspect(expect=69)
    assert f"error: EC2 refused DescribeSecurityGroups: {code}\n" in said and words in said, said
    assert faults.seen["DescribeSecurityGroups"] == 1, "asked again in vain"

situation("an endpoint that hangs: the deadline holds")
faults.hang = 20
began = time.monotonic()
_, said = inspect("--deadline", "1", expect=69)
assert time.monotonic() - began < 5, "waited past the deadline"
assert "DescribeSecurityGroups was not answered when the 1 s for the whole reading were over" in said, said

situation("two accounts and two regions, by roles")
role = "arn:aws:iam::111122223333:role/inspect"
keys = client("sts", "eu-west-1").assume_role(RoleArn=role, RoleSessionName="suite")["Credentials"]
other = client("ec2", "us-east-1", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
               aws_session_token=keys["SessionToken"])
theirs = other.create_security_group(GroupName="theirs", Description="of another account", VpcId=other.describe_vpcs()
                                     ["Vpcs"][0]["VpcId"])["GroupId"]
view, said = inspect("--region", "eu-west-1,us-east-1", "--role", f"own,{role}")
places = {group["id"]: (group["account"], group["region"]) for group in view["groups"]}
assert places[theirs] == ("111122223333", "us-east-1") and places[web] == ("123456789012", "eu-west-1")
assert view["account"] is None and view["region"] is None
faults.always["AssumeRole"] = (403, "AccessDenied")
view, said = inspect("--role", f"own,{role}")
assert gaps(view)[role] == ("STS refused AssumeRole: AccessDenied", "groups"), gaps(view)
_, said = inspect("--role", role, expect=69)
assert "error: STS refused AssumeRole: AccessDenied\nhint: let the role's trust policy" in said, said

situation("without keys: GitLab's identity token for a role")
(WORK / "token").write_text(SECRET)
keyless = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_ROLE_ARN": role,
           "AWS_WEB_IDENTITY_TOKEN_FILE": str(WORK / "token"), "AWS_ROLE_SESSION_NAME": "gitlab-7"}
view, _ = inspect("--region", "us-east-1", **keyless)
assert theirs in [group["id"] for group in view["groups"]]
for code, words in (("InvalidIdentityToken", "check `aud` in id_tokens"), ("ExpiredTokenException", "have expired"),
                    ("AccessDenied", "sts:AssumeRoleWithWebIdentity")):
    faults.always["AssumeRoleWithWebIdentity"] = (400, code)
    _, said = inspect(expect=69, **keyless)
    assert f"error: STS refused AssumeRoleWithWebIdentity: {code}\n" in said and words in said, said

situation("groups used in other VPCs, and rules that name a group which is gone")
faults.items["DescribeSecurityGroupVpcAssociations"] = (
    f"<item><groupId>{web}</groupId><vpcId>vpc-2</vpcId><vpcOwnerId>444455556666</vpcOwnerId>"
    "<state>associated</state></item>")
view, _ = inspect()
assert view["vpc_associations"] == [
    {"group": web, "vpc_id": "vpc-2", "vpc_account": "444455556666", "state": "associated"}]

moto.stop()
print(f"all situations as they must be, in {time.monotonic() - started:.1f} s")
