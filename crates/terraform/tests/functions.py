#!/usr/bin/env python3
"""Asks the real `terraform console` what each expression in functions.txt comes to.

    functions.py          compares, and ends with 1 where the answers differ
    functions.py update   writes the answers anew

A line is EXPRESSION => ANSWER, the answer as JSON, or `refused`. Lines that start with # are remarks.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

table = pathlib.Path(__file__).with_name("functions.txt")
lines = table.read_text().splitlines()
expressions = [line.rsplit(" => ", 1)[0] for line in lines if line and not line.startswith("#")]


def answer(expression):
    with tempfile.TemporaryDirectory() as folder:
        script = f"jsonencode({expression})\n"
        run = subprocess.run(["terraform", "console"], cwd=folder, input=script, capture_output=True, text=True)
    if run.returncode != 0:
        return "refused"
    # The answer is a text as HCL writes it, which is JSON but for two more escapes.
    return json.loads(run.stdout.replace("$${", "${").replace("%%{", "%{"))


version = json.loads(subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True).stdout)
new = [f"# Answers of `terraform console`, Terraform {version['terraform_version']}; see functions.py."]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    new += [f"{expression} => {found}" for expression, found in zip(expressions, pool.map(answer, expressions))]
if sys.argv[1:] == ["update"]:
    table.write_text("\n".join(new) + "\n")
    sys.exit()
different = [f"expected {old}\ngot      {now}" for old, now in zip(lines[1:], new[1:]) if old != now]
print("\n".join(different) or f"{len(new) - 1} expressions: terraform {version['terraform_version']} agrees")
sys.exit(1 if different else 0)
