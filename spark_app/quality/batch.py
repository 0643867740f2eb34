"""Expectations about rows that need the other rows of the batch: uniqueness and order.

They are looked at after the files are parsed, over keys alone. The batch is the rows of this run's files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_app.quality.expectation import Kwargs, OfColumn, OfColumns
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class BatchExpectation(Kwargs):
    """A rule that a row breaks because of other rows."""

    def missing(self, values: Values) -> Column:
        """Where a row is left out, because it has no value."""
        raise NotImplementedError

    def takes_part(self, values: Values) -> Column:
        """Where a row is one of those that are compared with each other."""
        about = self.about(values)
        here = ~self.missing(values)
        return here if about is None else about & here


class Unique(OfColumn, BatchExpectation):
    """All rows of a value that occurs more than once break it."""

    gx_type = "expect_column_values_to_be_unique"


class CompoundUnique(OfColumns, BatchExpectation):
    """All rows of values that occur together more than once break it; a null is a value here."""

    gx_type = "expect_compound_columns_to_be_unique"


class Ordered(OfColumn, BatchExpectation):
    """A value against the one before it, in the order of lines; each file and worksheet begins anew."""

    strictly: bool | None = None

    def check(self, types: Mapping[str, str]) -> None:
        if types[self.column] in ("string", "boolean"):
            raise ValueError(f"the column is {types[self.column]}; it has no order that both engines share")

    def out_of_order(self, before: Column, value: Column) -> Column:
        """True where a value may not follow the one before it."""
        raise NotImplementedError


class Increasing(Ordered):
    gx_type = "expect_column_values_to_be_increasing"

    def out_of_order(self, before: Column, value: Column) -> Column:
        return value <= before if self.strictly else value < before


class Decreasing(Ordered):
    gx_type = "expect_column_values_to_be_decreasing"

    def out_of_order(self, before: Column, value: Column) -> Column:
        return value >= before if self.strictly else value > before
