"""One dataset in one run: its files are staged, and its winners published."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spark_app.classify import partitions
from spark_app.classify.conform import spark_type
from spark_app.classify.gate import held_files
from spark_app.classify.outcome import CHANGES, PUBLISHED, Outcome
from spark_app.classify.references import keys_of
from spark_app.classify.slices import WHOLE, Slice
from spark_app.classify.stage import StageInput, file_hashes, stage
from spark_app.classify.staging import Attempt, Staged, committed, read_rows, read_verdicts
from spark_app.config.contracts import Contract, Reference
from spark_app.config.settings import RunMode, Zones
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.quality.compiler import compile_suite
from spark_app.reporting.progress import Observer
from spark_app.runs.abandon import accepted_commits
from spark_app.runs.plan import Plan
from spark_app.runs.recall import read_sidecars
from spark_app.tables.commits import Commit
from spark_app.tables.decisions import Decision, record
from spark_app.tables.entries import Context, waiting_rows
from spark_app.tables.publish import Publication, publish, winners
from spark_app.tables.reading import extent, newest
from spark_app.tables.schema import missing_columns

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame

    from spark_app.catalog.definitions import Catalog


@dataclass(frozen=True)
class Surroundings:
    """What every step of a run may use. The engine starts when it is first asked for: an empty run needs none."""

    zones: Zones
    engine: Callable[[], Engine]
    engine_name: str
    observer: Observer
    require_lock: Callable[[], None] = lambda: None
    """Raises LockLost. Asked before each step that others can see; a dry run has no lock."""
    alone: bool = False
    """Whether nobody else can write while this process lives: then what was judged of a table still holds."""
    catalog: Catalog | None = None
    expect: Callable[[Callable[[], int]], None] = lambda _ahead: None
    """Told how to find out how many bytes are ahead, before the engine is first asked for."""


@dataclass
class Work:
    """What a run has so far, by dataset."""

    staged: dict[str, tuple[Attempt, Staged]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def of(self, dataset: str) -> Staged | None:
        """What was staged of a dataset; None when it had nothing to do."""
        return self.staged[dataset][1] if dataset in self.staged else None


def bytes_ahead(plan: Plan, zones: Zones) -> int:
    """Of the files that are read, and of the tables that their rows are compared with: their own, and the parents'."""
    busy = [contract for contract in plan.contracts if plan.of(contract.dataset) or plan.brings_back(contract.dataset)]
    compared = {c.dataset for c in busy} | {reference.dataset for c in busy for reference in c.references}
    read = sum(file.size for contract in busy for file in plan.of(contract.dataset))
    return read + sum(extent(newest(zones.table(name))).size for name in compared)


def stage_and_publish(contract: Contract, plan: Plan, work: Work, around: Surroundings) -> None:
    """Children are judged after their parents' commit, and look only at the tables."""
    name, started = contract.dataset, time.perf_counter()
    files = plan.of(name)
    if not files and not plan.brings_back(name):
        return
    around.observer.dataset_started(name, len(files))
    attempt, staged = _staged(contract, plan, work, around)
    work.staged[name] = attempt, staged
    if plan.mode is not RunMode.VALIDATE_ONLY:
        _note_open_gate(contract, staged, plan, around)
        around.require_lock()
        around.observer.merging(name, staged.count(*PUBLISHED))
        publication = Publication(
            contract,
            around.zones.table(name),
            plan.versions[name],
            plan.run_id,
            plan.now,
            staged.count(Outcome.INSERTED),
            staged.count(*CHANGES),
            accepted_commits(around.zones.runs, plan.run_id, around.zones.table(name)),
            staged.slices,
            staged.partitions if around.alone else None,
        )
        work.commits[name] = publish(around.engine, publication, lambda part: _winners(contract, work, around, part))
    work.seconds[name] = time.perf_counter() - started
    around.observer.dataset_done(name, len(files), work.seconds[name])


