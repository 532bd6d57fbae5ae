"""Holds JUnit reports against Jenkins' schema, and reads them with junitparser.

    check-junit.py SCHEMA REPORT...

Beside each REPORT lies the report's own JSON document, as NAME.json: what junitparser finds must be what stands there.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import junitparser
import xmlschema


def check(schema, path):
    root = ElementTree.parse(path).getroot()
    # GitLab reads this attribute (documentation, "Unit test reports"); Jenkins' schema does not have it.
    for case in root.iter("testcase"):
        case.attrib.pop("file", None)
    schema.validate(root)

    kinds = {junitparser.Failure: "violation", junitparser.Error: "undetermined", junitparser.Skipped: "waived"}
    found, cases = Counter(), 0
    for suite in junitparser.JUnitXml.fromfile(str(path)):
        cases += suite.tests
        assert suite.tests == len(list(suite)), f"{path}: the suite's count is wrong"
        for case in suite:
            found.update(kinds[type(result)] for result in case.result)
    assert cases > 0, f"{path}: an empty report"

    wanted = Counter()
    for finding in json.loads(path.with_suffix(".json").read_text())["findings"]:
        if finding["waived"]:
            wanted["waived"] += 1
        elif finding["verdict"] != "pass":
            wanted[finding["verdict"]] += 1
    assert found == wanted, f"{path}: {found}, but the document has {wanted}"
    print(f"{path.name}: valid, {cases} test cases, {dict(found)}")


schema = xmlschema.XMLSchema(sys.argv[1])
for report in sys.argv[2:]:
    check(schema, Path(report))
