"""Holds messages to the block classes of Slack's own Python SDK.

    python check.py FOLDER FILE...

FOLDER has what `cargo test -p portcullis-messages` leaves; each FILE holds an array of messages.
"""

import json
import pathlib
import sys

from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata


def problems(message):
    """What the SDK says against a message."""
    try:
        for block in message["blocks"]:
            parsed = Block.parse(block)
            if parsed is None or type(parsed) is Block:
                yield f"a block of type {block.get('type')} is not known"
                continue
            parsed.validate_json()
            missing = lost(block, parsed.to_dict())
            if missing:
                yield f"the SDK does not know {missing} in {block['type']}"
        if "metadata" in message:
            Metadata(**message["metadata"]).validate_json()
    except Exception as error:  # Whatever the SDK raises is against the message.
        yield f"{type(error).__name__}: {error}"


def lost(sent, understood, at=""):
    """The first member that was sent and not understood."""
    if isinstance(sent, dict) and isinstance(understood, dict):
        for name, value in sent.items():
            if name not in understood:
                return f"{at}/{name}"
            deeper = lost(value, understood[name], f"{at}/{name}")
            if deeper:
                return deeper
    elif isinstance(sent, list) and isinstance(understood, list):
        if len(sent) != len(understood):
            return f"{at}: {len(sent)} elements, {len(understood)} understood"
        for n, (one, other) in enumerate(zip(sent, understood)):
            deeper = lost(one, other, f"{at}/{n}")
            if deeper:
                return deeper
    elif sent != understood:
        return f"{at}: {sent!r}, understood as {understood!r}"
    return None


def main(folder, *files):
    messages = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for pattern in ("*.slack.json", "*.slack-alone.json")
        for path in sorted(pathlib.Path(folder).glob(pattern))
    }
    for file in files:
        for n, message in enumerate(json.loads(pathlib.Path(file).read_text(encoding="utf-8"))):
            messages[f"{file} [{n}]"] = message
    if len(messages) < 20:
        sys.exit(f"only {len(messages)} messages: were the tests run?")
    found = [f"{name}: {said}" for name, message in messages.items() for said in problems(message)]
    # An SDK that took anything would pass all of that.
    header = {"type": "plain_text", "text": "x" * 151}
    for wrong in ({"type": "header", "text": header}, {"type": "marquee"}, {"type": "section"}):
        if not list(problems({"blocks": [wrong]})):
            found.append(f"the SDK takes a {wrong['type']} that Slack would refuse")
    print(f"slack_sdk: {len(messages)} messages")
    if found:
        sys.exit("\n".join(found[:20]))


main(*sys.argv[1:])
