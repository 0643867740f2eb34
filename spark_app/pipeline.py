"""One run from top to bottom: the only place that composes the rooms below.

files → staged rows and verdicts → tables → quarantine and waiting → the equations → archive → report
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from spark_app.classify.outcome import Outcome
from spark_app.classify.references import keys_of
from spark_app.classify.stage import StageInput, file_frame, stage
from spark_app.classify.staging import WAITING_FILE, Attempt, Staged, committed, read_rows, read_verdicts
from spark_app.config.contracts import Contract
from spark_app.config.settings import RunMode, Zones
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import LakehouseError, UsageError
from spark_app.quality.compiler import compile_suite
from spark_app.reporting.progress import Observer
from spark_app.reporting.report import (
    DatasetOutcome,
    Report,
    failed_report,
    finished_report,
    read_report,
    save_report,
)
from spark_app.runs import plan as plans
from spark_app.runs.abandon import accepted_commits
from spark_app.runs.balance import check, count
from spark_app.runs.lock import Lock, writer_lock
from spark_app.runs.plan import Config, Plan, Request, make_plan
from spark_app.runs.settle import record_history, remove_staged, settle_files
from spark_app.tables.commits import Commit
from spark_app.tables.entries import (
    ENTRIES,
    Context,
    entries,
    merge_entries,
    open_waiting,
    to_quarantine,
    to_waiting,
    waiting_rows,
)
from spark_app.tables.publish import Publication, publish, winners
from spark_app.tables.schema import QUARANTINE, WAITING, exists

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FOLLOW_UPS = 3


@dataclass(frozen=True)
class Surroundings:
    """What every step of a run may use. The engine starts when it is first asked for: an empty run needs none."""

    zones: Zones
    engine: Callable[[], Engine]
    engine_name: str
    observer: Observer


@dataclass
class _Work:
    """What a run has so far, by dataset."""

    staged: dict[str, tuple[Attempt, Staged]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def load(request: Request, config: Config, around: Surroundings, wait_seconds: float = 0) -> list[Report]:
    """Finishes an open run, then does the one asked for, then what came meanwhile. Newest report last.

    Raises LakehouseError; a run that has begun then has a report of its failure, and stays open.
    """
    if request.run_id and (done := read_report(around.zones.runs, request.run_id)) and done.finished:
        return [_same_mode(done, request)]
    if request.mode is RunMode.VALIDATE_ONLY:
        plan = make_plan(request, config)
        remove_staged(around.zones.runs, plan.run_id)
        return [_execute(plan, around)]
    run_id = request.run_id or plans.new_run_id(request.now or plans.utc_now())
    with writer_lock(around.zones.state, run_id, wait_seconds) as lock:
        reports = list(_finish_open(lock, around))
        if request.run_id and reports and reports[-1].run_id == request.run_id:
            return reports
        request = replace(request, run_id=run_id)
        resumed = [report.run_id for report in reports]
        reports.append(_begin(make_plan(request, config), lock, around, resumed))
        if follow_ups := list(_follow_ups(request, config, lock, around)):
            reports[-1] = reports[-1].followed_by([r.run_id for r in follow_ups])
            save_report(reports[-1], around.zones.runs)
        reports += follow_ups
    return reports


def _same_mode(done: Report, request: Request) -> Report:
    if done.data["run_mode"] != request.mode.value:
        raise UsageError(
            f"Run {done.run_id} has ended, and its mode was {done.data['run_mode']}", next_step="Give another --run-id."
        )
    return done


def _finish_open(lock: Lock, around: Surroundings) -> Iterator[Report]:
    if not (run_id := lock.writer.open_run):
        return
    if not (around.zones.runs / run_id / "plan.json").is_file():
        lock.close_run()  # it died before it planned anything
        return
    around.observer.note(f"finishing run {run_id}, which did not end")
    report = read_report(around.zones.runs, run_id)
    if report and report.finished:  # it died after its last word
        remove_staged(around.zones.runs, run_id)
    else:
        report = _execute(plans.load(around.zones.runs, run_id), around)
    lock.close_run()
    yield report


def _begin(plan: Plan, lock: Lock, around: Surroundings, resumed: list[str]) -> Report:
    remove_staged(around.zones.runs, plan.run_id)  # what a dry run of this id may have left is not this plan's
    lock.open_run(plan.run_id)
    plans.save(plan, around.zones.runs)
    report = _execute(plan, around, resumed)
    lock.close_run()
    return report


def _follow_ups(request: Request, config: Config, lock: Lock, around: Surroundings) -> Iterator[Report]:
    """Files that came while the run was going, under the same lock."""
    held = set(_unloaded(around, request))
    for _ in range(FOLLOW_UPS):
        plan = make_plan(replace(request, run_id="", now=None), config)
        if not any(c.file.uri not in held for c in plan.files):
            return
        fresh = replace(plan, files=tuple(c for c in plan.files if c.file.uri not in held))
        report = _begin(fresh, lock, around, [])
        held.update(report.left_in_raw())
        yield report


def _unloaded(around: Surroundings, request: Request) -> list[str]:
    report = read_report(around.zones.runs, request.run_id)
    return report.left_in_raw() if report else []


def _execute(plan: Plan, around: Surroundings, resumed: list[str] | None = None) -> Report:
    started, work = time.perf_counter(), _Work()
    around.observer.planned(plan, around.engine_name)
    try:
        for contract in plan.contracts:
            _stage_and_publish(contract, plan, work, around)
        put_away = _put_away(plan, work, around)
        outcomes = _account(plan, work, around, put_away)
        _settle(plan, work, around)
    except LakehouseError as error:
        save_report(failed_report(plan, around.engine_name, error, time.perf_counter() - started), around.zones.runs)
        raise
    seconds = {**work.seconds, "total": time.perf_counter() - started}
    report = finished_report(plan, around.engine_name, outcomes, seconds, resumed or [])
    save_report(report, around.zones.runs)
    remove_staged(around.zones.runs, plan.run_id)  # last: until the report is there, a later run may need it
    around.observer.finished(report)
    return report


def _stage_and_publish(contract: Contract, plan: Plan, work: _Work, around: Surroundings) -> None:
    """Children are judged after their parents' commit, and look only at the tables."""
    name, started = contract.dataset, time.perf_counter()
    files = plan.of(name)
    brings_back = plan.mode is not RunMode.VALIDATE_ONLY and plan.waiting.get(name, 0)
    if not files and not brings_back:
        return
    around.observer.dataset_started(name, len(files))
    attempt, staged = _staged(contract, plan, work, around)
    work.staged[name] = attempt, staged
    if plan.mode is not RunMode.VALIDATE_ONLY:
        to_write = staged.count(Outcome.MERGED, Outcome.REFRESHED)
        around.observer.merging(name, to_write)
        publication = Publication(
            contract,
            around.zones.table(name),
            plan.versions[name],
            plan.run_id,
            plan.now,
            to_write,
            accepted_commits(around.zones.runs, plan.run_id),
            staged.slices,
        )
        work.commits[name] = (
            publish(around.engine(), publication, _winners(contract, plan, work, around)) if to_write else Commit()
        )
    work.seconds[name] = time.perf_counter() - started
    around.observer.dataset_done(name, len(files), work.seconds[name])


