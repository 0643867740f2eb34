"""The same files on every target: killed once on the way, and in the end equal, row for row, to a run on this machine.

What is compared is read by delta-rs, which is neither engine: tables, quarantine, waiting, history, zones, reports.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from testcontainers.core.network import Network

import docker
from spark_app.config.settings import Zones
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at
from spark_app.storage.place import Place
from tests.chaos.left import differences, left
from tests.cli.test_commands import lakehouse
from tests.e2e.conftest import Storage

pytestmark = pytest.mark.e2e

NOW = "2026-11-01T00:00:00Z"
DELTA = "/usr/share/aws/delta/lib/delta-spark.jar,/usr/share/aws/delta/lib/delta-storage.jar"
_PATIENCE = 1200


@dataclass(frozen=True)
class Target:
    """How a run is started in an image, before its own options."""

    name: str
    command: tuple[str, ...] = ("run",)
    on: tuple[str, ...] = ("folder", "s3")
    extra: dict[str, Any] = field(default_factory=dict)


EMR = (
    "spark-submit --master local[2] --conf spark.jars=" + DELTA + " --conf spark.pyspark.python=/usr/bin/python3.11 "
    "--conf spark.executorEnv.PYSPARK_PYTHON=/usr/bin/python3.11 "
    "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension "
    "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog "
    "local:///opt/lakehouse/lakehouse_job.py"
).split()
READ_ONLY = {"read_only": True, "tmpfs": {"/tmp": "rw,noexec,size=512m"}}
TARGETS = (
    Target("embedded", extra=READ_ONLY | {"mem_limit": "2g"}),
    Target("slim", on=("folder",)),
    Target("spark", extra=READ_ONLY | {"mem_limit": "2g"}),
    Target("emr", command=tuple(EMR), on=("s3",)),
)
CASES = [
    pytest.param(target, on, what, id=f"{target.name}-{on}-{what}")
    for target in TARGETS
    for on in target.on
    for what in ("sample", "real")
    if what == "sample" or (target.name, on) in {("embedded", "folder"), ("embedded", "s3"), ("spark", "s3")}
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """A folder with raw/ in it, by name; the real input's tests are skipped where it is not."""
    made: dict[str, Path] = {}

    def of(what: str) -> Path:
        if what not in made:
            folder = tmp_path_factory.mktemp(what)
            if what == "sample":
                write_sample(folder, with_failures=True)
            else:
                shutil.copytree(request.getfixturevalue("real_input"), folder / "raw")
            made[what] = folder
        return made[what]

    return of


@pytest.fixture(scope="module")
def locally(inputs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Zones]:
    """The zones of a run on this machine over an input."""
    known: dict[str, Zones] = {}

    def of(what: str) -> Zones:
        if what not in known:
            root = tmp_path_factory.mktemp("local") / "lake"
            shutil.copytree(inputs(what), root)
            done = lakehouse("run", "--root", root, "--now", NOW)
            assert done.returncode in (0, 3, 4), done.stderr
            known[what] = Zones.under(place_at(root))
        return known[what]

    return of


@pytest.mark.parametrize(("target", "on", "what"), CASES)
def test_a_target_leaves_what_a_run_on_this_machine_leaves(
    target: Target,
    on: str,
    what: str,
    images: dict[str, str],
    inputs: Callable[[str], Path],
    locally: Callable[[str], Zones],
    storage: Storage,
    network: Network,
    engine_of_docker: docker.DockerClient,
    tmp_path: Path,
) -> None:
    expected = locally(what)
    root, started = _lake(on, inputs(what), storage, network, tmp_path)
    command = [*target.command, "--root", "/data" if on == "folder" else str(root), "--now", NOW, "--wait", "5m"]

    def start() -> Any:
        given = {"image": images[target.name], "command": command, "detach": True, **started, **target.extra}
        return engine_of_docker.containers.run(**given)

    killed = start()
    _await_staged(root, killed)
    killed.kill()
    killed.remove(force=True)
    done = start()
    code, told = done.wait(timeout=_PATIENCE)["StatusCode"], done.logs().decode()
    done.remove(force=True)
    assert code in ((3,) if what == "sample" else (0,)), told
    assert "finishing run" in told
    times = on == "folder"  # S3 gives files its own
    assert not differences(left(expected, source_times=times), left(Zones.under(root), source_times=times))


def _lake(on: str, source: Path, storage: Storage, network: Network, scratch: Path) -> tuple[Place, dict[str, Any]]:
    """A lake with the input in raw, and how a container reaches it."""
    if on == "folder":
        root = scratch / "lake"
        shutil.copytree(source, root)
        user = 12345
        for path in (root, *root.rglob("*")):
            os.chown(path, user, user)
        mounted = {str(root): {"bind": "/data", "mode": "rw"}}
        return place_at(root), {"volumes": mounted, "network_mode": "none", "user": f"{user}:{user}"}
    bucket = f"e2e-{secrets.token_hex(4)}"
    storage.client.create_bucket(Bucket=bucket)
    root_there = place_at(f"s3://{bucket}/lake")
    for file in sorted((source / "raw").rglob("*"), key=lambda f: f.stat().st_mtime_ns):
        if file.is_file():
            (root_there / "raw" / file.relative_to(source / "raw").as_posix()).write(file.read_bytes())
            time.sleep(1.1)  # its clock counts seconds, and which of two files is the newer one must be the same
    environment = storage.inside | {"LAKEHOUSE_LEASE_SECONDS": "5"}
    return root_there, {"network": network.name, "environment": environment}


def _await_staged(root: Place, container: Any) -> None:
    """Until the run has begun to stage rows."""
    until = time.monotonic() + _PATIENCE
    while not any("/staged/" in f"/{file.relative}" for file in (root / "processed" / "runs").files()):
        container.reload()
        assert container.status in ("created", "running"), container.logs().decode()
        assert time.monotonic() < until, container.logs().decode()
        time.sleep(0.02)


def test_the_glue_rehearsal_leaves_the_same(
    inputs: Callable[[str], Path], locally: Callable[[str], Zones], tmp_path: Path
) -> None:
    python = shutil.which(os.environ.get("GLUE_PYTHON", "python3.13"))
    if python is None:
        pytest.skip("Glue 6.0 has Python 3.13, and there is none here: GLUE_PYTHON names one")
    shutil.copytree(inputs("sample"), tmp_path / "lake")
    script = Path(__file__).parents[2] / "glue" / "rehearse.sh"
    done = subprocess.run(
        ["bash", script, "6.0", python, tmp_path / "lake", "--now", NOW],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert not differences(left(locally("sample")), left(Zones.under(place_at(tmp_path / "lake"))))
