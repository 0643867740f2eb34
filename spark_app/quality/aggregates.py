"""Expectations about the whole batch: figures that one query over the staged rows computes for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_app.engine import functions as F
from spark_app.quality.expectation import Kwargs, Values
from spark_app.quality.literals import is_number, literal, literal_value

if TYPE_CHECKING:
    from pyspark.sql import Column


class Aggregate(Kwargs):
    """A rule about figures of the batch. `telling`: whether a figure shows values of rows, which may be masked."""

    def figures(self, values: Values) -> Mapping[str, Column]:
        """The figures to compute, by name."""
        raise NotImplementedError

    def holds(self, found: Mapping[str, Any], values: Values) -> bool | None:
        """Whether the computed figures satisfy the rule; no figure (no rows) satisfies none. None: not checked."""
        raise NotImplementedError

    def observed(self, found: Mapping[str, Any]) -> str:
        """What a person sees as the observed value."""
        (figure,) = found.values()
        return _plain(figure)

    @property
    def telling(self) -> bool:
        return False

    def over(self, values: Values, column: Column) -> Column:
        """A column's values in the rows that the rule is about; null elsewhere."""
        about = self.about(values)
        return column if about is None else F.when(about, column)

    def rows(self, values: Values) -> Column:
        return F.count(self.over(values, F.lit(1)))


def _plain(figure: Any) -> str:
    if isinstance(figure, Decimal):
        text = format(figure, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "" if figure is None else str(figure)


class Bounded(Aggregate):
    """One figure between bounds; without any it is only reported, and holds wherever there is one."""

    min_value: Any = None
    max_value: Any = None
    strict_min: bool = False
    strict_max: bool = False

    def kind(self, values: Mapping[str, str]) -> str:  # noqa: ARG002 - the type of most figures is a number
        """The type that bounds and figure share."""
        return "decimal(38,10)"

    def check(self, types: Mapping[str, str]) -> None:
        for bound in (self.min_value, self.max_value):
            if bound is not None:
                literal_value(bound, self.kind(types), "UTC")

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:
        (figure,) = found.values()
        if figure is None:
            return False
        typed = partial(literal_value, column_type=self.kind(values.types), timezone=values.timezone)
        value: Any = typed(figure.replace(tzinfo=dt.UTC) if isinstance(figure, dt.datetime) else figure)
        low, high = (None if b is None else typed(b) for b in (self.min_value, self.max_value))
        above = low is None or (value > low if self.strict_min else value >= low)
        return bool(above and (high is None or (value < high if self.strict_max else value <= high)))


class RowCountBetween(Bounded):
    gx_type = "expect_table_row_count_to_be_between"

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}


class RowCountEqual(Aggregate):
    gx_type = "expect_table_row_count_to_equal"
    value: int

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        return bool(found["rows"] == self.value)


class RowCountEqualOther(Aggregate):
    """As many rows as another dataset's files have in this run; not checked when the run read none of them before."""

    gx_type = "expect_table_row_count_to_equal_other_table"
    other_table_name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}

    def holds(self, found: Mapping[str, Any], values: Values) -> bool | None:
        other = values.rows_of.get(self.other_table_name)
        return None if other is None else bool(found["rows"] == other)


class OfColumn(Bounded):
    """One figure of one column's values, nulls left out."""

    column: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def given(self, values: Values) -> Column:
        return self.over(values, values.value(self.column))


class _OfNumbers(OfColumn):
    def check(self, types: Mapping[str, str]) -> None:
        if not is_number(types[self.column]):
            raise ValueError(f"the column is {types[self.column]}, not a number")
        super().check(types)


class SumBetween(_OfNumbers):
    gx_type = "expect_column_sum_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"sum": F.sum(self.given(values).cast("decimal(38,6)"))}


class MeanBetween(_OfNumbers):
    gx_type = "expect_column_mean_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"mean": F.avg(self.given(values).cast("double"))}