def _staged(contract: Contract, plan: Plan, work: _Work, around: Surroundings) -> tuple[Attempt, Staged]:
    folder = around.zones.runs / plan.run_id / "staged" / contract.dataset
    if done := committed(folder):
        return done
    engine, zones = around.engine(), around.zones
    ruleset = compile_suite(plan.config.suites[contract.dataset], contract, {"now": plan.now})
    back = plan.mode is not RunMode.VALIDATE_ONLY and plan.waiting.get(contract.dataset, 0)
    table = zones.table(contract.dataset)
    data = StageInput(
        contract,
        ruleset,
        plan.of(contract.dataset),
        waiting_rows(engine, zones.system_table("waiting"), contract) if back else None,
        {r.name: _parent_keys(r.dataset, contract, plan, work, around) for r in contract.references},
        engine.read_table(table) if exists(table) else None,
        plan.now,
        bool(plan.open_gate),
    )
    return stage(engine, data, folder)


def _parent_keys(parent: str, child: Contract, plan: Plan, work: _Work, around: Surroundings) -> DataFrame | None:
    """The keys of a parent's table; in validate_only also those of this run's winners."""
    reference = next(r for r in child.references if r.dataset == parent)
    contract, table = plan.config.contracts[parent], around.zones.table(parent)
    found = []
    if exists(table):
        found.append(keys_of(around.engine().read_table(table), reference, contract))
    if plan.mode is RunMode.VALIDATE_ONLY and parent in work.staged:
        found.append(_winners(contract, plan, work, around).select(*reference.columns))
    if not found:
        return None
    return found[0] if len(found) == 1 else found[0].unionByName(found[1]).distinct()


