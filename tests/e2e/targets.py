"""The targets that have an image, how a run is started in each, and lakes that a container can reach."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spark_app import __version__
from spark_app.storage.at import place_at
from spark_app.storage.place import Place

NOW = "2026-11-01T00:00:00Z"
_USER = 12345
"""Any number: no image knows it."""
_DELTA = "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
_EMR = (
    f"spark-submit --master local[2] --conf spark.jars={_DELTA} --conf spark.pyspark.python=/usr/bin/python3.11 "
    "--conf spark.executorEnv.PYSPARK_PYTHON=/usr/bin/python3.11 "
    "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension "
    "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog "
    "local:///opt/lakehouse/lakehouse_job.py"
)
_READ_ONLY = {"read_only": True, "tmpfs": {"/tmp": "rw,noexec,size=512m"}}  # as `docker run` mounts it


@dataclass(frozen=True)
class Target:
    """An image, how a run is started in it before its own options, and the storage that its tests use."""

    name: str
    image: str
    engine: str
    command: tuple[str, ...] = ("run",)
    on: tuple[str, ...] = ("folder", "s3")
    user: int = _USER
    extra: dict[str, Any] = field(default_factory=dict)


TARGETS = (
    Target("embedded", f"lakehouse:{__version__}", "sail", extra=_READ_ONLY | {"mem_limit": "2g"}),
    Target("slim", f"lakehouse:{__version__}-slim", "sail", on=("folder",)),
    Target("spark", f"lakehouse:{__version__}-spark", "spark", extra=_READ_ONLY | {"mem_limit": "2g"}),
    # Its user is fixed by AWS: hadoop, 1000 in the base that stands in.
    Target("emr", f"lakehouse-emr:{__version__}", "spark", command=tuple(_EMR.split()), on=("s3",), user=1000),
)


def in_folder(target: Target, source: Path, scratch: Path) -> tuple[Place, dict[str, Any]]:
    """A lake with the input in raw that belongs to the target's user; no network."""
    root = scratch / "lake"
    shutil.copytree(source, root)
    user = target.user if os.getuid() == 0 else os.getuid()  # only root gives its files away
    for path in (root, *root.rglob("*")):
        os.chown(path, user, user if os.getuid() == 0 else -1)
    mounted = {str(root): {"bind": "/data", "mode": "rw"}}
    alone = {"network_mode": "none"} if target.name != "emr" else {}  # its base's Java asks for the machine's name
    return place_at(root), {"volumes": mounted, "user": f"{user}:{user}", **alone}


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
