"""A real S3 server (SeaweedFS, which a Python package brings) on loopback, with its data in a temporary folder.

Its address is chosen and told to this process's environment when this module is imported, so that whatever is started
later reaches it; the server itself starts when a test first asks for it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

OWNER, READER = ("AKOWNER", "owner-of-all"), ("AKREADER", "reads-only")
_GRPC = 10_000
"""SeaweedFS listens for gRPC at each of its ports plus this."""
_EPHEMERAL = 32_768
"""From here on Linux takes ports for connections that go out: one that is free now may be taken a moment later."""
_STARTS_WITHIN = 60


_SERVICES = ("s3", "master", "volume", "filer")


def _free_ports() -> dict[str, int]:
    """Free ports in a row, with their neighbours for gRPC; processes side by side begin to look elsewhere."""
    for first in range(11_000 + os.getpid() % 1_000 * 10, _EPHEMERAL - _GRPC, len(_SERVICES)):
        ports = range(first, first + len(_SERVICES))
        with ExitStack() as held:
            try:
                for port in (*ports, *(port + _GRPC for port in ports)):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return dict(zip(_SERVICES, ports, strict=True))
    raise RuntimeError("no ports are free")


_PORTS = _free_ports()
PORT = _PORTS["s3"]
ENDPOINT = f"http://127.0.0.1:{PORT}"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": OWNER[0],
    "AWS_SECRET_ACCESS_KEY": OWNER[1],
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": ENDPOINT,
    # What the product tells an engine that it starts for a root on S3; the tests' engine starts before there is one.
    "AWS_ENDPOINT": ENDPOINT,
    "AWS_ALLOW_HTTP": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
}
os.environ.update(ENVIRONMENT)


def client(who: tuple[str, str] = OWNER) -> Any:
    """A client of its own, which knows nothing of the product's."""
    path_style = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, aws_access_key_id=who[0], aws_secret_access_key=who[1], config=path_style
    )


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """The server, with its data in the folder."""
    identities = [
        {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
        for name, (key, secret), actions in (
            ("owner", OWNER, ["Admin", "Read", "Write", "List", "Tagging"]),
            ("reader", READER, ["Read", "List"]),
        )
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    ports = [f"-{name}.port={port}" for name, port in _PORTS.items()]
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    # A bucket takes a volume and more. By default there are as few as the disk has room for at 1 GB each; then every
    # put is answered with InternalError.
    volumes = ["-volume.max=2000", "-master.volumeSizeLimitMB=64"]
    others = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]  # at ports of their own
    fixed = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", *others, *volumes]
    command = [weed, "mini", f"-dir={folder}", f"-s3.config={folder / 's3.json'}", *fixed, *ports]
    with (folder / "weed.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        await_ready(lambda: server.poll() is None, lambda: (folder / "weed.log").read_text())
        yield
    finally:
        server.kill()  # it takes ten seconds to leave in order, and leaves nothing that anyone needs
        server.wait(timeout=30)


def await_ready(alive: Callable[[], bool], log: Callable[[], str]) -> None:
    """Until a bucket can be made and written to."""
    until, owner = time.monotonic() + _STARTS_WITHIN, client()
    while time.monotonic() < until and alive():
        try:
            owner.create_bucket(Bucket="ready")
            owner.put_object(Bucket="ready", Key="ready", Body=b"")
        except (BotoCoreError, ClientError):
            time.sleep(0.2)
            continue
        return
    raise RuntimeError(f"the S3 server did not start: {log()[-2000:]}")
