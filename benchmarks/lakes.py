"""Lakes that contenders start from, by size, and the truth that their results are held to.

A lake has its products and orders loaded, and the files of its items in raw: one row in 60 is faulty, by turns in
seven ways (`spark_app.samples.shop`), one of them an order that is not there.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.command import LAKEHOUSE, on_engine, run_to_end
from spark_app.samples.shop import Shape, Shop, Truth

DAY = Shape(products=1000, days=1, orders_a_day=540, fault_every=0)
"""All three datasets of a day: 540 orders, 2,700 items, 1,000 products."""
SIZES: Mapping[str, Shape] = {
    "2,700": Shape(products=1000, days=1, orders_a_day=540, fault_every=60),
    "0.5 million": Shape(products=1000, days=4, orders_a_day=26_700, fault_every=60),
    "2 million": Shape(products=1000, days=15, orders_a_day=26_700, fault_every=60),
    "8 million": Shape(products=1000, days=60, orders_a_day=26_700, fault_every=60),
}


def make(lake: Path, shape: Shape) -> Truth:
    """Writes a lake, its parents loaded."""
    truth = Shop(lake / "raw", shape).write()
    items = (lake / "raw" / "order-items").rename(lake / "items")
    run_to_end([*LAKEHOUSE, "run", "--root", str(lake)], on_engine("sail"))
    items.rename(lake / "raw" / "order-items")
    shutil.rmtree(lake / "archive")
    return truth


def require(truth: Truth, loaded: Path, quarantine: Path, waiting: Path) -> None:
    """Raises AssertionError unless each row is where it belongs, once."""
    faults = truth.faults["order_items"]
    assert count(loaded) == truth.rows["order_items"] - faults.total(), loaded
    assert count(quarantine, "order_items") == faults.total() - faults["waiting"], quarantine
    assert count(waiting) == faults["waiting"], waiting


def count(table: Path, dataset: str = "") -> int:
    """Rows of a table; of one dataset where it holds those of several."""
    data = DeltaTable(str(table)).to_pyarrow_dataset()
    if "dataset" not in data.schema.names or not dataset:
        return int(data.count_rows())
    return int(data.to_table(columns=["dataset"]).column(0).to_pylist().count(dataset))
