"""The expectation types that the compiler knows, one class each.

A row-level type says when a value is unexpected. Nulls never are, but for `..._to_not_be_null`: Great
Expectations leaves them out of every other map expectation. Adding a type is adding a class.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from spark_app.engine import functions as F
from spark_app.quality.regex import NotPortable, portable

if TYPE_CHECKING:
    from pyspark.sql import Column

Regex = Annotated[str, AfterValidator(portable)]
Bound = str | int | float | dt.datetime | None


class Kwargs(BaseModel):
    """What every expectation accepts. `mostly` decides GX's own success and never a row's fate."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mostly: float = Field(default=1.0, ge=0, le=1)
    result_format: Any = None
    catch_exceptions: bool = False


class RowExpectation(Kwargs):
    """A rule about a value in each row."""

    gx_type: ClassVar[str]
    column: str

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:
        """A boolean column: true where the value breaks the rule, false or null where it does not."""
        raise NotImplementedError

    def check(self, column_type: str) -> None:
        """Raises ValueError when the arguments do not fit the column's type."""


class NotNull(RowExpectation):
    gx_type = "expect_column_values_to_not_be_null"

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:  # noqa: ARG002
        return value.isNull()


class IsNull(RowExpectation):
    gx_type = "expect_column_values_to_be_null"

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:  # noqa: ARG002
        return value.isNotNull()


class InSet(RowExpectation):
    gx_type = "expect_column_values_to_be_in_set"
    value_set: tuple[Any, ...] = Field(min_length=1)

    def check(self, column_type: str) -> None:
        for member in self.value_set:
            literal_text(member, column_type, "UTC")

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:
        return ~value.isin(*(literal(member, column_type, timezone) for member in self.value_set))


class NotInSet(InSet):
    gx_type = "expect_column_values_to_not_be_in_set"

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:
        return ~super().unexpected(value, column_type, timezone)


class Between(RowExpectation):
    gx_type = "expect_column_values_to_be_between"
    min_value: Bound = None
    max_value: Bound = None
    strict_min: bool = False
    strict_max: bool = False

    def check(self, column_type: str) -> None:
        if self.min_value is None and self.max_value is None:
            raise ValueError("min_value or max_value must be given")
        for bound in (self.min_value, self.max_value):
            if bound is not None:
                literal_text(bound, column_type, "UTC")

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:
        broken = []
        if self.min_value is not None:
            low = literal(self.min_value, column_type, timezone)
            broken.append(value <= low if self.strict_min else value < low)
        if self.max_value is not None:
            high = literal(self.max_value, column_type, timezone)
            broken.append(value >= high if self.strict_max else value > high)
        return broken[0] if len(broken) == 1 else broken[0] | broken[1]


class _OfText(RowExpectation):
    def check(self, column_type: str) -> None:
        if column_type != "string":
            raise ValueError(f"the column is {column_type}; this expectation is about text")


class LengthsBetween(_OfText):
    gx_type = "expect_column_value_lengths_to_be_between"
    min_value: int | None = Field(default=None, ge=0)
    max_value: int | None = Field(default=None, ge=0)

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:  # noqa: ARG002
        return ~F.length(value).between(self.min_value or 0, self.max_value if self.max_value is not None else 1 << 30)


class MatchesRegex(_OfText):
    gx_type = "expect_column_values_to_match_regex"
    regex: Regex

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:  # noqa: ARG002
        return ~value.rlike(self.regex)


class MatchesNoRegex(_OfText):
    gx_type = "expect_column_values_to_not_match_regex"
    regex: Regex

    def unexpected(self, value: Column, column_type: str, timezone: str) -> Column:  # noqa: ARG002
        return value.rlike(self.regex)


ROW_TYPES: dict[str, type[RowExpectation]] = {
    cls.gx_type: cls
    for cls in (NotNull, IsNull, InSet, NotInSet, Between, LengthsBetween, MatchesRegex, MatchesNoRegex)
}


class Aggregate(Kwargs):
    """A rule about one figure of the whole batch, with bounds."""

    gx_type: ClassVar[str]
    column: str | None = None
    min_value: int | float | None = None
    max_value: int | float | None = None

    def figure(self) -> Column:
        """The figure as an aggregate over staged rows."""
        raise NotImplementedError

    def holds(self, value: Any) -> bool:
        """Whether the figure lies within the bounds; no figure (no rows) is within none."""
        if value is None:
            return False
        figure = Decimal(str(value))
        low, high = (None if b is None else Decimal(str(b)) for b in (self.min_value, self.max_value))
        return (low is None or figure >= low) and (high is None or figure <= high)


class RowCountBetween(Aggregate):
    gx_type = "expect_table_row_count_to_be_between"

    def figure(self) -> Column:
        return F.count(F.lit(1))


class SumBetween(Aggregate):
    gx_type = "expect_column_sum_to_be_between"
    column: str

    def figure(self) -> Column:
        return F.sum(F.col(self.column).cast("decimal(38,6)"))


class DistinctBetween(Aggregate):
    gx_type = "expect_column_unique_value_count_to_be_between"
    column: str

    def figure(self) -> Column:
        return F.count_distinct(F.col(self.column))


AGGREGATE_TYPES: dict[str, type[Aggregate]] = {
    cls.gx_type: cls for cls in (RowCountBetween, SumBetween, DistinctBetween)
}

ROW_PREFIXES = (
    "expect_column_values_",
    "expect_column_value_",
    "expect_column_pair_values_",
    "expect_multicolumn_",
    "expect_select_column_values_",
    "expect_compound_columns_",
)


def literal(value: Any, column_type: str, timezone: str) -> Column:
    """A suite's value as a column of the contract's type."""
    spark_type = {"long": "bigint"}.get(column_type, column_type)
    if column_type in ("int", "long") or column_type.startswith("decimal"):
        spark_type = "decimal(38,10)"  # a bound may be finer, or larger, than the column
    return F.lit(literal_text(value, column_type, timezone)).cast(spark_type)


def literal_text(value: Any, column_type: str, timezone: str) -> str:
    """A suite's value as text that casts to the type. Raises ValueError when it does not fit."""
    from zoneinfo import ZoneInfo

    if column_type in ("int", "long") or column_type.startswith("decimal"):
        try:
            return format(Decimal(str(value)), "f")
        except InvalidOperation as error:
            raise ValueError(f"{value!r} is not a number, and the column is {column_type}") from error
    if column_type == "boolean":
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not true or false, and the column is boolean")
        return str(value).lower()
    if column_type in ("timestamp", "date"):
        moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
        zone = ZoneInfo(timezone)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
        return moment.date().isoformat() if column_type == "date" else moment.astimezone(dt.UTC).isoformat()
    return str(value)


__all__ = [
    "AGGREGATE_TYPES",
    "ROW_PREFIXES",
    "ROW_TYPES",
    "Aggregate",
    "NotPortable",
    "RowExpectation",
    "literal",
]
