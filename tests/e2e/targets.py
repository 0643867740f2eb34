"""The targets that have an image, how a run is started in each, and lakes that a container can reach."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr.request import request
from spark_app import __version__
from spark_app.storage.at import place_at
from spark_app.storage.place import Place

NOW = "2026-11-01T00:00:00Z"
_USER = 12345
"""Any number: no image knows it."""
EMR_BASES = os.environ.get("EMR_BASES", "public.ecr.aws/emr-serverless/spark/%:latest")
_DRIVER = "spark.emr-serverless.driverEnv."
_READ_ONLY = {"read_only": True, "tmpfs": {"/tmp": "rw,noexec,size=512m"}}  # as `docker run` mounts it


@dataclass(frozen=True)
class Target:
    """An image, how a run is started in it before its own options, and the storage that its tests use."""

    name: str
    image: str
    engine: str
    line: str = "4.1"
    command: tuple[str, ...] = ("run",)
    on: tuple[str, ...] = ("folder", "s3")
    user: int = _USER
    environment: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def _submitted() -> tuple[tuple[str, ...], dict[str, str]]:
    """What EMR Serverless makes of the request: spark-submit with its settings, and the driver's environment. The
    memory is this machine's."""
    asked = request("00app", "arn:role", "shop", "us-east-1", "run", archive=False)["jobDriver"]["sparkSubmit"]
    told = dict(part.split("=", 1) for part in asked["sparkSubmitParameters"].split("--conf ")[1:])
    driver = {name.removeprefix(_DRIVER): value.strip() for name, value in told.items() if name.startswith(_DRIVER)}
    settings = {name: value.strip() for name, value in told.items() if not name.startswith(_DRIVER)}
    settings |= {"spark.driver.memory": "1g", "spark.executor.memory": "1g"}
    confs = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    return ("spark-submit", "--master", "local[2]", *confs, asked["entryPoint"]), driver


def _emr(name: str, release: str, on: tuple[str, ...]) -> Target:
    """Its user is fixed by AWS: hadoop, 1000 in the bases that stand in."""
    command, environment = _submitted()
    image = f"lakehouse-emr:{__version__}-{release}"
    line = "3.5" if release.startswith("emr-7") else "4.1"
    return Target(name, image, "spark", line, command, on, 1000, environment)


TARGETS = (
    Target("embedded", f"lakehouse:{__version__}", "sail", extra=_READ_ONLY | {"mem_limit": "2g"}),
    Target("slim", f"lakehouse:{__version__}-slim", "sail", on=("folder",)),
    Target("spark", f"lakehouse:{__version__}-spark", "spark", extra=_READ_ONLY | {"mem_limit": "2g"}),
    _emr("emr-8", "emr-spark-8.1.0", on=("s3",)),
    _emr("emr-7", "emr-7.14.0", on=("folder",)),  # PyPI's Spark 3.5, of which its stand-in is made, has no S3A
)


def in_folder(target: Target, source: Path, scratch: Path) -> tuple[Place, dict[str, Any]]:
    """A lake with the input in raw that belongs to the target's user; no network."""
    root = scratch / "lake"
    shutil.copytree(source, root)
    user = target.user if os.getuid() == 0 else os.getuid()  # only root gives its files away
    for path in (root, *root.rglob("*")):
        os.chown(path, user, user if os.getuid() == 0 else -1)
        path.chmod(path.stat().st_mode | 0o700)  # whatever the input's own copy allows
    mounted = {str(root): {"bind": "/data", "mode": "rw"}}
    # The base of EMR has a Java that asks for the machine's name.
    alone = {} if target.name.startswith("emr") else {"network_mode": "none"}
    return place_at(root), {"volumes": mounted, "user": f"{user}:{user}", "environment": target.environment, **alone}


def in_bucket(source: Path, client: Any) -> Place:
    """The same in a new bucket."""
    bucket = f"e2e-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket)
    root = place_at(f"s3://{bucket}/lake")
    for file in sorted((source / "raw").rglob("*"), key=lambda f: f.stat().st_mtime_ns):
        if file.is_file():
            (root / "raw" / file.relative_to(source / "raw").as_posix()).write(file.read_bytes())
            time.sleep(1.1)  # its clock counts seconds, and which of two files is the newer one must be the same
    return root


def options(root: Place, on: str) -> list[str]:
    """Of every run here."""
    return ["--root", "/data" if on == "folder" else str(root), "--now", NOW, "--wait", "5m"]
