"""A lake with an open run as this version leaves it, kept for the versions that come after: they must carry it on.

`python -m tests.formats` writes tests/data/open-run-<plan format>-<staging format>.zip, and one of a batch in buckets
that died between two slices. Made anew only when a format's number changes, and the older ones stay.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from spark_app.classify import staging
from spark_app.config.settings import EngineName, engine_settings, packed_config
from spark_app.engine import port
from spark_app.engine.port import Engine
from spark_app.engine.start import engine_of
from spark_app.runs import plan as plans
from spark_app.runs.plan import load_config
from spark_app.storage.at import place_at
from spark_app.tables import publish
from spark_app.tables.merge import Step, run_step
from tests.lake import Lake
from tests.pipeline.test_protocol import Killed, fill, run_killed_at

DATA = Path(__file__).parent / "data"
CURRENT = DATA / f"open-run-{plans.FORMAT}-{staging.FORMAT}.zip"
IN_BUCKETS = CURRENT.with_name(f"{CURRENT.stem}-in-buckets.zip")
_ROOT = "@ROOT@"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine_of(engine_settings(EngineName.SAIL), place_at(scratch) / "spark.log") as start,
    ):
        for number, (target, dies) in enumerate(((CURRENT, _after_a_merge), (IN_BUCKETS, _between_slices))):
            lake = Lake(Path(scratch) / str(number), start(), load_config(packed_config()))
            fill(lake)
            with pytest.MonkeyPatch.context() as patch:
                dies(lake, patch)
            _packed(lake.root, target)


def _after_a_merge(lake: Lake, patch: pytest.MonkeyPatch) -> None:
    run_killed_at("publish", "after", lake, patch, open_gate="test")


def _between_slices(lake: Lake, patch: pytest.MonkeyPatch) -> None:
    """As if two rows were all that fits into memory."""

    def dies(engine: Engine, step: Step, incoming: Any) -> None:
        if "publish-1-of-" in step.marker:
            raise Killed
        run_step(engine, step, incoming)

    patch.setattr(type(lake.engine), "slice_rows", 2)
    patch.setattr(port, "BUCKETS_PAY", 2)
    patch.setattr(publish, "run_step", dies)
    with pytest.raises(Killed):
        lake.run(open_gate="test")


def _packed(root: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(f for f in root.rglob("*") if f.is_file()):
            content = file.read_bytes()
            if file.name == "plan.json":
                content = content.replace(str(root).encode(), _ROOT.encode())
            archive.writestr(file.relative_to(root).as_posix(), content)


def unpacked(name: Path, root: Path) -> None:
    """The lake at another place, where its plan finds its files with the times that it has seen."""
    with zipfile.ZipFile(name) as archive:
        archive.extractall(root)
    for plan in root.glob("processed/runs/*/plan.json"):
        plan.write_text(plan.read_text().replace(_ROOT, str(root)))
        for claimed in json.loads(plan.read_text())["files"]:
            file = claimed["file"]
            os.utime(file["path"], ns=(file["mtime_ns"], file["mtime_ns"]))


if __name__ == "__main__":
    main()
