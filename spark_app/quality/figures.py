"""Expectations about one figure of a column: its sum, its extremes, its quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_app.engine import functions as F
from spark_app.quality.aggregates import Aggregate, Bounded, plain
from spark_app.quality.literals import check_sum, is_number
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class Figure(Bounded):
    """One figure of one column's values, nulls left out."""

    column: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def given(self, values: Values) -> Column:
        return self.over(values, values.value(self.column))


class _OfNumbers(Figure):
    def check(self, types: Mapping[str, str]) -> None:
        if not is_number(types[self.column]):
            raise ValueError(f"the column is {types[self.column]}, not a number")
        super().check(types)


class SumBetween(_OfNumbers):
    gx_type = "expect_column_sum_to_be_between"

    def check(self, types: Mapping[str, str]) -> None:
        check_sum(self.column, types[self.column], 19, 9)  # an engine gives a sum ten digits more, up to 38
        super().check(types)

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"sum": F.sum(self.given(values).cast("decimal(28,9)"))}


class MeanBetween(_OfNumbers):
    gx_type = "expect_column_mean_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"mean": F.avg(self.given(values).cast("double"))}


class MedianBetween(_OfNumbers):
    """Of an even number of values: the mean of the two in the middle."""

    gx_type = "expect_column_median_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"median": F.median(self.given(values).cast("double"))}


class StdevBetween(_OfNumbers):
    """Of the sample (n − 1)."""

    gx_type = "expect_column_stdev_to_be_between"

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"stdev": F.stddev_samp(self.given(values).cast("double"))}


class _Extreme(Figure):
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


class DistinctBetween(Figure):
    gx_type = "expect_column_unique_value_count_to_be_between"
    telling = False

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"distinct": F.count_distinct(self.given(values))}


class _Ratio(Figure):
    telling = False

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:
        return super().holds({"ratio": _ratio(found)}, values)

    def observed(self, found: Mapping[str, Any]) -> str:
        return plain(_ratio(found))


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
        return ", ".join(f"{q:g}: {plain(found[str(n)])}" for n, q in enumerate(self.quantile_ranges.quantiles))
