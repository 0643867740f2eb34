"""The winners of a run into their table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from spark_app.classify.outcome import Outcome, key_slice, live_rows, with_lineage
from spark_app.config.contracts import LINEAGE, Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.tables.commits import Commit, landed
from spark_app.tables.merge import Step, run_step
from spark_app.tables.schema import create_if_missing, table_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Publication:
    """What is published where, by which run. `above` is the table's version in the plan."""

    contract: Contract
    table: Path
    above: int
    run_id: str
    now: datetime
    rows_to_write: int
    accepted: Collection[int]  # versions of someone else's commits that a person has looked at
    slices: int  # as staged: whoever finishes the run, on whatever engine, takes the same steps


def winners(rows: DataFrame, verdicts: DataFrame, files: DataFrame, dropped_files: tuple[int, ...]) -> DataFrame:
    """Staged rows that the table takes: those without a verdict, and those that move their lineage."""
    kept_out = verdicts.filter(F.col("outcome") != Outcome.REFRESHED.value).select("_rid")
    return with_lineage(live_rows(rows, dropped_files).join(kept_out, "_rid", "left_anti"), files)


def publish(engine: Engine, publication: Publication, won: DataFrame) -> Commit:
    """Merges the winners, and returns what the table's own log counted. Repeating it changes nothing."""
    if not publication.rows_to_write:
        return Commit()
    contract = publication.contract
    create_if_missing(publication.table, table_schema(contract), contract.partition_by)
    columns = (*contract.names, *LINEAGE)
    lineaged = _with_run(won, publication)
    # A first load is one MERGE: every later slice would find, and rewrite, the files of the earlier ones.
    slices = 1 if publication.above < 0 else publication.slices
    done = landed(publication.table, publication.above, publication.run_id, publication.accepted)
    markers = [f"{publication.run_id}/{contract.dataset}/publish-{n}-of-{slices}" for n in range(slices)]
    for number, marker in enumerate(markers):
        if marker not in done:
            step = Step(publication.table, contract.key, columns, {c: f"s.`{c}`" for c in columns}, marker)
            run_step(engine, step, key_slice(lineaged, contract, number, slices))
    done = landed(publication.table, publication.above, publication.run_id, publication.accepted)
    return sum((done.get(marker, Commit()) for marker in markers), Commit())


def _with_run(won: DataFrame, publication: Publication) -> DataFrame:
    moment = F.lit(publication.now.isoformat()).cast("timestamp")
    return won.withColumn("ingestion_timestamp", moment).withColumn("run_id", F.lit(publication.run_id))
