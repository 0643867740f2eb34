"""`python -m benchmarks.memory`: peak memory of the embedded engine for a 300 MB CSV file, loaded and then all updated.

Prints the greatest sum of resident memory of driver and engine process, with and without LAKEHOUSE_MEMORY_MB.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

from benchmarks.command import LAKEHOUSE, on_engine, run_to_end
from benchmarks.measure import measure
from spark_app.samples.shop import Shape, Shop

SHAPE = Shape(products=1000, days=1, orders_a_day=920_000, fault_every=0)
LIMITS = {"first load": (0, 1300), "all updated": (0, 3000)}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        parents = Path(scratch) / "parents"
        Shop(parents / "raw", SHAPE).write()
        items = next((parents / "raw" / "order-items").iterdir()).rename(parents / "items.csv")
        run_to_end([*LAKEHOUSE, "run", "--root", str(parents)], on_engine("sail"))
        loaded = Path(scratch) / "loaded"
        for limit in LIMITS["first load"]:
            _measured("first load", parents, items, limit, loaded)
        changed = Path(scratch) / "changed.csv"
        _change(items, changed)
        for limit in LIMITS["all updated"]:
            _measured("all updated", loaded, changed, limit, Path(scratch) / "lake")


def _measured(name: str, start: Path, file: Path, limit: int, lake: Path) -> None:
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(start, lake, ignore=shutil.ignore_patterns("items.csv", "archive"))
    (lake / "raw" / "order-items").mkdir(exist_ok=True)
    shutil.copy2(file, lake / "raw" / "order-items" / file.name)
    environment = {**on_engine("sail"), "LAKEHOUSE_MEMORY_MB": str(limit)}
    cost = measure([*LAKEHOUSE, "run", "--root", str(lake)], environment)
    print(f"{name}, {file.stat().st_size / 1e6:.0f} MB, limit {limit or 'none'}: {cost}", flush=True)


def _change(items: Path, changed: Path) -> None:
    with items.open(newline="") as source, changed.open("w", newline="") as target:
        reader, writer = csv.DictReader(source), None
        for row in reader:
            writer = writer or csv.DictWriter(target, reader.fieldnames or [])
            if reader.line_num == 2:
                writer.writeheader()
            writer.writerow({**row, "add_to_cart_order": int(row["add_to_cart_order"]) + 10})


if __name__ == "__main__":
    main()
