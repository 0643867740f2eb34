"""What a changed suite would do to rows that were loaded before: judged again from the archive, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from spark_app.classify.batch_rules import find_broken
from spark_app.classify.stage import read_files
from spark_app.classify.staging import Attempt, read_rows
from spark_app.classify.tally import aggregate_results
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.quality.compiler import Ruleset, compile_suite
from spark_app.reporting.judged import pinned_file
from spark_app.reporting.report import newest_first
from spark_app.runs import plan as plans
from spark_app.runs.plan import Config, Plan
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_SHOWN = 20


@dataclass(frozen=True)
class Changed:
    """A row that would change side, and the rules that it would break, or breaks no longer."""

    place: str
    newly_bad: bool
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """Rows that would change side. By rule: those that it would quarantine, and those that it does no longer.

    `failing` and `passing`: rules about a whole batch, by the number of batches that would newly fail, or pass.
    `examples`: the first of the rows.
    """

    files: int = 0
    rows: int = 0
    more: Mapping[str, int] = field(default_factory=dict)
    fewer: Mapping[str, int] = field(default_factory=dict)
    newly_bad: int = 0
    newly_good: int = 0
    failing: Mapping[str, int] = field(default_factory=dict)
    passing: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Changed, ...] = ()

    def __add__(self, other: Preview) -> Preview:
        return Preview(
            self.files + other.files,
            self.rows + other.rows,
            _summed(self.more, other.more),
            _summed(self.fewer, other.fewer),
            self.newly_bad + other.newly_bad,
            self.newly_good + other.newly_good,
            _summed(self.failing, other.failing),
            _summed(self.passing, other.passing),
            (*self.examples, *other.examples)[:_SHOWN],
        )


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict((Counter(one) + Counter(other)).most_common())


@dataclass(frozen=True)
class Batch:
    """What one run loaded of a dataset, and its `now`."""

    files: Sequence[Place]
    now: datetime


@dataclass(frozen=True)
class _Judged:
    """Rows (_rid, _file, _sheet, _line, reasons) of a batch under one suite, and rules about all of it that fail."""

    rows: DataFrame
    ruleset: Ruleset
    failing: frozenset[str]


def preview(
    engine: Engine, zones: Zones, new: Config, dataset: str, batches: int, now: datetime | None, scratch: Place
) -> Preview:
    """Compares the suite of the last run with another, over each of the last runs by itself, at its own `now`.

    Raises UsageError when nothing of the dataset was loaded.
    """
    runs = list(islice(_loaded(zones, dataset), batches))
    if not runs:
        raise UsageError(f"No file of {dataset} is in the archive", where=str(zones.archive))
    old, found = runs[0][0].config, Preview()
    for plan, files in runs:
        batch = Batch(files, now or plan.now)
        before = _judged(engine, batch, old, dataset, Attempt(scratch / plan.run_id / "before"))
        after = _judged(engine, batch, new, dataset, Attempt(scratch / plan.run_id / "after"))
        found += _compared(engine, files, before, after)
    return found


def _loaded(zones: Zones, dataset: str) -> Iterator[tuple[Plan, list[Place]]]:
    """Runs, as they were planned, and the files that they loaded, the newest run first."""
    for run_id in newest_first(zones.runs):
        folder = zones.archive / run_id
        if not folder.is_folder():
            continue
        plan = plans.load(zones.runs, run_id)
        if files := plan.archived(dataset, folder):
            yield plan, list(files.values())


def _judged(engine: Engine, batch: Batch, config: Config, dataset: str, attempt: Attempt) -> _Judged:
    contract: Contract = config.contracts[dataset]
    ruleset = compile_suite(config.suites[dataset], contract, batch.now)
    pinned = [pinned_file(number, file) for number, file in enumerate(batch.files)]
    engine.write_parquet(classify_rows(read_files(engine, contract, pinned), contract, ruleset), attempt.rows)
    rows = read_rows(engine, attempt, contract).filter("_rid is not null")
    if find_broken(engine, rows, contract, ruleset, attempt):
        rows = read_rows(engine, attempt, contract).filter("_rid is not null")
    results = aggregate_results(engine, rows, contract, ruleset.aggregates, {})
    failing = frozenset(result.name for result in results if result.passed is False)
    kept = rows.select("_rid", "_file", "_sheet", "_line", F.col("_reasons").alias("reasons"))
    return _Judged(kept, ruleset, failing)


def _compared(engine: Engine, files: Sequence[Place], before: _Judged, after: _Judged) -> Preview:
    is_now = after.rows.select("_rid", F.col("reasons").alias("is"))
    rows = before.rows.withColumnRenamed("reasons", "was").join(is_now, "_rid")
    sides = rows.withColumns({"was_bad": F.size("was") > 0, "is_bad": F.size("is") > 0})
    was_bad, is_bad = F.col("was_bad"), F.col("is_bad")
    changed = sides.filter(was_bad != is_bad)
    counts = sides.agg(F.count(F.lit(1)), F.count_if(is_bad & ~was_bad), F.count_if(was_bad & ~is_bad))
    judged, newly_bad, newly_good = engine.collect(counts)[0]
    return Preview(
        len(files),
        judged,
        _by_rule(engine, changed.filter("is_bad"), "is", after.ruleset),
        _by_rule(engine, changed.filter("was_bad"), "was", before.ruleset),
        newly_bad,
        newly_good,
        dict.fromkeys(after.failing - before.failing, 1),
        dict.fromkeys(before.failing - after.failing, 1),
        tuple(_examples(engine, changed, files, before.ruleset.names(), after.ruleset.names())),
    )


def _examples(
    engine: Engine, changed: DataFrame, files: Sequence[Place], was: Mapping[int, str], is_now: Mapping[int, str]
) -> Iterator[Changed]:
    for row in engine.collect(changed.orderBy("_rid").limit(_SHOWN)):
        sheet = f"!{row['_sheet']}" if row["_sheet"] else ""
        codes, names = (row["is"], is_now) if row["is_bad"] else (row["was"], was)
        yield Changed(f"{files[row['_file']]}{sheet}:{row['_line']}", row["is_bad"], tuple(names[c] for c in codes))


def _by_rule(engine: Engine, rows: DataFrame, column: str, ruleset: Ruleset) -> dict[str, int]:
    names, found = ruleset.names(), Counter[str]()
    for row in engine.collect(rows.select(F.explode(column).alias("code")).groupBy("code").count()):
        found[names[row["code"]]] = row["count"]
    return dict(found.most_common())
