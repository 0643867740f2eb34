"""Expectations about the set of a column's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from spark_app.engine import functions as F
from spark_app.quality.aggregates import Aggregate
from spark_app.quality.literals import literal, literal_text
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class _DistinctSet(Aggregate):
    """About the set of a column's values. Figures: how many rows have another value, and whether each member occurs."""

    telling = False
    column: str
    value_set: tuple[Any, ...] = Field(min_length=1)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def check(self, types: Mapping[str, str]) -> None:
        for member in self.members:
            literal_text(member, types[self.column], "UTC")

    @property
    def members(self) -> tuple[Any, ...]:
        return tuple(member for member in self.value_set if member is not None)

    def figures(self, values: Values) -> Mapping[str, Column]:
        kind, given = values.type_of(self.column), self.over(values, values.value(self.column))
        members = [literal(member, kind, values.timezone) for member in self.members]
        others = F.count(F.when(~given.isin(*members), F.lit(1)))
        return {"others": others} | {str(n): F.count(F.when(given == m, F.lit(1))) for n, m in enumerate(members)}

    def observed(self, found: Mapping[str, Any]) -> str:
        absent = sum(not found[str(n)] for n in range(len(self.members)))
        return f"{found['others']} rows with another value, {absent} of {len(self.members)} members do not occur"

    def all_occur(self, found: Mapping[str, Any]) -> bool:
        return all(found[str(n)] for n in range(len(self.members)))


class DistinctInSet(_DistinctSet):
    gx_type = "expect_column_distinct_values_to_be_in_set"

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        return not found["others"]


class DistinctContainSet(_DistinctSet):
    gx_type = "expect_column_distinct_values_to_contain_set"

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        return self.all_occur(found)


class DistinctEqualSet(_DistinctSet):
    gx_type = "expect_column_distinct_values_to_equal_set"

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        return not found["others"] and self.all_occur(found)