class MedianBetween(_OfNumbers):
    """Of an even number of values: the mean of the two in the middle."""

    gx_type = "expect_column_median_to_be_between"

    @property
    def telling(self) -> bool:
        return True

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"median": F.median(self.given(values).cast("double"))}


class StdevBetween(_OfNumbers):
    """Of the sample (n − 1)."""

    gx_type = "expect_column_stdev_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"stdev": F.stddev_samp(self.given(values).cast("double"))}


class _Extreme(OfColumn):
    @property
    def telling(self) -> bool:
        return True

    def kind(self, values: Mapping[str, str]) -> str:
        return values[self.column]

    def check(self, types: Mapping[str, str]) -> None:
        if types[self.column] == "boolean":
            raise ValueError("the column is boolean")
        super().check(types)


class MinBetween(_Extreme):
    gx_type = "expect_column_min_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"min": F.min(self.given(values))}


class MaxBetween(_Extreme):
    gx_type = "expect_column_max_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"max": F.max(self.given(values))}


class DistinctBetween(OfColumn):
    gx_type = "expect_column_unique_value_count_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"distinct": F.count_distinct(self.given(values))}


class _Ratio(OfColumn):
    def holds(self, found: Mapping[str, Any], values: Values) -> bool:
        return super().holds({"ratio": _ratio(found)}, values)

    def observed(self, found: Mapping[str, Any]) -> str:
        return _plain(_ratio(found))


def _ratio(found: Mapping[str, Any]) -> float:
    return found["part"] / found["whole"] if found["whole"] else 0.0  # of nothing it is 0 in GX too


class DistinctRatioBetween(_Ratio):
    gx_type = "expect_column_proportion_of_unique_values_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"part": F.count_distinct(self.given(values)), "whole": F.count(self.given(values))}


class GivenRatioBetween(_Ratio):
    gx_type = "expect_column_proportion_of_non_null_values_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"part": F.count(self.given(values)), "whole": self.rows(values)}


class QuantileRanges(BaseModel):
    """`quantiles` in (0, 1), and as many ranges of [low or null, high or null]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    quantiles: tuple[float, ...] = Field(min_length=1)
    value_ranges: tuple[tuple[float | None, float | None], ...]

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        if len(self.quantiles) != len(self.value_ranges):
            raise ValueError("quantiles and value_ranges are of different lengths")
        if any(not 0 <= q <= 1 for q in self.quantiles):
            raise ValueError("a quantile is between 0 and 1")
        return self


class QuantilesBetween(Aggregate):
    """A quantile is a value that occurs: the smallest that so large a part of the values does not exceed."""

    gx_type = "expect_column_quantile_values_to_be_between"
    column: str
    quantile_ranges: QuantileRanges
    allow_relative_error: bool | float | str = False

    @property
    def telling(self) -> bool:
        return True

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def check(self, types: Mapping[str, str]) -> None:
        if not is_number(types[self.column]):
            raise ValueError(f"the column is {types[self.column]}, not a number")

    def figures(self, values: Values) -> Mapping[str, Column]:
        given = self.over(values, values.value(self.column)).cast("double")
        return {str(n): F.percentile_approx(given, q, 1_000_000) for n, q in enumerate(self.quantile_ranges.quantiles)}

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        def within(value: Any, low: float | None, high: float | None) -> bool:
            return value is not None and (low is None or value >= low) and (high is None or value <= high)

        ranges = self.quantile_ranges.value_ranges
        return all(within(found[str(n)], low, high) for n, (low, high) in enumerate(ranges))

    def observed(self, found: Mapping[str, Any]) -> str:
        return ", ".join(f"{q:g}: {_plain(found[str(n)])}" for n, q in enumerate(self.quantile_ranges.quantiles))


class _DistinctSet(Aggregate):
    """About the set of a column's values. Figures: how many rows have another value, and whether each member occurs."""

    column: str
    value_set: tuple[Any, ...] = Field(min_length=1)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def check(self, types: Mapping[str, str]) -> None:
        for member in self.members:
            literal_value(member, types[self.column], "UTC")

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
