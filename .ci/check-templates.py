"""Holds the pipeline templates to what GitLab's schema does not see, and writes them, with the defaults of their inputs
filled in, as plain files for that schema: check-templates.py OUT TEMPLATE…

Needs ruamel.yaml, which check-jsonschema brings, and the binaries in target/debug, or where PORTCULLIS_BINARIES says.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

INPUT = re.compile(r"\$\[\[\s*inputs\.(\w+)\s*\]\]")
NO_JOBS = {"spec", "include", "stages", "variables", "workflow", "default"}
BINARIES = os.environ.get("PORTCULLIS_BINARIES", "target/debug")
yaml = YAML(typ="safe")


def fail(why):
    sys.exit(f"check-templates: {why}")


def filled(value, inputs):
    """The value with inputs in their places; GitLab fills in texts only, and a text that is one input keeps its type."""
    if isinstance(value, dict):
        return {filled(key, inputs): filled(inner, inputs) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, inputs) for inner in value]
    if not isinstance(value, str):
        return value
    whole = INPUT.fullmatch(value)
    return inputs[whole[1]] if whole else INPUT.sub(lambda found: str(inputs[found[1]]), value)


def read(path):
    """Header and body of a template."""
    documents = list(yaml.load_all(path.read_text()))
    if len(documents) != 2 or "spec" not in documents[0]:
        fail(f"{path}: a header with `spec` and a body, and nothing else")
    return documents[0]["spec"]["inputs"], documents[1]


def with_includes(path, given):
    """The bodies of the template and of all it includes, filled in."""
    declared, body = read(path)
    for name, spec in declared.items():
        if "default" not in spec and name not in given:
            fail(f"{path}: nothing is given for {name}")
        if not spec.get("description"):
            fail(f"{path}: {name} has no description")
        value = given.get(name, spec.get("default"))
        if "options" in spec and value not in spec["options"]:
            fail(f"{path}: {name} cannot be {value}")
        if "regex" in spec and "$" not in str(value) and not re.search(spec["regex"], str(value)):
            fail(f"{path}: {name} cannot be {value}")
    used = set(INPUT.findall(json.dumps(body)))
    if used != set(declared):
        fail(f"{path}: inputs declared and not used, or used and not declared: {sorted(used ^ set(declared))}")
    inputs = {name: given.get(name, spec.get("default")) for name, spec in declared.items()}
    body = filled(body, inputs)
    bodies = []
    for include in body.pop("include", []):
        inner = Path(include["local"].lstrip("/"))
        inner_declared, _ = read(inner)
        passed = set(include.get("inputs", {}))
        # A stage keeps its name in the whole pipeline; all else is passed on.
        stages = {name for name in inner_declared if name == "stage" or name.endswith("_stage")}
        wanted = set(inner_declared) - stages
        if passed - stages != wanted:
            fail(f"{path}: to {inner} it does not pass, or passes in vain: {sorted(passed - stages ^ wanted)}")
        for name in passed & set(declared):
            if declared[name] != inner_declared[name]:
                fail(f"{path}: {name} is another than in {inner}")
        bodies += with_includes(inner, include["inputs"])
    return [*bodies, body]


def extended(name, jobs):
    """The job with what it extends, as far as the checks below look at it."""
    parents = jobs[name].get("extends", [])
    job = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        job |= extended(parent, jobs)
    return job | jobs[name]


helps = {}


def help_of(*command):
    if command not in helps:
        program, *rest = command
        done = subprocess.run([f"{BINARIES}/{program}", *rest, "--help"], capture_output=True, text=True, check=True)
        helps[command] = done.stdout
    return helps[command]


def check_commands(path, name, script):
    """Every program of ours exists, with its options and events."""
    for line in script:
        for command in re.split(r"\|\||&&|;|\n(?!\s)", line.replace("\\\n", " ")):
            words = shlex.split(command)
            if not words or not words[0].startswith("portcullis-"):
                continue
            program, *arguments = words
            # Without options here, and with the AWS SDK to build.
            known = "" if program == "portcullis-inspect" else help_of(program)
            if program == "portcullis-fan-out":
                known = help_of(program, arguments[0])
            for word in arguments:
                option = word.split("=")[0]
                if option.startswith("--") and not re.search(rf"(?m)^\s+(-\w, )?{option}\b", known):
                    fail(f"{path}: {name}: {program} has no {option}")
            if program == "portcullis-notify" and not re.search(rf"(?m)^ +- {re.escape(arguments[0])}:", known):
                fail(f"{path}: {name}: {program} knows no event {arguments[0]}")


def check_trigger(path, name, job):
    """A child pipeline is waited for, and gets no variable but its image and the number of its parent."""
    forward = job["trigger"].get("forward", {})
    inherited = job.get("inherit", {}).get("variables", True)
    handed = {*job.get("variables", {}), *(inherited or [])} if inherited is not True else {"all"}
    if "strategy" not in job["trigger"]:
        fail(f"{path}: {name} does not follow its child pipeline")
    if handed - {"PORTCULLIS_IMAGE", "PORTCULLIS_PARENT_PIPELINE"}:
        fail(f"{path}: {name} hands variables to its child pipeline")
    if forward.get("pipeline_variables") is not False:
        fail(f"{path}: {name} hands the variables of whoever started the pipeline to its child")


def whens(job):
    """When the job may run, over all its rules; a rule that says nothing leaves it to the job."""
    own = job.get("when", "on_success")
    return {rule.get("when", own) for rule in job.get("rules", [{}])} - {"never"}


def check_retries(path, jobs, stages):
    """A job that is played again takes up what was skipped after it, and nothing that ran already. A job that always runs
    would have run after the failure; what comes after it and waits for its success would then never hear of the second try."""
    always = [(name, job) for name, job in jobs if "always" in whens(job)]
    for name, job in jobs:
        for before, upstream in always:
            if "on_success" in whens(job) and stages.index(upstream["stage"]) < stages.index(job["stage"]):
                fail(f"{path}: {name} waits for {before}, which always runs, and would not run again")


def merged(one, other):
    """As GitLab merges what is included with what includes it: by key, all the way down."""
    both = dict(one)
    for key, value in other.items():
        deeper = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = merged(both[key], value) if deeper else value
    return both


def check(path, out):
    whole = {}
    for body in with_includes(path, {}):
        whole = merged(whole, body)
    jobs = {name: job for name, job in whole.items() if name not in NO_JOBS}
    stages = whole.get("stages")
    for name in [name for name in jobs if not name.startswith(".")]:
        job = extended(name, jobs)
        if stages and job["stage"] not in [".pre", *stages, ".post"]:
            fail(f"{path}: {name}: there is no stage {job['stage']}")
        for before in job.get("dependencies", []):
            if stages.index(extended(before, jobs)["stage"]) >= stages.index(job["stage"]):
                fail(f"{path}: {name} takes files from {before}, which is not before it")
        for need in job.get("needs", []):
            # Another pipeline's jobs are not to be seen here.
            if isinstance(need, dict) and "pipeline" in need:
                continue
            if (need if isinstance(need, str) else need["job"]) not in jobs:
                fail(f"{path}: {name} needs a job that is not there")
        if "trigger" in job:
            check_trigger(path, name, job)
            continue
        if job["artifacts"].get("access") not in (None, "developer"):
            fail(f"{path}: {name}: artifacts are for developers, unless an input says otherwise")
        check_commands(path, name, job.get("script", []))
    if stages:
        plain = [name for name in jobs if not name.startswith(".")]
        check_retries(path, [(name, extended(name, jobs)) for name in plain], [".pre", *stages, ".post"])
    if path.name == "pipeline.yml" and stages[-1] != extended("finish", jobs)["stage"]:
        fail("the job finish is not in the last stage")
    text = json.dumps(whole, indent=2)
    (out / f"{path.stem}.json").write_text(text)
    print(f"{path}: {len([name for name in jobs if not name.startswith('.')])} jobs")


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for template in sys.argv[2:]:
    check(Path(template), folder)
