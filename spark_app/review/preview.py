"""What a changed suite would do to rows that were loaded before: judged again from the archive, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from spark_app.classify.stage import read_files
from spark_app.classify.staging import Attempt, read_rows
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.quality.compiler import Ruleset, compile_suite
from spark_app.reporting.judged import pinned_file
from spark_app.runs import plan as plans
from spark_app.runs.plan import Config

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Preview:
    """Rows that would change side. By rule: those that it would quarantine, and those that it does no longer."""

    files: int
    rows: int
    more: Mapping[str, int]
    fewer: Mapping[str, int]
    newly_bad: int
    newly_good: int


def preview(
    engine: Engine, zones: Zones, new: Config, dataset: str, batches: int, now: datetime, scratch: Path
) -> Preview:
    """Compares the suite of the last run with another, over the files of the last runs. Raises UsageError."""
    files, old = _archived(zones, dataset, batches)
    before = _judged(engine, files, old, dataset, now, Attempt(scratch / "before"))
    after = _judged(engine, files, new, dataset, now, Attempt(scratch / "after"))
    rows = before[0].withColumnRenamed("reasons", "was").join(after[0].withColumnRenamed("reasons", "is"), "_rid")
    sides = rows.select("was", "is", (F.size("was") > 0).alias("was_bad"), (F.size("is") > 0).alias("is_bad"))
    was_bad, is_bad = F.col("was_bad"), F.col("is_bad")
    changed = sides.filter(was_bad != is_bad)
    counts = engine.collect(sides.agg(F.count(F.lit(1)), F.count_if(is_bad & ~was_bad), F.count_if(was_bad & ~is_bad)))[
        0
    ]
    return Preview(
        len(files),
        counts[0],
        _by_rule(engine, changed.filter("is_bad"), "is", after[1]),
        _by_rule(engine, changed.filter("was_bad"), "was", before[1]),
        counts[1],
        counts[2],
    )


def _archived(zones: Zones, dataset: str, batches: int) -> tuple[list[Path], Config]:
    """The files that the last runs loaded, and the configuration of the newest of them."""
    runs = sorted(zones.archive.glob("*"), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    found: list[Path] = []
    newest = ""
    for run in runs:
        folders = [f for f in run.iterdir() if f.name.lower().replace("-", "_") == dataset]
        files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
        if files:
            newest, batches = newest or run.name, batches - 1
            found += files
        if not batches:
            break
    if not found:
        raise UsageError(f"No file of {dataset} is in the archive", where=str(zones.archive))
    return found, plans.load(zones.runs, newest).config


def _judged(
    engine: Engine, files: list[Path], config: Config, dataset: str, now: datetime, attempt: Attempt
) -> tuple[DataFrame, Ruleset]:
    contract: Contract = config.contracts[dataset]
    ruleset = compile_suite(config.suites[dataset], contract, now)
    pinned = [pinned_file(number, file) for number, file in enumerate(files)]
    engine.write_parquet(classify_rows(read_files(engine, contract, pinned), contract, ruleset), attempt.rows)
    rows = read_rows(engine, attempt, contract).filter("_rid is not null")
    return rows.select("_rid", F.col("_reasons").alias("reasons")), ruleset


def _by_rule(engine: Engine, rows: DataFrame, column: str, ruleset: Ruleset) -> dict[str, int]:
    names, found = ruleset.names(), Counter[str]()
    for row in engine.collect(rows.select(F.explode(column).alias("code")).groupBy("code").count()):
        found[names[row["code"]]] = row["count"]
    return dict(found.most_common())
