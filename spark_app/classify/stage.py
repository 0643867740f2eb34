"""Files of one dataset → one committed attempt: rows and verdicts, with every count that later rooms need."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from spark_app import __version__
from spark_app.classify import partitions
from spark_app.classify.batch_rules import find_broken
from spark_app.classify.gate import held_files
from spark_app.classify.outcome import KEY_HASH, Judgement, live_rows, repeated_keys, verdicts
from spark_app.classify.references import Parents
from spark_app.classify.slices import BUCKET, Slice, in_buckets, slices_of
from spark_app.classify.staging import (
    WAITING_FILE,
    AggregateResult,
    Attempt,
    Staged,
    commit,
    read_rows,
    read_verdicts,
    row_count,
)
from spark_app.classify.tally import (
    aggregate_results,
    file_accounts,
    outcome_tallies,
    quarantine_reasons,
    require_all_judged,
    unique_users,
)
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import EngineMissing
from spark_app.quality.compiler import Ruleset
from spark_app.sources.batches import PLACE as READ_PLACE
from spark_app.sources.batches import PLAIN, FileResult, ReadSpec, SourceFile
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ROWS_HELD = {False: 1, True: 3}
"""What a join holds in memory, in staged rows: their keys alone, or also the rows of the table with all columns."""
_READ_TYPES = {
    "int64": "bigint",
    "int32": "int",
    "string": "string",
    "timestamp[us, tz=UTC]": "timestamp",
    "bool": "boolean",
}


@dataclass(frozen=True)
class StageInput:
    """All that decides what is staged. `waiting`: rows that come back; `table`: what winners are compared with."""

    contract: Contract
    ruleset: Ruleset
    files: Sequence[SourceFile]
    waiting: DataFrame | None
    parents: Parents
    table: DataFrame | None
    now: datetime
    gate_open: bool
    rows_of: Mapping[str, int] = field(default_factory=dict)  # of datasets that this run has read before
    recalled: DataFrame | None = None  # what is known of the lines of recalled files: runs.recall.SIDECAR
    recalled_files: tuple[int, ...] = ()  # no batch of a sender: the gate and rules about a batch pass over them
    pruned: bool = False  # whether the MERGE may leave out partitions of the table, and that pays


def stage(engine: Engine, data: StageInput, folder: Place) -> tuple[Attempt, Staged]:
    """Stages a dataset and commits the attempt."""
    rows_held = _ROWS_HELD[data.table is not None]
    buckets = engine.buckets(rows_held * sum(file.size for file in data.files))
    attempt = Attempt(folder / uuid.uuid4().hex[:8], buckets)
    _write_rows(engine, data, attempt)
    rows = read_rows(engine, attempt, data.contract)
    files, tallies = file_accounts(engine, rows, data.ruleset)
    _same_reader(files)
    unread = [f.index for f in files if f.status != "read"]
    batch = live_rows(rows, [*unread, WAITING_FILE, *data.recalled_files])
    if find_broken(engine, batch, data.contract, data.ruleset, attempt):
        rows = read_rows(engine, attempt, data.contract)
        files, tallies = file_accounts(engine, rows, data.ruleset)
    aggregates: tuple[AggregateResult, ...] = ()
    of_senders = [f for f in files if f.index not in data.recalled_files]
    # Without a batch there is nothing to say of it, and no reason to hold what comes back.
    if any(f.status == "read" for f in of_senders):
        aggregates = aggregate_results(engine, batch, data.contract, data.ruleset.aggregates, data.rows_of)
    held = {} if data.gate_open else held_files(data.contract, of_senders, tallies, aggregates)
    dropped = {*unread, *held}
    live = live_rows(rows, dropped)
    slices = slices_of(engine.slices(rows_held * sum(tally.rows for tally in tallies.values())), buckets)
    judgement = _judgement(engine, data, files)
    for part in slices:
        _write_verdicts(engine, part, dropped, judgement, attempt)
    judged = read_verdicts(engine, attempt, len(slices))
    outcomes, domains = outcome_tallies(engine, live, judged, data.contract, data.ruleset)
    counted = {file: tally for file, tally in tallies.items() if file not in dropped}
    require_all_judged(counted, outcomes)
    staged = Staged(
        data.contract.dataset,
        attempt.folder.name,
        files,
        tallies,
        held,
        outcomes,
        quarantine_reasons(engine, live, judged, data.ruleset, counted, outcomes, data.recalled_files),
        data.ruleset.names(),
        aggregates,
        domains,
        len(slices),
        buckets,
        unique_users(engine, live, judged, data.contract, outcomes),
        partitions.touched(engine, live, judged, data.contract) if data.pruned else None,
    )
    return commit(folder, staged)


def _write_rows(engine: Engine, data: StageInput, attempt: Attempt) -> None:
    rows = classify_rows(_incoming(engine, data), data.contract, data.ruleset, waivable=data.recalled is not None)
    if attempt.buckets == 1:
        engine.write_parquet(rows, attempt.rows)
    else:
        engine.write_parquet(in_buckets(rows, data.contract, attempt.buckets), attempt.rows, partition_by=BUCKET)


def _judgement(engine: Engine, data: StageInput, files: Sequence[FileResult]) -> Judgement:
    returned = file_hashes(engine, files) if data.waiting is not None else None
    return Judgement(data.contract, data.parents, data.table, data.now, returned)


def _write_verdicts(
    engine: Engine, part: Slice, dropped: Collection[int], judgement: Judgement, attempt: Attempt
) -> None:
    contract, table, number = judgement.contract, judgement.table, part.number
    rows = live_rows(read_rows(engine, attempt, contract, part), dropped)
    there = None if table is None else part.rows(table, contract)
    engine.write_parquet(repeated_keys(rows, contract), attempt.repeated(number))
    repeated = None
    if row_count(attempt.repeated(number)):
        repeated = engine.read_parquet([attempt.repeated(number)], f"{KEY_HASH} bigint")
    engine.write_parquet(verdicts(rows, replace(judgement, table=there, repeated=repeated)), attempt.verdicts(number))


def file_hashes(engine: Engine, results: Sequence[FileResult]) -> DataFrame:
    """_file and sha256 of each file, as a small frame.

    Rows that come back from waiting bring their own id, so their file has a line without a hash.
    """
    import pyarrow as pa

    index, hashes = [WAITING_FILE, *(r.index for r in results)], [None, *(r.sha256 for r in results)]
    return engine.frame(pa.table({"_file": pa.array(index, pa.int32()), "sha256": pa.array(hashes, pa.string())}))


def _incoming(engine: Engine, data: StageInput) -> DataFrame:
    """Rows of text of all files, then those that come back from waiting."""
    read = read_files(engine, data.contract, data.files) if data.files else None
    if read is not None and data.recalled is not None:
        read = _with_past(read, data.recalled)
    if read is None:
        assert data.waiting is not None, "nothing to stage"
        return data.waiting
    return read if data.waiting is None else read.unionByName(data.waiting)


def read_files(engine: Engine, contract: Contract, files: Sequence[SourceFile]) -> DataFrame:
    """Rows of text of files, each with its place, and a closing record for each file."""
    from spark_app.sources.reader import packed, task  # a run without files needs no parser

    spec = ReadSpec.of(contract)
    groups = packed(files, engine.cores)
    ddl = ", ".join(f"`{field.name}` {_READ_TYPES[str(field.type)]}" for field in spec.schema)
    read = engine.spark.range(0, len(groups), 1, len(groups)).mapInArrow(task(groups, spec), ddl)
    first = F.lit(0).alias("_correction")
    past = {"_entry_id": "string", "_expires_at": "timestamp", "_waited_for": "array<string>", "_waived": "boolean"}
    never_seen = [F.lit(None).cast(kind).alias(name) for name, kind in past.items()]
    return read.select(*READ_PLACE.names, first, *never_seen, PLAIN, *contract.names)


def _with_past(read: DataFrame, recalled: DataFrame) -> DataFrame:
    """Rows of recalled files with the id, the place and the source time that they have had from the beginning."""
    theirs = {f"_{name}": name for name in recalled.columns if not name.startswith("_")}
    joined = read.join(recalled, ["_file", "_line"], "left")
    was_recalled = F.col("entry_id").isNotNull()
    return joined.select(
        *(
            F.when(was_recalled, F.col(theirs[name])).otherwise(F.col(name)).alias(name)
            if name in theirs
            else F.col(name)
            for name in read.columns
        )
    )


def _same_reader(files: Sequence[FileResult]) -> None:
    if others := {f.reader for f in files} - {__version__}:
        raise EngineMissing(
            f"Workers read files with version {', '.join(sorted(others))}, the driver is {__version__}",
            next_step="Ship the same wheel to the executors.",
        )
