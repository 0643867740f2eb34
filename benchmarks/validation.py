"""`python -m benchmarks.validation`: our validation of items against Great Expectations', the same rules and rows.

Ours casts the texts, asks every rule and writes every row with all its reasons. Great Expectations gets the typed rows
and tells what its result format holds. Each in a cold process, interleaved; the clock starts when the session is there.
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
from pathlib import Path
from typing import Any

import psutil

from spark_app.classify.staging import PLACE, Attempt, read_rows
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.config.settings import EngineName, config_folder, engine_settings
from spark_app.engine.port import Engine
from spark_app.engine.start import engine_of
from spark_app.quality.compiler import compile_suite
from spark_app.runs.plan import Config, load_config
from spark_app.samples.shop import Shape, Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENDERS = ("ours", "BOOLEAN_ONLY", "SUMMARY", "COMPLETE")
ITEMS_A_DAY = 133_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["sail", "spark"], default="sail")
    parser.add_argument("--days", type=int, default=4, help=f"of about {ITEMS_A_DAY:,} items")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("CONTENDER", "FOLDER"), help="measure one, here")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_measured(asked.engine, *asked.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        n = _prepare(Path(folder), asked.days)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
        for _ in range(asked.rounds):
            for name in CONTENDERS:
                command = [sys.executable, "-m", "benchmarks.validation", "--engine", asked.engine]
                done = subprocess.run(
                    [*command, "--one", name, folder], check=True, capture_output=True, text=True, env={**os.environ}
                )
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    _print(asked.engine, n, found)


def _prepare(folder: Path, days: int) -> int:
    """Items as Parquet: their texts for us, typed for Great Expectations (by our own casts, on the embedded engine)."""
    shop = Shop(folder / "raw", Shape(products=1000, days=days, orders_a_day=26_700, fault_every=60))
    truth = shop.write()
    command = [sys.executable, "-c", f"from benchmarks.validation import stage_texts; stage_texts({str(folder)!r})"]
    subprocess.run(command, check=True, capture_output=True)
    return truth.rows["order_items"]


def stage_texts(folder: str) -> None:
    """In a process of its own, for the engine's sake."""
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    contract, config = _contract()
    tables = []
    for file in sorted((Path(folder) / "raw" / "order-items").rglob("*.csv")):
        texts = {name: pa.string() for name in contract.names}
        options = pc.ConvertOptions(column_types=texts, strings_can_be_null=True)
        skip = pc.ParseOptions(invalid_row_handler=lambda _: "skip")
        tables.append(pc.read_csv(file, parse_options=skip, convert_options=options).select(contract.names))
    rows = pa.concat_tables(tables)
    n = len(rows)
    given = {"_rid": pa.array(range(n), pa.int64()), "_file": pa.array([0] * n, pa.int32())}
    kinds = {"_line": pa.int64(), "_source_modified_at": pa.timestamp("us", "UTC"), "_correction": pa.int32()}
    kinds["_expires_at"] = pa.timestamp("us", "UTC")
    for part in PLACE:
        name = part.split()[0]
        column = given.get(name, pa.nulls(n, kinds.get(name, pa.string())))
        rows = rows.append_column(name, column)
    (Path(folder) / "texts").mkdir()
    pq.write_table(rows, Path(folder) / "texts" / "rows.parquet", row_group_size=250_000)
    with engine_of(engine_settings(EngineName.SAIL), Path(folder) / "spark.log") as start:
        engine = start()
        attempt = Attempt(Path(folder) / "attempt")
        engine.write_parquet(_classified(engine, folder, contract, config), attempt.rows)
        engine.write_parquet(read_rows(engine, attempt, contract).select(*contract.names), Path(folder) / "typed")


def _contract() -> tuple[Contract, Config]:
    config = load_config(config_folder(None))
    return config.contracts["order_items"], config


def _classified(engine: Engine, folder: str, contract: Contract, config: Config) -> Any:
    ddl = ", ".join([*(f"`{name}` string" for name in contract.names), *PLACE])
    ruleset = compile_suite(config.suites[contract.dataset], contract, {"now": NOW})
    return classify_rows(engine.read_parquet([Path(folder) / "texts"], ddl), contract, ruleset)


def _measured(engine_name: str, contender: str, folder: str) -> dict[str, Any]:
    contract, config = _contract()
    with engine_of(engine_settings(EngineName(engine_name)), Path(folder) / "spark.log") as start:
        engine = start()
        engine.collect(engine.spark.range(1))
        if contender == "ours":
            out = Path(tempfile.mkdtemp(dir=folder)) / "rows"
            return _timed(engine, lambda: engine.write_parquet(_classified(engine, folder, contract, config), out))
        judge = _great_expectations(engine, Path(folder) / "typed", config, contender)
        return _timed(engine, judge)


def _great_expectations(engine: Engine, typed: Path, config: Config, result_format: str) -> Any:
    import logging

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.disable(logging.CRITICAL)
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    source = context.data_sources.add_spark("spark", persist=False)
    whole = source.add_dataframe_asset("items").add_batch_definition_whole_dataframe("whole")
    batch = whole.get_batch({"dataframe": engine.spark.read.parquet(str(typed))})
    now = {"$PARAMETER": "now"}
    expectations = [
        ExpectationConfiguration(
            type=e.type, kwargs={k: NOW.isoformat() if v == now else v for k, v in e.kwargs.items()}
        ).to_domain_obj()
        for e in config.suites["order_items"].expectations
    ]
    suite = gx.ExpectationSuite(name="items", expectations=expectations)
    return lambda: batch.validate(suite, result_format=result_format)


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


def _print(engine: str, n: int, found: dict[str, list[dict[str, Any]]]) -> None:
    def median(name: str, what: str) -> float:
        return statistics.median(one[what] for one in found[name])

    base = median("ours", "wall")
    for name in CONTENDERS:
        jobs = found[name][0]["jobs"]
        print(
            f"| {n:,} | {engine} | {name} | {median(name, 'wall'):.1f} | {median(name, 'wall') / base:.1f} "
            f"| {median(name, 'cpu'):.1f} | {'' if jobs is None else jobs} | {median(name, 'rss_mb'):,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
