"""The winners of a run into their table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from spark_app.classify.outcome import CHANGES, is_one_of, live_rows, with_lineage
from spark_app.classify.precedence import newer_in_table
from spark_app.classify.slices import Slice
from spark_app.config.contracts import LINEAGE, Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import BrokenEquation
from spark_app.storage.place import Place
from spark_app.tables.commits import Commit, landed
from spark_app.tables.merge import Step, run_step
from spark_app.tables.schema import fit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


_LITERAL = re.compile(r"[A-Za-z0-9 _.:+/@-]+")
"""Texts that mean themselves in a statement. Spark also replaces `${…}` in one, within quotes too."""


@dataclass(frozen=True)
class Publication:
    """What is published where, by which run. `above` is the table's version in the plan."""

    contract: Contract
    table: Place
    above: int
    run_id: str
    now: datetime
    inserts: int
    updates: int
    accepted: Collection[int]  # versions of someone else's commits that a person has looked at
    slices: int  # as staged: whoever finishes the run, on whatever engine, takes the same steps
    partitions: Collection[str] | None = None  # of all rows that the winners are or replace; None: of any

    @property
    def pruned(self) -> bool:
        """Whether only these partitions are looked at. After someone else's commit nothing is sure."""
        return self.partitions is not None and not self.accepted

    def steps(self) -> list[Step]:
        """The MERGEs to make, one for each slice of keys, each with the clauses that its rows need.

        Rows that are all new need no WHEN MATCHED: the table is then only appended to, and later slices leave the files
        of earlier ones alone. After someone else's commit nothing is sure.
        """
        columns, unsure = (*self.contract.names, *LINEAGE), bool(self.accepted)
        step = Step(
            self.table,
            self.contract.key,
            columns,
            {c: f"s.`{c}`" for c in columns} if self.updates or unsure else {},
            "",
            bool(self.inserts) or unsure,
            # A run that was thought dead may come late, when others have written: it takes no row back.
            newer_in_table(self.contract),
            _within(self.partitions or (), self.contract) if self.pruned else "",
        )
        stem = f"{self.run_id}/{self.contract.dataset}/publish"
        return [
            replace(step, marker=f"{stem}-{n}-of-{self.slices}", within=self._of_slice(step.within, n))
            for n in range(self.slices)
        ]

    def _of_slice(self, within: str, number: int) -> str:
        """An engine holds keys of the table in memory while it merges: those of the slice alone."""
        return " AND ".join(filter(None, (within, Slice(number, self.slices).condition(self.contract, "t."))))


def _within(partitions: Collection[str], contract: Contract) -> str:
    """The table's rows in these partitions. Empty, which is all of them, where a value is no plain literal."""
    name = contract.partition_column
    kind = contract.columns[name].type
    if not partitions or not all(map(_LITERAL.fullmatch, partitions)):
        return ""
    values = (
        value if kind in ("int", "long") else f"{'DATE ' if kind == 'date' else ''}'{value}'" for value in partitions
    )
    return f"t.`{name}` IN ({', '.join(values)})"


def winners(rows: DataFrame, verdicts: DataFrame, dropped_files: Collection[int]) -> DataFrame:
    """Staged rows that the table takes: those without a verdict, and those that change a row there."""
    kept_out = verdicts.filter(~is_one_of(CHANGES)).select("_rid")
    return with_lineage(live_rows(rows, dropped_files).join(kept_out, "_rid", "left_anti"))


def publish(engine: Callable[[], Engine], publication: Publication, won: Callable[[Slice], DataFrame]) -> Commit:
    """Merges the winners, and returns what the table's own log counted. Repeating it changes nothing."""
    if not publication.inserts and not publication.updates:
        return Commit()
    table, steps = publication.table, publication.steps()
    there = fit(table, publication.contract)
    ours = (publication.above, publication.run_id, publication.accepted)
    done = landed(there, table, *ours)
    if missing := [(number, step) for number, step in enumerate(steps) if step.marker not in done]:
        for number, step in missing:
            run_step(engine(), step, _with_run(won(Slice(number, len(steps))), publication))
        there.update_incremental()
        done = landed(there, table, *ours)
    total = sum((done.get(step.marker, Commit()) for step in steps), Commit())
    _require_as_judged(total, publication)
    return total


def _require_as_judged(total: Commit, publication: Publication) -> None:
    """Where a MERGE looked at some partitions only, a row that it did not see there would have come in once more."""
    if not publication.pruned or total.inserted == publication.inserts:
        return
    raise BrokenEquation(
        f"{total.inserted:,} rows were inserted, and {publication.inserts:,} were judged new",
        where=str(publication.table),
        next_step="Nothing was archived. This is a bug: please report it with the run's report.",
    )


def _with_run(won: DataFrame, publication: Publication) -> DataFrame:
    moment = F.lit(publication.now.isoformat()).cast("timestamp")
    return won.withColumn("ingestion_timestamp", moment).withColumn("run_id", F.lit(publication.run_id))
