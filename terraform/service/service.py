"""The estate's web service: a few JSON answers, with Python's standard library and nothing else.

Settings come from the environment: SERVICE_NAME, SERVICE_PORT, and, where there is something to fetch, BACK_URL
and PICTURE_URL.

    GET /          who answers, and which pages there are
    GET /health    {"status": "ok"}
    GET /back      what the back host answers (front host only)
    GET /picture   the picture, read from the bucket (front host only)
"""

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_SECONDS = 5
PICTURE_LIMIT_BYTES = 10 * 1024 * 1024


def fetch(url):
    """The body and content type of another server's answer."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read(PICTURE_LIMIT_BYTES), answer.headers.get_content_type()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = TIMEOUT_SECONDS

    def version_string(self):
        return "estate"

    def do_GET(self):
        page = self.path.partition("?")[0]
        settings = self.server.settings
        if page == "/":
            pages = ["/", "/health"]
            pages += ["/back"] if settings["back_url"] else []
            pages += ["/picture"] if settings["picture_url"] else []
            self.answer_json(200, {"service": settings["name"], "status": "ok", "pages": pages})
        elif page == "/health":
            self.answer_json(200, {"status": "ok"})
        elif page == "/back" and settings["back_url"]:
            self.pass_on(settings["back_url"] + "/health")
        elif page == "/picture" and settings["picture_url"]:
            self.pass_on(settings["picture_url"])
        else:
            self.answer_json(404, {"error": "no such page"})

    do_HEAD = do_GET

    def pass_on(self, url):
        try:
            body, kind = fetch(url)
        except (urllib.error.URLError, OSError) as error:
            self.log_message("could not fetch %s: %s", url, error)
            self.answer_json(502, {"error": "the server behind this one did not answer"})
            return
        self.answer(200, kind, body)

    def answer_json(self, status, value):
        self.answer(status, "application/json", json.dumps(value).encode() + b"\n")

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main():
    """Serves until it is stopped."""
    try:
        port = int(os.environ["SERVICE_PORT"])
    except (KeyError, ValueError):
        sys.exit("SERVICE_PORT must be set to a port number")
    server = ThreadingHTTPServer((os.environ.get("SERVICE_ADDRESS", "0.0.0.0"), port), Handler)
    server.settings = {
        "name": os.environ.get("SERVICE_NAME", "estate"),
        "back_url": os.environ.get("BACK_URL", ""),
        "picture_url": os.environ.get("PICTURE_URL", ""),
    }
    server.serve_forever()


if __name__ == "__main__":
    main()
