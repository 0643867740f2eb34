"""In which partitions of the table the rows of a run lie and will lie: a MERGE need not look at any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from spark_app.classify.outcome import CHANGES, PUBLISHED, is_one_of
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

_NONE = ""
"""Stands for a null, which no list of values finds."""
_MOST = 500


def measures(contract: Contract) -> Iterable[Column]:
    """Of the rows of one outcome: where they come to, and where the rows lie whose place they take."""
    if contract.partition_column:
        yield F.collect_set("comes_to").alias("comes_to")
        yield F.collect_set("_lies_in").alias("_lies_in")


def inputs(contract: Contract) -> Iterable[Column]:
    """What `measures` are made of."""
    if name := contract.partition_column:
        published = F.col("outcome").isNull() | is_one_of(PUBLISHED)
        yield F.when(published, _as_text(F.col(name))).alias("comes_to")
        yield F.when(is_one_of(CHANGES), _as_text(F.col("_lies_in"))).alias("_lies_in")


def _as_text(column: Column) -> Column:
    return F.coalesce(column.cast("string"), F.lit(_NONE))


def touched(found: Iterable[Any], contract: Contract) -> tuple[str, ...] | None:
    """The partitions, by the rows of the query with `measures`; None when they cannot be told, or are too many."""
    if not contract.partition_column:
        return None
    values = set(_values(found))
    return None if _NONE in values or len(values) > _MOST else tuple(sorted(values))


def _values(found: Iterable[Any]) -> Iterator[str]:
    for row in found:
        yield from (*row["comes_to"], *row["_lies_in"])
