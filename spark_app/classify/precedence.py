"""Which row wins: one tuple, in the batch and against the table alike.

(event_time, source_modified_at, correction, tie_break columns, hash of the contract columns), nulls first.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import and_
from typing import TYPE_CHECKING

from spark_app.config.contracts import Contract
from spark_app.engine.tree import joined

if TYPE_CHECKING:
    from pyspark.sql import Column

HASH = "_content"


def order_columns(contract: Contract) -> tuple[str, ...]:
    """The names of the tuple's parts, greatest weight first."""
    event = (contract.event_time,) if contract.event_time else ()
    return (*event, "source_modified_at", "correction", *contract.tie_break, HASH)


def content_hash(contract: Contract, of: str = "") -> str:
    """SQL: a hash of the typed contract columns (`of`: whose, such as `t.`) that both engines compute alike.

    A null leaves xxhash64's seed as it is, so (null, x) and (x, null) would meet: the pattern of nulls is hashed too.
    """
    nulls = ", ".join(f"CASE WHEN {of}`{name}` IS NULL THEN '0' ELSE '1' END" for name in contract.names)
    return f"xxhash64({', '.join(hashable(name, contract, of) for name in contract.names)}, concat({nulls}))"


def hashable(name: str, contract: Contract, of: str = "") -> str:
    """SQL: a column as both engines hash it alike. On decimals too wide for 64 bits they disagree: those as text."""
    kind = contract.columns[name].type
    wide = kind.startswith("decimal") and int(kind[8:].split(",")[0]) > 18
    return f"CAST({of}`{name}` AS STRING)" if wide else f"{of}`{name}`"


def greater(left: Sequence[str], right: Sequence[str]) -> str:
    """SQL: left > right, part by part, a null being smaller than any value."""
    result = "false"
    for mine, theirs in reversed(list(zip(left, right, strict=True))):
        bigger = f"coalesce({mine} > {theirs}, {mine} IS NOT NULL AND {theirs} IS NULL)"
        result = f"({bigger} OR ({mine} <=> {theirs} AND {result}))"
    return result


def newer_in_table(contract: Contract) -> str:
    """SQL over t, a table's row, and s, one that would take its place: whether the table's row is the greater one."""
    t, s = (
        [content_hash(contract, f"{of}.") if name == HASH else f"{of}.`{name}`" for name in order_columns(contract)]
        for of in ("t", "s")
    )
    return greater(t, s)


def same(left: list[Column], right: list[Column]) -> Column:
    """left = right in every part, null being equal to null."""
    return joined(and_, [m.eqNullSafe(t) for m, t in zip(left, right, strict=True)])
