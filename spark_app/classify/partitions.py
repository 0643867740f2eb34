"""In which partitions of the table the rows of a run lie and will lie: a MERGE need not look at any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.classify.outcome import CHANGES, PUBLISHED, is_one_of
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

WORTH_FILES, WORTH_BYTES = 32, 64 << 20
"""A table of fewer files and bytes is looked at whole in about the time that this query takes."""
_NONE = ""
"""Stands for a null, which no list of values finds."""
_MOST = 500


def worth(files: int, size: int) -> bool:
    """Whether a MERGE that leaves out partitions of a table of so many files and bytes pays for the query."""
    return files >= WORTH_FILES or size >= WORTH_BYTES


def touched(engine: Engine, live: DataFrame, verdicts: DataFrame, contract: Contract) -> tuple[str, ...] | None:
    """Where published rows come to, and where the rows lie whose place they take, by one query; None when that cannot
    be told, or is too many. The contract has a partition column."""
    judged = live.join(verdicts.select("_rid", "outcome", "_lies_in"), "_rid", "left")
    published = judged.filter(F.col("outcome").isNull() | is_one_of(PUBLISHED))
    comes_to = _as_text(F.col(contract.partition_column))
    lies_in = F.when(is_one_of(CHANGES), _as_text(F.col("_lies_in"))).otherwise(comes_to)
    pairs = published.select(comes_to.alias("comes_to"), lies_in.alias("lies_in")).distinct().limit(_MOST + 1)
    found = engine.collect(pairs)
    values = {value for pair in found for value in pair}
    return None if _NONE in values or len(found) > _MOST else tuple(sorted(values))


def _as_text(column: Column) -> Column:
    return F.coalesce(column.cast("string"), F.lit(_NONE))
