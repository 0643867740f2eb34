"""Slices of keys: where memory is short, a batch is judged and merged a part of its keys at a time.

A key's rows, and its row in the table, are always in the same slice. Rows of files that promise several slices are
staged in buckets, a folder each, so that a slice reads its own part of them; slices are buckets, or parts of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from spark_app.classify.precedence import hashable
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BUCKET = "_bucket"
_OVER = 0.2  # by which a slice that is a whole bucket may be too large


@dataclass(frozen=True)
class Slice:
    number: int
    of: int

    def rows(self, frame: DataFrame, contract: Contract) -> DataFrame:
        """Those of this slice."""
        condition = self.condition(contract)
        return frame.filter(condition) if condition else frame

    def condition(self, contract: Contract, of: str = "") -> str:
        """SQL: whether a row (`of`: whose, such as `t.`) is of this slice. Empty of the whole."""
        return "" if self.of == 1 else f"{_part(contract, self.of, of)} = {self.number}"

    def bucket(self, buckets: int) -> int:
        """Where it lies; `of` is a multiple of `buckets`."""
        return self.number % buckets


WHOLE = Slice(0, 1)


def slices_of(wanted: int, buckets: int) -> list[Slice]:
    """As many slices as are wanted, or so many more that none lies in two buckets; a sixth fewer where that does."""
    of = max(1, ceil(wanted / buckets - _OVER)) * buckets
    return [Slice(number, of) for number in range(of)]


def in_buckets(rows: DataFrame, contract: Contract, buckets: int) -> DataFrame:
    """Rows with the bucket of their key."""
    return rows.withColumn(BUCKET, F.expr(_part(contract, buckets)).cast("int"))


def key_hash(contract: Contract) -> Column:
    """What rows of one key share, in 64 bits, on every engine: one may finish what another has put into buckets."""
    return F.expr(_key_hash(contract))


def _part(contract: Contract, parts: int, of: str = "") -> str:
    return f"pmod({_key_hash(contract, of)}, {parts})"


def _key_hash(contract: Contract, of: str = "") -> str:
    return f"xxhash64({', '.join(hashable(name, contract, of) for name in contract.key)})"
