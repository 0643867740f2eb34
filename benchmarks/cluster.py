"""`python -m benchmarks.cluster`: the job on a real cluster (Spark standalone, two workers of one core), by size.

Prints, for each number of items, seconds, the peak memory of the driver (its JVM and its Python), the bytes that tasks
sent to it, and how the tasks were spread; at last with one file a hundred times the size of the others.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.measure import measure
from spark_app.samples.shop import Shape, Shop
from tests import cluster

_ITEMS_A_DAY = 5
_HEAD = (
    "| items | seconds | driver's memory, MB | bytes to the driver | greatest result of a task | tasks by executor | "
    "longest task, s |"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--millions", type=float, nargs="*", default=[0.5, 2, 8])
    asked = parser.parse_args()
    print(_HEAD + "\n" + "|---" * 7 + "|")
    for millions in asked.millions:
        shape = Shape(days=15, orders_a_day=int(millions * 1_000_000 / 15 / _ITEMS_A_DAY))
        print(_measured(f"{millions:g} million", shape, skewed=False), flush=True)
    print(_measured("0.5 million, skewed", Shape(days=15, orders_a_day=6_667), skewed=True), flush=True)


def _measured(name: str, shape: Shape, *, skewed: bool) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        Shop(folder / "lake" / "raw", shape).write()
        if skewed:
            _join_files(folder / "lake" / "raw" / "order-items")
        jars = Path(os.environ.get("LAKEHOUSE_JARS", ".jars")).absolute()
        with cluster.standalone(folder) as address:
            command = cluster.submission(
                address, folder / "events", jars, "--root", folder / "lake", "--open-gate", "scale"
            )
            cost = measure(command, cluster.environment())
        seen = cluster.events(folder / "events")
    spread = " / ".join(f"{n:,}" for _, n in sorted(seen.tasks.items()))
    return (
        f"| {name} | {cost.wall:.0f} | {cost.rss_mb:,.0f} | {seen.to_driver:,} | {seen.largest_result:,} | {spread} | "
        f"{seen.longest:.1f} |"
    )


def _join_files(folder: Path) -> None:
    """All but the last two files become one: about a hundred times the size of what is cut from the others."""
    first, *rest = sorted(folder.iterdir())
    with first.open("a") as target:
        for file in rest[:-2]:
            target.writelines(file.open().readlines()[1:])
            file.unlink()
    for file in rest[-2:]:
        lines = file.open().readlines()
        file.write_text("".join(lines[: len(lines) // 8]))


if __name__ == "__main__":
    main()
