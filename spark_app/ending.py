"""What follows when all datasets are published: quarantine and waiting, the equations, the files' last way."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from spark_app.catalog.definitions import SYSTEM, tables
from spark_app.classify.outcome import Outcome
from spark_app.classify.staging import WAITING_FILE, read_rows
from spark_app.config.settings import RunMode
from spark_app.engine import functions as F
from spark_app.loading import Surroundings, Work, parts
from spark_app.quality.compiler import compile_suite
from spark_app.reporting.outcomes import DatasetOutcome
from spark_app.review.results import results_file, save_result
from spark_app.review.samples import samples
from spark_app.runs.abandon import accepted_commits
from spark_app.runs.balance import check, count
from spark_app.runs.plan import Plan
from spark_app.runs.settle import record_history, settle_files
from spark_app.tables.commits import Commit
from spark_app.tables.decisions import Decision, record
from spark_app.tables.entries import (
    ENTRIES,
    TO_WAIT,
    entries,
    merge_entries,
    open_waiting,
    out_of_quarantine,
    to_quarantine,
    to_waiting,
)
from spark_app.tables.reading import newest
from spark_app.tables.schema import QUARANTINE, WAITING, fit, make_ready

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def note_recall(plan: Plan, around: Surroundings) -> None:
    """Who called rows back from quarantine, and why; once, however often the run is begun."""
    if plan.recall and plan.mode is not RunMode.VALIDATE_ONLY:
        asked = plan.recall
        until = datetime.fromisoformat(asked.until) if asked.until else None
        decision = Decision(asked.kind, plan.run_id, asked.subject, asked.reason, plan.now, asked.by, until)
        record(around.zones.system_table("decisions"), decision)


def put_away(plan: Plan, work: Work, around: Surroundings) -> Commit | None:
    """Quarantine and waiting, once for all datasets. Returns what the quarantine table's log counted."""
    if plan.mode is RunMode.VALIDATE_ONLY:
        return None
    staged = [s for _, s in work.staged.values()]
    bad = any(s.count(Outcome.INVALID, Outcome.DUPLICATE, Outcome.EXPIRED) for s in staged)
    moved = any(s.count(*TO_WAIT) or s.released for s in staged)
    recalled = any(c.recalled for c in plan.files)
    if not bad and not moved and not recalled:
        return Commit()
    found, landed = _all_entries(plan, work, around), Commit()
    if bad:
        landed = _merged("quarantine", QUARANTINE, to_quarantine(found), plan, around)
    if moved:
        _merged("waiting", WAITING, to_waiting(found), plan, around)
    if recalled:
        _merged("quarantine", QUARANTINE, out_of_quarantine(found), plan, around, closes=True)
    return landed


def _merged(
    name: str, schema: pa.Schema, found: DataFrame, plan: Plan, around: Surroundings, *, closes: bool = False
) -> Commit:
    table = around.zones.system_table(name)
    accepted = accepted_commits(around.zones.runs, plan.run_id, table)
    return merge_entries(
        around.engine(), table, schema, found, plan.run_id, plan.versions[name], accepted, closes=closes
    )


def _all_entries(plan: Plan, work: Work, around: Surroundings) -> DataFrame:
    """The entries of all datasets, written down first: a MERGE reads its source more than once."""
    frames = [entries(*parts(name, plan, work, around)) for name in work.staged]
    folder = around.zones.runs / plan.run_id / "staged" / "entries" / uuid.uuid4().hex[:8]
    around.engine().write_parquet(reduce(lambda one, other: one.unionByName(other), frames), folder)
    return around.engine().read_parquet([folder], ENTRIES)


def account(plan: Plan, work: Work, around: Surroundings, put_away: Commit | None) -> list[DatasetOutcome]:
    """Counts of each dataset, and the equations. Raises BrokenEquation before any file leaves raw."""
    dry = plan.mode is RunMode.VALIDATE_ONLY  # takes no lock: what waits may change while it looks, but not by it
    after = plan.waiting if dry else open_waiting(newest(around.zones.system_table("waiting")))
    counts = {}
    for contract in plan.contracts:
        name = contract.dataset
        commit = None if dry else work.commits.get(name, Commit())
        counts[name] = count(contract, work.of(name), commit, plan.waiting.get(name, 0), after.get(name, 0))
    check(counts, put_away)
    return [DatasetOutcome.of(name, counts[name], work.of(name), plan, around.zones) for name in counts]


def register(plan: Plan, around: Surroundings) -> None:
    """All the lake's tables in the catalog, where the caller named one, empty ones too: a query finds what it names.

    Raises CatalogDenied, CatalogUnreachable.
    """
    if around.catalog is None or plan.mode is not RunMode.FULL:
        return
    for contract in plan.config.contracts.values():
        fit(around.zones.table(contract.dataset), contract)
    for name, (schema, _) in SYSTEM.items():
        make_ready(around.zones.system_table(name), schema)
    if told := around.catalog.sync(tables(plan.config.contracts, around.zones)):
        around.observer.note(f"✔ catalog: {', '.join(told)}")


def settle(plan: Plan, work: Work, around: Surroundings) -> None:
    staged = [s for _, s in work.staged.values()]
    _keep_held_rows(plan, work, around)
    _keep_results(plan, work, around)
    if plan.mode is not RunMode.VALIDATE_ONLY:
        results = {f.index: f for s in staged for f in s.files}
        held = {index for s in staged for index in s.held}
        record_history(plan, around.zones, results, held)
        settle_files(plan, around.zones, results, held)


def _keep_results(plan: Plan, work: Work, around: Surroundings) -> None:
    """What Data Docs are made of: a validation result for each dataset, with samples where rows break a rule."""
    for name, (attempt, staged) in work.staged.items():
        contract, found = plan.config.contracts[name], {}
        if results_file(around.zones.runs, plan.run_id, name).is_file():
            continue
        if any(tally.reasons for file, tally in staged.file_tallies.items() if file not in staged.dropped_files):
            rows = read_rows(around.engine(), attempt, contract)
            found = samples(
                around.engine(), rows, contract, staged.rule_names, staged.dropped_files, around.zones.state
            )
        ruleset = compile_suite(plan.config.suites[name], contract, plan.now)
        save_result(plan, staged, ruleset, found, around.zones.runs)


def _keep_held_rows(plan: Plan, work: Work, around: Surroundings) -> None:
    """Bad rows of held files: beside the report, not in quarantine, because the next run judges them again."""
    for name, (_, staged) in work.staged.items():
        if not staged.held:
            continue
        folder = around.zones.runs / plan.run_id / "held_rows" / name
        folder.remove()  # what a run that died here may have left half written
        rows, _verdicts, context = parts(name, plan, work, around)
        files = [index for index in staged.held if index != WAITING_FILE]
        bad = rows.filter(F.col("_file").isin(*files) & (F.size("_reasons") > 0))
        as_verdicts = bad.select("_rid", F.lit(Outcome.INVALID.value).alias("outcome")).select(
            "*",
            F.array().cast("array<string>").alias("missing"),
            F.lit(None).cast("bigint").alias("keeper"),
            F.lit(None).cast("timestamp").alias("expires_at"),
        )
        around.engine().write_parquet(to_quarantine(entries(rows, as_verdicts, context)), folder)
