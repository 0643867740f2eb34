"""A proxy before the S3 server, whose next answers go wrong: refused, throttled, cut, or lost after their effect."""

from __future__ import annotations

import http.client
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests import s3_server

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_HOP = {"transfer-encoding", "connection"}


class Proxy(ThreadingHTTPServer):
    """`faults`: what happens to the next requests, in order; `seen`: their methods; `asked`: methods and paths."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.faults: deque[str] = deque()
        self.asked: list[tuple[str, str]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut on purpose is no news."""

    @property
    def seen(self) -> list[str]:
        return [method for method, _ in self.asked]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path))
        fault = self.server.faults.popleft() if self.server.faults else ""
        if fault == "refused":
            self._answer(403, {}, DENIED)
            return
        if fault == "throttled":
            self._answer(503, {}, SLOW_DOWN)
            return
        if fault == "cut":
            self.close_connection = True
            return
        status, headers, content = self._asked(body)
        if fault == "lost":
            self.close_connection = True
            return
        self._answer(status, headers, content)

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        server = http.client.HTTPConnection("127.0.0.1", s3_server.PORT, timeout=30)
        server.request(self.command, self.path, body, dict(self.headers))
        answer = server.getresponse()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
        content = answer.read()
        server.close()
        return answer.status, headers, content

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _forward  # noqa: N815 - the library's names


@contextmanager
def proxied() -> Iterator[Proxy]:
    proxy = Proxy()
    serving = Thread(target=proxy.serve_forever)
    serving.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        serving.join()
        proxy.server_close()
