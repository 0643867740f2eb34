"""Which row wins: one tuple, in the batch and against the table alike.

(event_time, source_modified_at, correction, tie_break columns, hash of the contract columns), nulls first.
"""

from __future__ import annotations

from operator import and_
from typing import TYPE_CHECKING

from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.tree import joined

if TYPE_CHECKING:
    from pyspark.sql import Column

HASH = "_content"


def order_columns(contract: Contract) -> tuple[str, ...]:
    """The names of the tuple's parts, greatest weight first."""
    event = (contract.event_time,) if contract.event_time else ()
    return (*event, "source_modified_at", "correction", *contract.tie_break, HASH)


def content_hash(contract: Contract) -> Column:
    """A hash of the typed contract columns that both engines compute alike.

    A null leaves xxhash64's seed as it is, so (null, x) and (x, null) would meet: the pattern of nulls is hashed too.
    Decimals too wide for 64 bits are hashed as text, since the engines disagree on them.
    """
    columns = [F.col(name) for name in contract.names]
    nulls = F.concat(*(F.when(column.isNull(), F.lit("0")).otherwise(F.lit("1")) for column in columns))
    return F.xxhash64(*(_hashable(name, contract) for name in contract.names), nulls)


def _hashable(name: str, contract: Contract) -> Column:
    kind = contract.columns[name].type
    wide = kind.startswith("decimal") and int(kind[8:].split(",")[0]) > 18
    return F.col(name).cast("string") if wide else F.col(name)


def greater(left: list[Column], right: list[Column]) -> Column:
    """left > right, part by part, a null being smaller than any value."""
    result = F.lit(False)
    for mine, theirs in reversed(list(zip(left, right, strict=True))):
        bigger = F.coalesce(mine > theirs, mine.isNotNull() & theirs.isNull())
        result = bigger | (mine.eqNullSafe(theirs) & result)
    return result


def same(left: list[Column], right: list[Column]) -> Column:
    """left = right in every part, null being equal to null."""
    return joined(and_, [m.eqNullSafe(t) for m, t in zip(left, right, strict=True)])
