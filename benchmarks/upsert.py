"""`python -m benchmarks.upsert`: a day's upsert into tables of 1, 10 and 100 times the size, over three years.

A day is 27,000 items: half are corrections of items of one past day, half are new. Tables are made directly, as our own
loads leave them (one file a day), because loading three years would take longer than what is measured; `--aged` has a
table whose days came in four files each, before and after `lakehouse maintain`, told to join more than two. Prints
seconds, files and bytes that the items' table gave up and got, and rows copied, all from the table's own log, and what
was read, and writes them into docs/benchmarks.json, where `benchmarks.page` finds them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import DeltaTable, write_deltalake

from benchmarks import page
from benchmarks.command import LAKEHOUSE, on_engine, run_to_end
from benchmarks.measure import measure
from spark_app.config.settings import packed_config
from spark_app.samples.shop import ITEMS, Shape, Shop

DAYS = 1095
_FIRST = date(2022, 1, 1)
_A_DAY = 13_500
_LINEAGE = {
    "ingestion_timestamp": datetime(2025, 1, 2, tzinfo=UTC),
    "source_file": "raw/order-items/made.csv",
    "source_modified_at": datetime(2025, 1, 1, tzinfo=UTC),
    "correction": 0,
    "run_id": "made",
}


@dataclass(frozen=True)
class Upsert:
    """One upsert. Bytes are of data files; `read_mb` is of the whole process tree, its own code included.

    `engine`: with the table's layout, where that is not one file a day.
    """

    engine: str
    table_rows: int
    wall: float
    cpu: float
    rss_mb: float
    files: int
    files_removed: int
    files_added: int
    bytes_added: int
    rows_copied: int
    read_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[200_000, 2_000_000, 20_000_000])
    parser.add_argument("--engines", nargs="*", default=["sail"])
    parser.add_argument("--aged", type=int, default=2_000_000, help="rows of the table that has aged; 0: none")
    parser.add_argument("--out", type=Path, default=page.OUT)
    asked = parser.parse_args()
    print(
        "| engine | rows in the table | s | CPU s | MB | files | removed | added | MB written | rows copied | MB read |"
    )
    print("|---" * 11 + "|")
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "made"
            _make(made, rows)
            for engine in asked.engines:
                _keep(_measured(made, Path(scratch) / "lake", rows, engine), asked.out)
    for engine in asked.engines if asked.aged else ():
        for upsert in _aged(asked.aged, engine):
            _keep(upsert, asked.out)


def _keep(upsert: Upsert, out: Path) -> None:
    """Prints it, and saves it beside those of other tables and engines, in the place of an earlier one of its own."""
    print(_line(upsert), flush=True)
    kept = page.figures(out)
    by_table = {(each["engine"], each["table_rows"]): each for each in kept.get("upserts", [])}
    by_table[upsert.engine, upsert.table_rows] = asdict(upsert)
    page.save(kept | {"upserts": list(by_table.values())}, out)


def _aged(rows: int, engine: str) -> Iterator[Upsert]:
    with tempfile.TemporaryDirectory() as scratch:
        made, lake = Path(scratch) / "made", Path(scratch) / "lake"
        _make(made, rows, files_a_day=4)
        yield _measured(made, lake, rows, engine, ", 4 files a day")
        cost = measure(
            [*LAKEHOUSE, "maintain", "--root", str(made), "--config", _joining(Path(scratch))], on_engine(engine)
        )
        print(f"maintain: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s, {cost.rss_mb:,.0f} MB", flush=True)
        yield _measured(made, lake, rows, engine, ", 4 files a day, maintained")


def _joining(scratch: Path) -> str:
    """The packed contracts and suites, with which more than two small files in a partition are joined."""
    config = scratch / "config"
    for folder in ("contracts", "ge_suites"):
        shutil.copytree(packed_config() / folder, config / folder)
    contract = config / "contracts" / "order_items.yaml"
    contract.write_text(contract.read_text(encoding="utf-8") + "maintenance: {compact_above: 2}\n", encoding="utf-8")
    return str(config)


def _make(root: Path, rows: int, files_a_day: int = 1) -> None:
    """A lake with so many items in its table, and a day's files in raw."""
    Shop(root / "raw", Shape(products=1000, days=1, orders_a_day=1, fault_every=0)).write()
    run_to_end([*LAKEHOUSE, "run", "--root", str(root)], on_engine("sail"))  # makes the tables
    tables = root / "processed" / "tables"
    for items in _days(rows):
        for piece in range(files_a_day):
            part = _as(tables / "order_items", items.gather_every(files_a_day, piece))
            write_deltalake(tables / "order_items", part, mode="append")
    orders = pl.DataFrame({"number": np.arange(rows // 5 + 2 * _A_DAY)})
    write_deltalake(tables / "orders", _as(tables / "orders", _orders(orders, rows)), mode="append")
    shutil.rmtree(root / "archive", ignore_errors=True)
    _write_day(root / "raw", rows)


def _days(rows: int) -> Iterator[pl.DataFrame]:
    """The items, a quarter of a year at a time: a file a day."""
    a_day = rows // DAYS
    for first in range(0, DAYS, 90):
        last = min(first + 90, DAYS)
        yield _items(pl.DataFrame({"number": np.arange(first * a_day, last * a_day)}), a_day)


def _items(numbers: pl.DataFrame, a_day: int) -> pl.DataFrame:
    """Of the day that the number falls on; all above the last full day are of the day after it."""
    n = pl.col("number")
    day = pl.lit(_FIRST) + pl.duration(days=pl.min_horizontal(n // a_day, DAYS))
    return numbers.select(
        id=pl.format("I{}", n),
        order_id=pl.format("O-{}", n // 5),
        user_id=pl.format("U-{}", n // 5 % 5000),
        days_since_prior_order=(n % 30).cast(pl.Int32),
        product_id=(n % 1000 + 1).cast(pl.String),
        add_to_cart_order=(n % 5 + 1).cast(pl.Int32),
        reordered=n % 2 == 0,
        order_timestamp=day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours=10),
        date=day.cast(pl.Date),
    )


def _orders(numbers: pl.DataFrame, rows: int) -> pl.DataFrame:
    n, day = pl.col("number"), pl.lit(_FIRST) + pl.duration(days=pl.col("number") * 5 // (rows // DAYS) % DAYS)
    return numbers.select(
        order_num=n + 1,
        order_id=pl.format("O-{}", n),
        user_id=pl.format("U-{}", n % 5000),
        order_timestamp=day.cast(pl.Datetime("us", "UTC")) + pl.duration(hours=10),
        total_amount=pl.lit("12.50").cast(pl.Decimal(10, 2)),
        date=day.cast(pl.Date),
    )


def _as(table: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """With what our own loads add to each row, in the table's order."""
    names = [field.name for field in DeltaTable(table).schema().fields]
    added = {
        name: pl.lit(value).cast(pl.Int32) if name == "correction" else pl.lit(value)
        for name, value in _LINEAGE.items()
    }
    return rows.with_columns(**added).select(names)


def _write_day(raw: Path, rows: int) -> None:
    """Corrections of the items of one past day, as far as it has so many, and as many new items of new orders."""
    a_day = rows // DAYS
    past = 700 * a_day
    corrected = np.arange(past, past + min(_A_DAY, a_day))
    new = np.arange(a_day * DAYS, a_day * DAYS + 2 * _A_DAY - len(corrected))
    items = pl.concat([_items(pl.DataFrame({"number": numbers}), a_day) for numbers in (corrected, new)])
    texts = items.with_columns(
        pl.col("reordered").cast(pl.Int8),
        order_timestamp=(pl.col("order_timestamp") + pl.duration(hours=1)).dt.strftime("%Y-%m-%dT%H:%M:%S"),
        add_to_cart_order=pl.col("add_to_cart_order") + 1,
    )
    file = raw / "order-items" / "day.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    texts.select(ITEMS).write_csv(file)


def _measured(made: Path, lake: Path, rows: int, engine: str, layout: str = "") -> Upsert:
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(made, lake, copy_function=shutil.copy2)
    table = lake / "processed" / "tables" / "order_items"
    before = DeltaTable(table)
    cost = measure([*LAKEHOUSE, "run", "--root", str(lake)], on_engine(engine))
    after = DeltaTable(table)
    log = _actions(table, before.version() + 1, after.version())
    assert _count(after) - _count(before) + _updated(log) == 2 * _A_DAY, "every row of the day"
    added = [action["add"]["size"] for action in log if "add" in action]
    removed = sum("remove" in action for action in log)
    return Upsert(
        engine + layout,
        rows,
        cost.wall,
        cost.cpu,
        cost.rss_mb,
        len(before.file_uris()),
        removed,
        len(added),
        sum(added),
        _copied(log),
        cost.read_mb,
    )


def _actions(table: Path, first: int, last: int) -> list[Mapping[str, Mapping[str, int]]]:
    logs = [table / "_delta_log" / f"{version:020}.json" for version in range(first, last + 1)]
    return [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]


def _metric(log: list[Mapping[str, Mapping[str, int]]], name: str) -> int:
    found = [action["commitInfo"].get("operationMetrics", {}) for action in log if "commitInfo" in action]
    return sum(int(dict(metrics).get(name, 0)) for metrics in found if isinstance(metrics, dict))


def _updated(log: list[Mapping[str, Mapping[str, int]]]) -> int:
    return _metric(log, "numTargetRowsUpdated")


def _copied(log: list[Mapping[str, Mapping[str, int]]]) -> int:
    return _metric(log, "numTargetRowsCopied")


def _count(table: DeltaTable) -> int:
    return int(table.to_pyarrow_dataset().count_rows())


def _line(u: Upsert) -> str:
    return (
        f"| {u.engine} | {u.table_rows:,} | {u.wall:.1f} | {u.cpu:.1f} | {u.rss_mb:,.0f} | {u.files:,} "
        f"| {u.files_removed} | {u.files_added} | {u.bytes_added / 1e6:.1f} | {u.rows_copied:,} | {u.read_mb:,.0f} |"
    )


if __name__ == "__main__":
    main()