def _note_open_gate(contract: Contract, staged: Staged, plan: Plan, around: Surroundings) -> None:
    """Before any table changes: a person's reason for an open gate, where a closed one would have held a file."""
    if plan.open_gate and held_files(contract, staged.files, staged.file_tallies, staged.aggregates):
        decision = Decision("open_gate", plan.run_id, contract.dataset, plan.open_gate, plan.now, plan.opened_by)
        record(around.zones.system_table("decisions"), decision)


def _staged(contract: Contract, plan: Plan, work: Work, around: Surroundings) -> tuple[Attempt, Staged]:
    folder = around.zones.runs / plan.run_id / "staged" / contract.dataset
    if done := committed(folder):
        return done
    engine, zones = around.engine(), around.zones
    ruleset = compile_suite(plan.config.suites[contract.dataset], contract, plan.now)
    recalled = plan.recalled(contract.dataset)
    there = newest(zones.table(contract.dataset))
    data = StageInput(
        contract,
        ruleset,
        plan.of(contract.dataset),
        waiting_rows(engine, zones.system_table("waiting"), contract) if plan.brings_back(contract.dataset) else None,
        {r.name: _parent_keys(r, plan, work, around) for r in contract.references},
        _table(contract, there, around),
        plan.now,
        bool(plan.open_gate),
        {name: sum(f.rows for f in staged.files) for name, (_, staged) in work.staged.items()},
        engine.frame(read_sidecars(recalled)) if recalled else None,
        tuple(file.index for file in recalled),
        _pruning_pays(contract, there, around),
    )
    return stage(engine, data, folder)


def _table(contract: Contract, there: DeltaTable | None, around: Surroundings) -> DataFrame | None:
    """A dataset's table as its contract has it; None when there is none yet."""
    if there is None:
        return None
    rows = around.engine().read_table(around.zones.table(contract.dataset))
    for name in missing_columns(there, contract):
        rows = rows.withColumn(name, F.lit(None).cast(spark_type(contract.columns[name].type)))
    return rows


def _pruning_pays(contract: Contract, there: DeltaTable | None, around: Surroundings) -> bool:
    """Only of a table that nobody else can write meanwhile: of any other one a MERGE looks at the whole."""
    if not around.alone or not contract.partition_column:
        return False
    found = extent(there)
    return partitions.worth(found.files, found.size)


def _parent_keys(reference: Reference, plan: Plan, work: Work, around: Surroundings) -> DataFrame | None:
    """The keys of a parent's table; in validate_only also those of this run's winners."""
    contract = plan.config.contracts[reference.dataset]
    table = _table(contract, newest(around.zones.table(contract.dataset)), around)
    if plan.mode is not RunMode.VALIDATE_ONLY or reference.dataset not in work.staged:
        return None if table is None else keys_of(table, reference, contract)
    won = _winners(contract, work, around)
    if table is None:
        return keys_of(won, reference, contract)
    left = table.join(won.select(*contract.key), list(contract.key), "left_anti")  # a winner takes its row's place
    return keys_of(left.select(*reference.columns).unionByName(won.select(*reference.columns)), reference, contract)


def _frames(contract: Contract, work: Work, around: Surroundings, part: Slice = WHOLE) -> tuple[DataFrame, DataFrame]:
    attempt, staged = work.staged[contract.dataset]
    engine = around.engine()
    return read_rows(engine, attempt, contract, part), read_verdicts(engine, attempt, staged.slices, part)


def _winners(contract: Contract, work: Work, around: Surroundings, part: Slice = WHOLE) -> DataFrame:
    return winners(*_frames(contract, work, around, part), work.staged[contract.dataset][1].dropped_files)


def parts(name: str, plan: Plan, work: Work, around: Surroundings) -> tuple[DataFrame, DataFrame, Context]:
    """Staged rows and verdicts of a dataset, and what makes entries of them."""
    contract, (_, staged) = plan.config.contracts[name], work.staged[name]
    hashes = file_hashes(around.engine(), staged.files)
    recalled = tuple(file.index for file in plan.recalled(name))
    context = Context(contract, hashes, staged.rule_names, plan.run_id, plan.now, staged.released > 0, recalled)
    return *_frames(contract, work, around), context
