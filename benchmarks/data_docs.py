"""`python -m benchmarks.data_docs`: seconds that Data Docs take as runs add up: the first build, and one run more."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.command import LAKEHOUSE, on_engine
from spark_app.config.settings import Zones
from spark_app.review.site import build
from spark_app.storage.at import place_at

RUNS = (10, 100, 1000)


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        subprocess.run([*LAKEHOUSE, "sample", str(lake), "--with-failures"], check=True, env=on_engine("sail"))
        subprocess.run([*LAKEHOUSE, "run", "--root", str(lake)], check=False, env=on_engine("sail"))
        run = next(report.parent for report in (lake / "processed" / "runs").glob("*/report.json"))
        build(Zones.under(place_at(lake)))  # imports what the others need
        for runs in RUNS:
            root = Path(folder) / str(runs)
            zones, kept = Zones.under(place_at(root)), root / "processed" / "runs"
            for number in range(runs):
                _copied(run, kept / f"run-{number:05d}")
            first = _seconds(zones)
            _copied(run, kept / "one-more")
            print(f"{runs:,} runs: {first:.1f} s, one more {_seconds(zones):.1f} s", flush=True)


def _copied(run: Path, folder: Path) -> None:
    shutil.copytree(run / "validations", folder / "validations", copy_function=shutil.copy)
    report = (run / "report.json").read_text(encoding="utf-8").replace(run.name, folder.name)
    (folder / "report.json").write_text(report, encoding="utf-8")


def _seconds(zones: Zones) -> float:
    started = time.perf_counter()
    build(zones)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
