"""On a real cluster: executors read and write, the driver only counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from spark_app.config.settings import Zones
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at
from tests.chaos.left import differences, left
from tests.cli.test_commands import lakehouse
from tests.conftest import ENGINE

pytestmark = [pytest.mark.long, pytest.mark.both]
NOW = "2026-11-01T00:00:00Z"
_DRIVER_BYTES = 8_000_000
"""Plans, counts and the rows of a report; the sample's files are 1.1 MB, and pass by."""


@pytest.mark.skipif(ENGINE != "spark", reason="a cluster is classic Spark's")
def test_a_cluster_leaves_what_one_machine_leaves_and_its_executors_do_the_reading(tmp_path: Path) -> None:
    from tests import cluster

    here, there = tmp_path / "here", tmp_path / "there"
    write_sample(here, with_failures=True)
    shutil.copytree(here, there)
    assert lakehouse("run", "--root", here, "--now", NOW).returncode == 3
    jars = Path(os.environ.get("LAKEHOUSE_JARS", ".jars")).absolute()
    with cluster.standalone(tmp_path) as address:
        command = cluster.submission(address, tmp_path / "events", jars, "--root", there, "--now", NOW)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=900, env=cluster.environment()
        )
    assert done.returncode == 3, done.stderr[-3000:]
    assert not differences(left(Zones.under(place_at(here))), left(Zones.under(place_at(there))))
    seen = cluster.events(tmp_path / "events")
    assert set(seen.tasks) == {"0", "1"}, seen
    assert seen.to_driver < _DRIVER_BYTES, seen
