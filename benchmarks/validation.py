"""`python -m benchmarks.validation`: our validation of items against Great Expectations', the same rules and rows.

--of files: the same CSV files. Ours casts the texts without loss, asks every rule and writes every row with all its
reasons; Great Expectations gets the engine's typed CSV, and tells what its result format holds.
--of rows: rows that are there, as Parquet. Ours has their texts, casts them, and writes the reasons of every row;
Great Expectations has their values. This is what validation alone costs.
Each in a cold process, interleaved; the clock starts when the session is there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil

from benchmarks.great_expectations_suite import prepared
from spark_app.classify.conform import spark_type
from spark_app.classify.stage import read_files
from spark_app.classify.staging import PLACE
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.config.settings import EngineName, engine_settings, packed_config
from spark_app.engine.port import Engine
from spark_app.engine.start import engine_of
from spark_app.quality.compiler import compile_suite
from spark_app.quality.suite import Expectation, Suite
from spark_app.reporting.judged import pinned_file
from spark_app.runs.plan import Config, load_config
from spark_app.samples.shop import Shape, Shop
from spark_app.sources.batches import PLAIN
from spark_app.storage.at import place_at

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = ("sail 10", "sail 100")
"""Ours with so many rules: of the kinds of the suite, over and over, no two of them equal."""
CONTENDERS = ("sail ours", "spark ours", "spark BOOLEAN_ONLY", "spark SUMMARY", "spark COMPLETE")
"""Engine and way. Great Expectations on Sail reads no CSV, so it is measured where it is at home."""
ITEMS_A_DAY = 133_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=4, help=f"of about {ITEMS_A_DAY:,} items")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--of", choices=("files", "rows"), default="files", help="what is validated")
    parser.add_argument("--one", nargs=2, metavar=("CONTENDER", "FOLDER"), help="measure one, here")
    asked = parser.parse_args()
    if asked.one:
        engine, way = asked.one[0].split()
        print(json.dumps(_measured(engine, way, Path(asked.one[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        n = _prepare(Path(folder), asked.days, as_rows=asked.of == "rows")
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*CONTENDERS, *RULES)}
        # Preparing may have told PySpark, for this process and its children, that Spark is remote.
        environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONNECT_MODE_ENABLED"}
        for _ in range(asked.rounds):
            for name in (*CONTENDERS, *RULES):
                command = [sys.executable, "-m", "benchmarks.validation"]
                done = subprocess.run(
                    [*command, "--one", name, folder], check=False, capture_output=True, text=True, env=environment
                )
                if done.returncode:
                    raise SystemExit(f"{name}: {done.stderr[-2000:]}")
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    _print(n, found)


def _prepare(folder: Path, days: int, *, as_rows: bool) -> int:
    """Raw CSV files of items, one row in 60 with a fault; and their rows as Parquet, by their texts and by values."""
    shop = Shop(folder / "raw", Shape(products=1000, days=days, orders_a_day=26_700, fault_every=60))
    rows = shop.write().rows["order_items"]
    if as_rows:
        contract, config = _contract()
        with engine_of(engine_settings(EngineName.SAIL), place_at(folder / "prepare.log")) as start:
            engine, suite = start(), config.suites[contract.dataset]
            texts = _texts(engine, folder, contract)
            engine.write_parquet(texts, place_at(folder / "texts"))
            values = classify_rows(texts, contract, compile_suite(suite, contract, NOW)).filter("_rid is not null")
            engine.write_parquet(values.select(*contract.names), place_at(folder / "values"))
    return rows


def _contract() -> tuple[Contract, Config]:
    config = load_config(packed_config())
    return config.contracts["order_items"], config


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "raw" / "order-items").rglob("*.csv"))


def _of_rules(suite: Suite, count: int) -> Suite:
    again = enumerate(islice(cycle(suite.expectations), count))
    return suite.model_copy(update={"expectations": tuple(_like(e, n) for n, e in again)})


def _like(expectation: Expectation, number: int) -> Expectation:
    """A rule of the same kind that no other rule is equal to: what is equal an engine computes once."""
    kwargs = dict(expectation.kwargs)
    if "regex" in kwargs:
        kwargs["regex"] = f"{kwargs['regex']}|^x{{{number + 1}}}y$"
    elif isinstance(kwargs.get("max_value"), int):
        kwargs["max_value"] += number
    else:
        kwargs |= {"row_condition": f"add_to_cart_order <> {1000 + number}", "condition_parser": "spark"}
    meta = {**expectation.meta, "rule": f"{expectation.rule}_{number}"}
    return expectation.model_copy(update={"kwargs": kwargs, "meta": meta})


def _texts(engine: Engine, folder: Path, contract: Contract) -> Any:
    """Rows of text: from Parquet where that was prepared, or else from the files."""
    if (folder / "texts").is_dir():
        ddl = ", ".join((*PLACE, f"{PLAIN} boolean", *(f"`{name}` string" for name in contract.names)))
        return engine.read_parquet([place_at(folder / "texts")], ddl)
    return read_files(engine, contract, [pinned_file(number, file) for number, file in enumerate(_files(folder))])


def _judged(engine: Engine, folder: Path, contract: Contract, suite: Suite) -> Any:
    """All rows with their reasons, as a run stages them; of rows that are there already the reasons by key and line."""
    judged = classify_rows(_texts(engine, folder, contract), contract, compile_suite(suite, contract, NOW))
    if not (folder / "texts").is_dir():
        return judged
    return judged.select(*contract.key, "_file", "_line", "_reasons", "_warnings")


def _measured(engine_name: str, contender: str, folder: Path) -> dict[str, Any]:
    contract, config = _contract()
    with engine_of(engine_settings(EngineName(engine_name)), place_at(folder / "spark.log")) as start:
        engine = start()
        engine.collect(engine.spark.range(1))
        if contender == "ours" or contender.isdecimal():
            suite = config.suites[contract.dataset]
            ruled = suite if contender == "ours" else _of_rules(suite, int(contender))
            out = place_at(tempfile.mkdtemp(dir=folder)) / "rows"
            return _timed(engine, lambda: engine.write_parquet(_judged(engine, folder, contract, ruled), out))
        return _timed(engine, _great_expectations(engine, folder, contract, config, contender))


def _great_expectations(engine: Engine, folder: Path, contract: Contract, config: Config, result_format: str) -> Any:
    """As its documentation has it; COMPLETE names the rows by their id."""
    ddl = ", ".join(f"`{name}` {spark_type(column.type)}" for name, column in contract.columns.items())
    if (folder / "values").is_dir():
        typed = engine.read_parquet([place_at(folder / "values")], ddl)
    else:
        typed = engine.spark.read.schema(ddl).option("header", "true").csv([str(file) for file in _files(folder)])
    asked: dict[str, Any] = {"result_format": result_format}
    if result_format == "COMPLETE":
        asked["unexpected_index_column_names"] = ["id"]
    return prepared(typed, contract, config.suites["order_items"], NOW.replace(tzinfo=None), asked)


def _timed(engine: Engine, work: Any) -> dict[str, Any]:
    jobs = _jobs(engine)
    started, cpu = time.perf_counter(), _cpu()
    work()
    return {
        "wall": time.perf_counter() - started,
        "cpu": _cpu() - cpu,
        "jobs": None if jobs is None else (_jobs(engine) or 0) - jobs,
        "rss_mb": sum(p.memory_info().rss for p in _tree()) / 1e6,
    }


def _jobs(engine: Engine) -> int | None:
    if engine.name != "spark":
        return None
    return len(engine.spark.sparkContext.statusTracker().getJobIdsForGroup(None))


def _tree() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _cpu() -> float:
    return sum(p.cpu_times().user + p.cpu_times().system for p in _tree())


def _print(n: int, found: dict[str, list[dict[str, Any]]]) -> None:
    def median(name: str, what: str) -> float:
        return statistics.median(one[what] for one in found[name])

    complete = CONTENDERS[-1]
    print("| rows | engine, way | wall s | COMPLETE ÷ it | CPU s | COMPLETE ÷ it | jobs | MB |")
    for name in (*CONTENDERS, *RULES):
        jobs, wall, cpu = found[name][0]["jobs"], median(name, "wall"), median(name, "cpu")
        print(
            f"| {n:,} | {name} | {wall:.1f} | {median(complete, 'wall') / wall:.1f} "
            f"| {cpu:.1f} | {median(complete, 'cpu') / cpu:.1f} "
            f"| {'' if jobs is None else jobs} | {median(name, 'rss_mb'):,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
