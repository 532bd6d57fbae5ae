#!/usr/bin/env python3
"""Grows a recorded plan: everything in it again and again, each time in a module of its own.

    benches/grow.py fixtures/rule-styles/1-create/plan.json 770 > large.json

The first copy is the recording itself, so that a gate must find the same in it as before. What it prints is compact, as
terraform's own JSON is. Python 3.9 or later, nothing else.
"""

import copy
import json
import sys


def moved(change, prefix):
    """A change, one module further down."""
    out = copy.deepcopy(change)
    out["address"] = f"{prefix}.{out['address']}"
    for key in ("module_address", "previous_address"):
        if key in out:
            out[key] = f"{prefix}.{out[key]}"
    out.setdefault("module_address", prefix)
    return out


def add_values(root, module, prefix):
    """Adds a copy of a `values` module, with all its addresses, below `root`."""
    resources = copy.deepcopy(module)
    stack = [resources]
    while stack:
        here = stack.pop()
        for resource in here.get("resources", []):
            resource["address"] = f"{prefix}.{resource['address']}"
        if "address" in here:
            here["address"] = f"{prefix}.{here['address']}"
        stack.extend(here.get("child_modules", []))
    resources["address"] = prefix
    root.setdefault("child_modules", []).append(resources)


def grow(plan, times):
    out = copy.deepcopy(plan)
    for number in range(1, times):
        name = f"copy_{number:05}"
        prefix = f"module.{name}"
        for section in ("planned_values", "prior_state"):
            source = plan.get(section, {})
            source = source.get("values", source).get("root_module")
            if source:
                target = out[section]
                add_values(target.get("values", target)["root_module"], source, prefix)
        for section in ("resource_changes", "resource_drift"):
            out.get(section, []).extend(moved(change, prefix) for change in plan.get(section, []))
        for attribute in plan.get("relevant_attributes", []):
            out["relevant_attributes"].append({**attribute, "resource": f"{prefix}.{attribute['resource']}"})
        root = plan.get("configuration", {}).get("root_module")
        if root:
            calls = out["configuration"]["root_module"].setdefault("module_calls", {})
            calls[name] = {"source": "./copy", "module": copy.deepcopy(root)}
    return out


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or int(sys.argv[2]) < 1:
        sys.exit("usage: grow.py PLAN.json TIMES > LARGE.json")
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    json.dump(grow(plan, int(sys.argv[2])), sys.stdout, separators=(",", ":"), ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