def _winners(contract: Contract, plan: Plan, work: _Work, around: Surroundings) -> DataFrame:
    attempt, staged = work.staged[contract.dataset]
    engine = around.engine()
    files = file_frame(engine, plan.of(contract.dataset), staged.files)
    rows, verdicts = read_rows(engine, attempt, contract), read_verdicts(engine, attempt, staged.slices)
    return winners(rows, verdicts, files.drop("sha256"), staged.dropped_files)


def _put_away(plan: Plan, work: _Work, around: Surroundings) -> Commit | None:
    """Quarantine and waiting, once for all datasets. Returns what the quarantine table's log counted."""
    if plan.mode is RunMode.VALIDATE_ONLY:
        return None
    staged = [s for _, s in work.staged.values()]
    bad = any(s.count(Outcome.INVALID, Outcome.DUPLICATE, Outcome.EXPIRED) for s in staged)
    moved = any(s.count(Outcome.WAITING) or s.released for s in staged)
    if not bad and not moved:
        return Commit()
    accepted = accepted_commits(around.zones.runs, plan.run_id)
    found, zones, engine, landed = _all_entries(plan, work, around), around.zones, around.engine(), Commit()
    if bad:
        path = zones.system_table("quarantine")
        landed = merge_entries(
            engine, path, QUARANTINE, to_quarantine(found), plan.run_id, plan.versions["quarantine"], accepted
        )
    if moved:
        path = zones.system_table("waiting")
        merge_entries(engine, path, WAITING, to_waiting(found), plan.run_id, plan.versions["waiting"], accepted)
    return landed


def _all_entries(plan: Plan, work: _Work, around: Surroundings) -> DataFrame:
    """The entries of all datasets, written down first: a MERGE reads its source more than once."""
    frames = [entries(*_parts(name, plan, work, around)) for name in work.staged]
    folder = around.zones.runs / plan.run_id / "staged" / "entries" / uuid.uuid4().hex[:8]
    around.engine().write_parquet(reduce(lambda one, other: one.unionByName(other), frames), folder)
    return around.engine().read_parquet([folder], ENTRIES)


def _parts(name: str, plan: Plan, work: _Work, around: Surroundings) -> tuple[DataFrame, DataFrame, Context]:
    attempt, staged = work.staged[name]
    contract, engine = plan.config.contracts[name], around.engine()
    files = file_frame(engine, plan.of(name), staged.files)
    context = Context(contract, files, staged.rule_names, plan.run_id, plan.now, staged.released > 0)
    return read_rows(engine, attempt, contract), read_verdicts(engine, attempt, staged.slices), context


def _account(plan: Plan, work: _Work, around: Surroundings, put_away: Commit | None) -> list[DatasetOutcome]:
    """Counts of each dataset, and the equations. Raises BrokenEquation before any file leaves raw."""
    after = open_waiting(around.zones.system_table("waiting"))
    counts = {}
    for contract in plan.contracts:
        name = contract.dataset
        staged = work.staged[name][1] if name in work.staged else None
        commit = None if plan.mode is RunMode.VALIDATE_ONLY else work.commits.get(name, Commit())
        counts[name] = count(contract, staged, commit, plan.waiting.get(name, 0), after.get(name, 0))
    check(counts, put_away)
    return [
        DatasetOutcome.of(name, counts[name], work.staged[name][1] if name in work.staged else None, plan, around.zones)
        for name in counts
    ]


def _settle(plan: Plan, work: _Work, around: Surroundings) -> None:
    staged = [s for _, s in work.staged.values()]
    _keep_held_rows(plan, work, around)
    if plan.mode is not RunMode.VALIDATE_ONLY:
        results = {f.index: f for s in staged for f in s.files}
        held = {index for s in staged for index in s.held}
        record_history(plan, around.zones, results, held)
        settle_files(plan, around.zones, results, held)


def _keep_held_rows(plan: Plan, work: _Work, around: Surroundings) -> None:
    """Bad rows of held files: beside the report, not in quarantine, because the next run judges them again."""
    for name, (_, staged) in work.staged.items():
        folder = around.zones.runs / plan.run_id / "held_rows" / name
        if not staged.held or folder.exists():
            continue
        rows, _verdicts, context = _parts(name, plan, work, around)
        files = [index for index in staged.held if index != WAITING_FILE]
        bad = rows.filter(F.col("_file").isin(*files) & (F.size("_reasons") > 0))
        as_verdicts = bad.select("_rid", F.lit(Outcome.INVALID.value).alias("outcome")).select(
            "*", F.array().cast("array<string>").alias("missing"), F.lit(None).cast("bigint").alias("keeper")
        )
        around.engine().write_parquet(to_quarantine(entries(rows, as_verdicts, context)), folder)
