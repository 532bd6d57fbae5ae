"""A proxy in front of moto: it pages answers as EC2 does, and fails where a test says so.

moto answers with all items at once, whatever MaxResults says, and does not know two of the calls.
"""

import collections
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The element that holds an answer's items.
SETS = {
    "DescribeSecurityGroups": "securityGroupInfo",
    "DescribeSecurityGroupRules": "securityGroupRuleSet",
    "DescribeNetworkInterfaces": "networkInterfaceSet",
    "DescribeInstances": "reservationSet",
    "GetManagedPrefixListEntries": "entrySet",
}

# What moto does not know, with as many items as a test puts here (EC2 API reference: the elements' names).
OWN_SETS = {
    "DescribeSecurityGroupVpcAssociations": "securityGroupVpcAssociationSet",
    "DescribeStaleSecurityGroups": "staleSecurityGroupSet",
}


class Faults:
    """What the proxy does, and what it saw."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.refusals = {}  # action -> list of (status, code); "*" is any; None as code cuts the connection
        self.always = {}  # action -> (status, code)
        self.largest_page = 1000
        self.empty_first = False  # each listing begins with an empty page and a token
        self.hang = None  # seconds before any answer
        self.listings = {}
        self.items = collections.defaultdict(str)  # for OWN_SETS: XML
        self.seen = collections.Counter()
        self.largest_ask = 0
        self.record = None  # list of (action, XML)

    def fault(self, action):
        for name in (action, "*"):
            if self.refusals.get(name):
                return self.refusals[name].pop(0)
        return self.always.get(action) or self.always.get("*")


def items_of(xml, tag):
    """The items directly under the element `tag`, and the text before and after them."""
    start = re.search(rf"<{tag}\s*(/?)>", xml)
    if start is None:
        return None
    if start.group(1):
        return xml[: start.start()] + f"<{tag}>", [], f"</{tag}>" + xml[start.end() :]
    depth, at, begin, items = 0, start.end(), None, []
    for match in re.compile(r"<(/?)([A-Za-z]+)[^>]*?(/?)>").finditer(xml, at):
        close, name, alone = match.groups()
        if close and name == tag and depth == 0:
            return xml[:at], items, xml[match.start() :]
        if close:
            depth -= 1
            if depth == 0:
                items.append(xml[begin : match.end()])
        elif alone:
            if depth == 0:
                items.append(match.group(0))
        else:
            if depth == 0:
                begin = match.start()
            depth += 1
    raise ValueError(f"{tag} does not end")


def refusal(action, code):
    words = "Not for User: arn:aws:iam::123456789012:user/somebody. Encoded authorization failure message: c2VjcmV0"
    error = f"<Error><Code>{code}</Code><Message>{words}</Message></Error>"
    if action.startswith("AssumeRole"):
        return f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
    return f"<Response><Errors>{error}</Errors><RequestID>0</RequestID></Response>"


def handler(target, faults):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, xml):
            body = xml.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
            action = asked.get("Action", "")
            faults.seen[action] += 1
            if faults.hang:
                time.sleep(faults.hang)
            fault = faults.fault(action)
            if fault:
                status, code = fault
                if code is None:
                    self.close_connection = True
                    return
                self.answer(status, refusal(action, code))
                return
            wanted = int(asked.pop("MaxResults", 10**9))
            faults.largest_ask = max(faults.largest_ask, wanted if wanted < 10**9 else 0)
            size = min(wanted, faults.largest_page)
            token = asked.pop("NextToken", None)
            listing = (self.headers.get("Host"), self.headers.get("Authorization", "")[:80], tuple(sorted(asked.items())))
            if token and listing in faults.listings:
                status, xml = 200, faults.listings[listing]
            elif action in OWN_SETS:
                tag = OWN_SETS[action]
                status, xml = 200, f"<{action}Response><{tag}>{faults.items[action]}</{tag}></{action}Response>"
            else:
                status, xml = self.forward(asked)
            tag = SETS.get(action) or OWN_SETS.get(action)
            parts = items_of(xml, tag) if status == 200 and tag else None
            if parts:
                # The pages of a listing are those of one moment, and moto is slow with many rules.
                faults.listings[listing] = xml
                before, items, after = parts
                xml = before + self.page(items, token, size, after)
            if faults.record is not None:
                faults.record.append((action, xml))
            self.answer(status, xml)

        def page(self, items, token, size, after):
            after = re.sub(r"<nextToken\s*/>|<nextToken>.*?</nextToken>", "", after)
            if token is None and faults.empty_first:
                at, size = 0, 0
            else:
                at = int(token.removeprefix("token-")) if token else 0
            end = at + size
            more = end < len(items) or (size == 0 and items == [])
            set_end = after.index(">") + 1
            next_token = f"<nextToken>token-{end}</nextToken>" if more else ""
            return "".join(items[at:end]) + after[:set_end] + next_token + after[set_end:]

        def forward(self, asked):
            # moto knows this filter by the name that it has for the first interface of an instance only.
            asked = {name: value.replace("network-interface.group-id", "instance.group-id") for name, value in asked.items()}
            request = urllib.request.Request(target, urllib.parse.urlencode(asked).encode(), method="POST")
            for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
                if self.headers.get(name):
                    request.add_header(name, self.headers[name])
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
            request.add_header("Host", self.headers["Host"])
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

    return Handler


def start(target):
    """A proxy in front of `target`: its address and its faults."""
    faults = Faults()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(target, faults))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}", faults
