"""A double of Aliyun OSS, in memory, for tests. It checks signatures and does what the official clients and
the documentation agree on; `oss_sdk_check.py` proves it with both official Python clients.

A bucket is the first label of a host below one of the domains, or the first part of the path of any other
host. Request lines with a whole URL are understood too, so it can stand as a client's HTTP proxy. Answers
have no XML namespace, as the service's own have none.

`/__double__/log` (GET), `/fault`, `/reset` (POST) and `/uploads` (GET) below the same path serve tests.
"""
import argparse
import json
import re
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from oss_operations import Operations, State
from oss_signatures import Checker, OssError


class Request:
    """A request taken apart."""

    def __init__(self, handler, body, settings):
        self.method, self.headers, self.body = handler.command, handler.headers, body
        url = urlsplit(handler.path)
        pairs = (pair.partition("=")[::2] for pair in url.query.split("&") if pair)
        self.pairs = [(unquote(name), unquote(value)) for name, value in pairs]
        self.query = dict(self.pairs)
        host = (url.netloc or self.headers.get("Host", "")).lower()
        host = re.sub(r":\d+$", "", host)
        path = (url.path or "/")[1:]
        bucket, _, key = path.partition("/")
        self.second_level = host in settings.domain and bool(bucket)
        for domain in settings.domain:
            if host.endswith("." + domain):
                bucket, key = host[: -len(domain) - 1], path
        self.bucket, self.key = unquote(bucket), unquote(key)

    def resource(self):
        return f"/{self.bucket}/{self.key}" if self.bucket else "/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "AliyunOSS", ""
    state: State
    settings: argparse.Namespace

    def log_message(self, *arguments):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            if len(body) != length:
                raise ConnectionError("the body is short")
            return body
        body = bytearray()
        while True:
            length = int(self.rfile.readline().split(b";")[0], 16)
            if length == 0:
                while self.rfile.readline().strip():
                    pass
                return bytes(body)
            body += self.rfile.read(length)
            self.rfile.readline()

    def record(self):
        """Puts the request into the log, once; before its answer, so that who has the answer finds it there."""
        entry, self.entry = self.entry, None
        if entry is not None:
            with self.state.lock:
                self.state.log.append(entry)

    def reply(self, status, body=b"", content_type="application/xml", headers=None):
        self.record()
        if self.lose_answer:
            self.close_connection = True
            return
        body = body.encode() if isinstance(body, str) else body
        headers = {**(headers or {}), "x-oss-request-id": self.request_id}
        self.send_response(status)
        if body or self.command == "HEAD":
            headers.setdefault("Content-Type", content_type)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def xml(self, root, inner, status=200, headers=None):
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'
        self.reply(status, text, headers=headers)

    def handle_request(self):
        self.request_id, self.lose_answer = uuid.uuid4().hex[:24].upper(), False
        self.corrupt = False
        entry = {"method": self.command, "path": self.path, "op": None, "signature": None, "status": 200}
        entry["headers"] = {
            name.lower(): value for name, value in self.headers.items() if name.lower() != "authorization"
        }
        self.entry = None
        if self.path.startswith("/__double__/"):
            return self.control(self.path.rsplit("/", 1)[1], self.read_body())
        self.entry = entry
        try:
            body = self.read_body()
            entry["bytes"] = len(body)
            request = Request(self, body, self.settings)
            if request.second_level:
                message = "Address the bucket by the specified third level domain."
                raise OssError(403, "SecondLevelDomainForbidden", message)
            checker = Checker(self.settings)
            entry["signature"] = checker.check(request)
            operations = Operations(self.state, self.settings, request, self)
            entry["op"], operation = operations.route()
            if not self.broken(self.state.fault(entry["op"])):
                operation()
        except OssError as error:
            entry["status"] = error.status
            fields = {"Code": error.code, "Message": error.message, "RequestId": self.request_id, **error.fields}
            headers = {name: str(value) for name, value in fields.items() if name.startswith("x-oss-")}
            inner = "".join(
                f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items() if name not in headers
            )
            self.xml("Error", inner, error.status, headers)
        finally:
            self.record()

    def broken(self, fault):
        """Does what a fault says; true when nothing else is to be done."""
        if not fault:
            return False
        if fault.get("delay"):
            time.sleep(fault["delay"])
        if fault.get("drop"):
            self.close_connection = True
            return True
        self.lose_answer = bool(fault.get("lose_answer"))
        self.corrupt = bool(fault.get("corrupt"))
        if fault.get("status"):
            raise OssError(fault["status"], fault.get("code") or "InternalError")
        return False

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request

    def control(self, what, body):
        state, answer = self.state, {}
        with state.lock:
            if what == "log":
                answer = list(state.log)
            elif what == "fault":
                state.faults.append(json.loads(body))
            elif what == "uploads":
                answer = {id: upload.key for id, upload in state.uploads.items()}
            elif what == "reset":
                state.log.clear()
                state.faults.clear()
        self.reply(200, json.dumps(answer), "application/json")


def settings(arguments=None):
    parser = argparse.ArgumentParser(description="A double of Aliyun OSS for tests")
    parser.add_argument("--port", type=int, default=19800)
    parser.add_argument("--key", default="testkey")
    parser.add_argument("--secret", default="testsecret123")
    parser.add_argument("--token", help="the session token that requests must have")
    parser.add_argument("--region", default="cn-test")
    parser.add_argument("--domain", action="append", help="hosts that buckets stand before")
    parser.add_argument("--bucket", action="append", default=[])
    parser.add_argument("--signatures", default="v1,v4", help="the versions that are taken")
    parser.add_argument("--skew", type=int, default=900, help="seconds that clocks may differ")
    parser.add_argument("--clock-ahead", type=int, default=0, help="seconds this clock is ahead")
    parser.add_argument("--versioned", action="store_true", help="keep versions: overwriting is never forbidden")
    found = parser.parse_args(arguments)
    found.domain = found.domain or [f"oss-{found.region}.aliyuncs.com"]
    found.signatures = found.signatures.split(",")
    return found


def serve():
    Handler.settings = settings()
    Handler.state = State(Handler.settings.bucket)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", Handler.settings.port), Handler)
    server.serve_forever()


if __name__ == "__main__":
    serve()
