"""Shows a folder of pages to this machine alone. It reads; it answers nothing but GET and HEAD."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from spark_app.errors import UsageError

_LOOPBACK = "127.0.0.1"


class _Pages(SimpleHTTPRequestHandler):
    def list_directory(self, path: object) -> None:  # noqa: ARG002 - it lists none
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing: a page's visitors are no news."""

    def send_head(self) -> Any:
        """Only for whoever asks this machine by its own name: a page elsewhere may have its name point here."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in (_LOOPBACK, "localhost"):
            self.send_error(403)
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()


def serve(folder: Path, address: str, port: int, started: Callable[[str], None]) -> None:
    """Serves until interrupted; tells the address first. Raises UsageError when the port is taken.

    `address` is what it listens on: loopback, or, in a container whose port is published to loopback, all.
    """
    try:
        server = ThreadingHTTPServer((address, port), partial(_Pages, directory=str(folder)))
    except OSError as error:
        raise UsageError(
            f"Port {port} cannot be used", why=error.strerror or "", next_step="Give another: --port 0 takes any."
        ) from error
    with server:
        started(f"http://{_LOOPBACK}:{server.server_address[1]}/")
        server.serve_forever()
