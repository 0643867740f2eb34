"""MERGE by key, with a marker that the commit's log keeps: a repeated step is found there, not done twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MARKER = "_marker"


@dataclass(frozen=True)
class Step:
    """One write of a run into one table.

    `updates` (column → SQL over s, incoming, and t, table) are set where the key is there; `columns` are inserted where
    it is not. A clause that no row needs is left out: the engine then spares what it would read and rewrite for it.
    """

    table: Place
    key: Sequence[str]
    columns: Sequence[str]
    updates: Mapping[str, str]
    marker: str
    inserts: bool = True
    unless: str = ""
    """SQL over s and t: where it is true, a row that is there stays as it is."""
    within: str = ""
    """SQL over t: where it is false, no row of any key of this step is."""

    def sql(self, location: str) -> str:
        """The statement; `location` is the table's as the engine calls it. The marker is compared with a column of the
        source: a comparison of two literals would be folded away before it reaches the log."""
        on = " AND ".join((*([self.within] if self.within else []), *(f"t.`{name}` = s.`{name}`" for name in self.key)))
        mine = f"s.{MARKER} = '{self.marker}'"
        clauses = []
        if self.updates:
            sets = ", ".join(f"t.`{name}` = {value}" for name, value in self.updates.items())
            stays = f" AND NOT {self.unless}" if self.unless else ""
            clauses.append(f"WHEN MATCHED AND {mine}{stays} THEN UPDATE SET {sets}")
        if self.inserts:
            names = ", ".join(f"`{name}`" for name in self.columns)
            values = ", ".join(f"s.`{name}`" for name in self.columns)
            clauses.append(f"WHEN NOT MATCHED AND {mine} THEN INSERT ({names}) VALUES ({values})")
        return f"MERGE INTO delta.`{location}` t USING incoming s ON {on} {' '.join(clauses)}"


def run_step(engine: Engine, step: Step, incoming: DataFrame) -> None:
    """Merges `incoming` (the columns of the step; unique by its key) into the table."""
    engine.merge(
        step.sql(engine.location(step.table)), incoming.select(*step.columns, F.lit(step.marker).alias(MARKER))
    )
