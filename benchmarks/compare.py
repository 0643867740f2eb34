"""`python -m benchmarks.compare`: loads the same faulty input on both engines, and compares all that they leave.

Tables, quarantine and waiting are read by delta-rs, which is neither engine, sorted by key, and must be equal in every
column but those that name the run and its time; reports must have the same counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from benchmarks.command import LAKEHOUSE, on_engine, run_to_end
from benchmarks.lakes import SIZES
from spark_app.samples.shop import Shop

NOW = "2025-06-01T12:00:00Z"
OF_THE_RUN = {"run_id", "last_run", "ingestion_timestamp", "first_seen", "closed_at", "closed_by_run"}
TABLES = {
    "tables/products": ["product_id"],
    "tables/orders": ["order_id"],
    "tables/order_items": ["id"],
    "system/quarantine": ["id"],
    "system/waiting": ["id"],
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", choices=sorted(SIZES), default="2 million")
    with tempfile.TemporaryDirectory() as scratch:
        sail, spark = (
            _loaded(Path(scratch) / engine, engine, parser.parse_args().items) for engine in ("sail", "spark")
        )
        differing = [name for name, key in TABLES.items() if not _equal(sail / name, spark / name, key)]
        if _counts(sail) != _counts(spark):
            differing.append("report")
    sys.exit(f"the engines differ: {', '.join(differing)}" if differing else None)


def _loaded(root: Path, engine: str, items: str) -> Path:
    """Two runs: items come before half of their orders, then a second time with everything else."""
    Shop(root / "raw", SIZES[items]).write()
    orders, later = root / "raw" / "orders", root / "later"
    later.mkdir()
    for file in sorted(orders.iterdir())[1::2]:
        shutil.move(file, later / file.name)
    run = [*LAKEHOUSE, "run", "--root", str(root), "--now", NOW, "--open-gate", "comparison"]
    run_to_end(run, on_engine(engine))
    for file in later.iterdir():
        shutil.move(file, orders / file.name)
    run_to_end(run, on_engine(engine))
    return root / "processed"


def _equal(one: Path, other: Path, key: list[str]) -> bool:
    left, right = _sorted(one, key), _sorted(other, key)
    print(f"{one.name}: {left.num_rows:,} and {right.num_rows:,} rows, {left.num_columns} columns", flush=True)
    return left.equals(right)


def _sorted(table: Path, key: list[str]) -> pa.Table:
    data = DeltaTable(str(table)).to_pyarrow_dataset()
    columns = sorted(set(data.schema.names) - OF_THE_RUN)
    return data.to_table(columns=columns).sort_by([(name, "ascending") for name in key]).combine_chunks()


def _counts(processed: Path) -> list[object]:
    reports = sorted((processed / "runs").glob("*/report.json"), key=lambda f: f.stat().st_mtime)
    kept = ("read", "inserted", "updated", "unchanged", "stale", "quarantined", "duplicates", "waiting", "released")
    datasets = [json.loads(file.read_text(encoding="utf-8"))["datasets"] for file in reports]
    return [
        {n: [d[k] for k in (*kept, "reasons", "control_totals", "metrics")] for n, d in run.items()} for run in datasets
    ]


if __name__ == "__main__":
    main()
