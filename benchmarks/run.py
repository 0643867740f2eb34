"""`make bench`: every contender on every size, cold and interleaved, held to the generator's truth.

Writes docs/benchmarks.json after each round, and from it docs/benchmarks.md and its pictures (`benchmarks.page`).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import page
from benchmarks.command import LAKEHOUSE, on_engine
from benchmarks.contenders.all import CONTENDERS, Contender
from benchmarks.contenders.places import Places
from benchmarks.lakes import DAY, SIZES, count, make, require
from benchmarks.measure import Cost, measure, measure_spark
from spark_app.samples.shop import Shop, Truth

PACKAGES = ("pyspark", "delta-spark", "pysail", "deltalake", "pyarrow", "polars", "duckdb", "great-expectations")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument(
        "--also", nargs="*", default=[], help="contenders, though a size leaves them out for their time"
    )
    parser.add_argument("--out", type=Path, default=page.OUT)
    asked = parser.parse_args()
    found = page.figures(asked.out)  # those of sizes that are not measured now stay
    found["machine"] = _machine()
    for size in asked.sizes:
        found["sizes"][size] = {}
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "made"
            truth = make(made, SIZES[size])
            contenders = [c for c in CONTENDERS if c.name in asked.also or size not in c.not_at]
            for number in range(asked.rounds):
                _round(size, contenders, made, truth, found)
                page.save(found, asked.out)
                print(f"{size}: round {number + 1} done", flush=True)
    found["starts"] = _starts(asked.rounds)
    page.save(found, asked.out)


def _machine() -> dict[str, Any]:
    versions = {name: version(name) for name in PACKAGES}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "versions": versions}


def _round(size: str, contenders: Sequence[Contender], made: Path, truth: Truth, found: dict[str, Any]) -> None:
    lake = made.with_name("lake")
    for contender in contenders:
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(made, lake, copy_function=shutil.copy2)
        cost = _measured(contender, lake)
        if not contender.floor:
            _check(contender, truth, lake)
        found["sizes"][size].setdefault(contender.name, []).append(asdict(cost))
        print(f"{size}: {contender.name}: {cost}", flush=True)


def _measured(contender: Contender, lake: Path) -> Cost:
    environment = on_engine("spark" if contender.spark else "sail")
    return (measure_spark if contender.spark else measure)(contender.command(lake), environment)


def _check(contender: Contender, truth: Truth, lake: Path) -> None:
    processed, places = lake / "processed", Places(lake)
    if contender.ours:
        system = processed / "system"
        require(truth, processed / "tables" / "order_items", system / "quarantine", system / "waiting")
    else:
        require(truth, Path(places.loaded), Path(places.quarantine), Path(places.waiting))


def _starts(rounds: int) -> dict[str, list[dict[str, float]]]:
    """From start to exit on the embedded engine: with new files, then with nothing to do."""
    found: dict[str, list[dict[str, float]]] = {"a run with nothing to do": []}
    with tempfile.TemporaryDirectory() as scratch:
        made, lake = Path(scratch) / "made", Path(scratch) / "lake"
        Shop(made, DAY).write()
        command = [*LAKEHOUSE, "run", "--root", str(lake)]
        inputs = {"a day, three datasets": (made, DAY.orders_a_day * DAY.items_an_order), **_real_input()}
        for _ in range(rounds):
            for name, (raw, items) in inputs.items():
                shutil.rmtree(lake, ignore_errors=True)
                shutil.copytree(raw, lake / "raw", copy_function=shutil.copy2)
                found.setdefault(name, []).append(asdict(measure(command, on_engine("sail"))))
                assert count(lake / "processed" / "tables" / "order_items") == items
            found["a run with nothing to do"].append(asdict(measure(command, on_engine("sail"))))
    return found


def _real_input() -> dict[str, tuple[Path, int]]:
    """Its folder and items, where it is here: it is no part of the project."""
    folder = os.environ.get("LAKEHOUSE_REAL_INPUT")
    return {"the real input, 49,303 rows": (Path(folder), 40_803)} if folder else {}


if __name__ == "__main__":
    main()
