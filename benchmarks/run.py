"""`make bench`: measures, checks every result against the generator's truth, and writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.measure import Cost, measure
from spark_app.samples.shop import Shape, Shop, Truth

LAKEHOUSE = [sys.executable, "-c", "from spark_app.cli import main; main()"]
DAY = Shape(products=1000, days=1, orders_a_day=540, items_an_order=5, fault_every=0)
ITEMS = {
    "small": Shape(products=1000, days=15, orders_a_day=2000, fault_every=60),
    "2 million": Shape(products=1000, days=15, orders_a_day=26_700, fault_every=60),
}
PACKAGES = ("pyspark", "delta-spark", "pysail", "deltalake", "pyarrow")


@dataclass(frozen=True, eq=False)
class Contender:
    """`prepare` makes a fresh folder, `command` runs on it, `check` raises when the result is not the truth."""

    case: str
    name: str
    prepare: Callable[[Path], None]
    command: Callable[[Path], list[str]]
    check: Callable[[Path], None]
    environment: Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", choices=sorted(ITEMS), default="2 million")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        contenders = _contenders(Path(scratch), ITEMS[asked.items], asked.items)
        costs: dict[Contender, list[Cost]] = {c: [] for c in contenders}
        for number in range(asked.rounds):
            for contender in contenders:
                costs[contender].append(_once(contender, Path(scratch) / "lake"))
                print(f"round {number + 1}: {contender.case}, {contender.name}: {costs[contender][-1]}", flush=True)
    asked.out.write_text(_page(costs, asked.rounds, asked.items), encoding="utf-8")


def _contenders(scratch: Path, shape: Shape, size: str) -> list[Contender]:
    day, many = scratch / "day", scratch / "many"
    Shop(day / "raw", DAY).write()
    truth = Shop(many / "raw", shape).write()
    items = many / "items"
    (many / "raw" / "order-items").rename(items)
    run_to_end([*LAKEHOUSE, "run", "--root", str(many)], on_engine("sail"))  # parents are there before the items come
    (many / "raw" / "order-items").mkdir(parents=True)
    found = []
    for engine in ("sail", "spark"):
        found.append(Contender("a day", engine, _copy(day), _load, _loaded(DAY.orders_a_day * 5), on_engine(engine)))
        found.append(Contender(size, engine, _with(many, items), _load, _accounted(truth), on_engine(engine)))
    floor_day = Contender(
        "a day", "typed copy", _items_of(day / "raw" / "order-items"), _copied, _any, on_engine("spark")
    )
    floor = Contender(size, "typed copy", _items_of(items), _copied, _any, on_engine("spark"))
    return [*found, floor_day, floor]


def on_engine(engine: str) -> dict[str, str]:
    return {**os.environ, "LAKEHOUSE_ENGINE": engine}


def run_to_end(command: list[str], environment: Mapping[str, str]) -> None:
    subprocess.run(command, env=dict(environment), check=True, capture_output=True)


def _copy(source: Path) -> Callable[[Path], None]:
    return lambda lake: shutil.copytree(source, lake, copy_function=shutil.copy2) and None


def _with(source: Path, items: Path) -> Callable[[Path], None]:
    def prepare(lake: Path) -> None:
        shutil.copytree(source, lake, ignore=shutil.ignore_patterns("items", "archive"))
        shutil.copytree(items, lake / "raw" / "order-items", dirs_exist_ok=True)

    return prepare


def _items_of(items: Path) -> Callable[[Path], None]:
    return lambda lake: shutil.copytree(items, lake / "items") and None


def _load(lake: Path) -> list[str]:
    return [*LAKEHOUSE, "run", "--root", str(lake)]


def _copied(lake: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.floor", str(lake / "items"), str(lake / "table")]


def _any(lake: Path) -> None:
    assert DeltaTable(str(lake / "table")).version() == 0


def _loaded(items: int) -> Callable[[Path], None]:
    def check(lake: Path) -> None:
        assert _count(lake / "processed/tables/order_items") == items

    return check


def _accounted(truth: Truth) -> Callable[[Path], None]:
    faults = truth.faults["order_items"]

    def check(lake: Path) -> None:
        loaded = truth.rows["order_items"] - sum(faults.values())
        assert _count(lake / "processed/tables/order_items") == loaded
        quarantined = DeltaTable(str(lake / "processed/system/quarantine")).to_pyarrow_dataset()
        of_items = quarantined.to_table(columns=["dataset"]).column(0).to_pylist().count("order_items")
        assert of_items == sum(faults.values()) - faults["waiting"]

    return check


def _count(table: Path) -> int:
    return int(DeltaTable(str(table)).to_pyarrow_dataset().count_rows())


def _once(contender: Contender, lake: Path) -> Cost:
    shutil.rmtree(lake, ignore_errors=True)
    contender.prepare(lake)
    cost = measure(contender.command(lake), contender.environment)
    contender.check(lake)
    return cost


def _page(costs: Mapping[Contender, list[Cost]], rounds: int, size: str) -> str:
    floor = {c.case: statistics.median(x.cpu for x in found) for c, found in costs.items() if c.name == "typed copy"}
    lines = [
        "# Benchmarks",
        "",
        f"`make bench`: {rounds} interleaved round(s) of cold processes, medians (all). CPU seconds are of the whole",
        "process tree. Each result is checked against the generator's truth.",
        "",
        "`typed copy` is the floor: classic Spark's own typed CSV → Delta copy of the items alone, without a rule.",
        "`a day` loads 540 orders, 2,700 items and 1,000 products into an empty lake.",
        f"`{size}` loads the items, one in 60 faulty, into a lake that has their orders and products.",
        "",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + ".",
        "",
        "| input | contender | CPU s | ÷ typed copy | wall s | peak RSS MB |",
        "|---|---|---|---|---|---|",
    ]
    for contender, found in sorted(costs.items(), key=lambda item: (item[0].case, item[0].name)):
        cpu = [c.cpu for c in found]
        lines.append(
            f"| {contender.case} | {contender.name} | {_spread(cpu)} | "
            f"{statistics.median(cpu) / floor[contender.case]:.2f} | {_spread([c.wall for c in found])} | "
            f"{statistics.median(c.rss_mb for c in found):,.0f} |"
        )
    return "\n".join([*lines, ""])


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({' '.join(f'{v:.1f}' for v in values)})"


if __name__ == "__main__":
    main()
