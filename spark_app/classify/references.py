"""Do a row's parents exist?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_app.config.contracts import Contract, Reference
from spark_app.engine import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Parents = Mapping[str, "DataFrame | None"]
"""By `Reference.name`: the distinct keys that exist; None when there is no such table yet."""


def with_missing(rows: DataFrame, contract: Contract, parents: Parents) -> DataFrame:
    """Adds `missing`: the names of the references whose parent is not there."""
    flags: list[Column] = []
    for number, reference in enumerate(contract.references):
        keys, found = parents[reference.name], f"_found_{number}"
        rows = _left_join(rows, keys, reference, found)
        flags.append(F.when(F.col(found).isNull(), F.lit(reference.name)))
    missing = F.array_compact(F.array(*flags)) if flags else F.array()
    return rows.withColumn("missing", missing.cast("array<string>"))


def _left_join(rows: DataFrame, keys: DataFrame | None, reference: Reference, found: str) -> DataFrame:
    if keys is None:
        return rows.withColumn(found, F.lit(None).cast("boolean"))
    return rows.join(keys.withColumn(found, F.lit(True)), list(reference.columns), "left")


def shortest_wait(missing: str, contract: Contract) -> Column:
    """Seconds that a row may wait for parents: the least of the references that it lacks; null when it lacks none."""
    waits = [F.when(F.array_contains(missing, r.name), F.lit(r.max_wait_seconds)) for r in contract.references]
    if not waits:
        return F.lit(None).cast("bigint")
    return F.array_min(F.array_compact(F.array(*waits))).cast("bigint")


def after(moment: Column, seconds: Column) -> Column:
    return F.timestamp_micros(F.unix_micros(moment) + seconds * 1_000_000)


def deadline(contract: Contract) -> Column:
    """When a row that comes back from waiting expires: a parent that came meanwhile hurries it no longer.

    Its entry knows when it expires, and for which parents (`_waited_for`): the difference of the waits moves it.
    """
    if len({r.max_wait_seconds for r in contract.references}) < 2:
        return F.col("_expires_at")
    moved = shortest_wait("missing", contract) - shortest_wait("_waited_for", contract)
    return F.coalesce(after(F.col("_expires_at"), moved), F.col("_expires_at"))


def keys_of(table: DataFrame, reference: Reference, parent: Contract) -> DataFrame:
    """The distinct parent keys of a table whose rows are unique by the parent's key."""
    keys = table.select(*reference.columns)
    return keys if set(parent.key) <= set(reference.columns) else keys.distinct()
