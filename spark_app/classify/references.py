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


def keys_of(table: DataFrame, reference: Reference, parent: Contract) -> DataFrame:
    """The distinct parent keys of a table whose rows are unique by the parent's key."""
    keys = table.select(*reference.columns)
    return keys if set(parent.key) <= set(reference.columns) else keys.distinct()
